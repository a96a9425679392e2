#include "topics/read_to_end.h"

#include <fmt/format.h>

namespace penstock::topics {
namespace {

constexpr std::chrono::seconds kPatience{30};
constexpr std::chrono::milliseconds kLook{100};  // a wake() ends a wait early; that is not the end

}  // namespace

Result<std::size_t> next_before(Log& log, Reader& reader, Offset end, ReadBuffer& buffer,
                                std::size_t bytes_max) {
  Offset from = reader.position();
  auto give_up = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    std::size_t records = TRY(reader.next(buffer, bytes_max));
    if (records > 0 || reader.position() >= end) return records;
    auto now = std::chrono::steady_clock::now();
    if (reader.position() != std::exchange(from, reader.position())) give_up = now + kPatience;
    if (now >= give_up)
      return fail(ErrorCode::unavailable,
                  fmt::format("the records from offset {} up to {} do not come: nothing for {} s",
                              reader.position(), end, kPatience.count()));
    Reader* one = &reader;
    TRY(log.wait({&one, 1}, now + kLook));
  }
}

}  // namespace penstock::topics
