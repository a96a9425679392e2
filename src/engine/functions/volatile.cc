// RANDOM, UUID, UNIX_TIMESTAMP and UNIX_DATE without arguments: another result for every call.
#include <cstdint>

#include "base/clock.h"
#include "crypto/random.h"
#include "data/time_text.h"
#include "engine/functions/families.h"
#include "engine/functions/kernel.h"
#include "engine/functions/text_output.h"
#include "engine/functions/volatile.h"

namespace penstock::engine::functions {
namespace {

constexpr std::string_view kNoRandom = "no_random_numbers";

}  // namespace

void random_number(const KernelCall& call) {
  constexpr double kScale = 0x1p-53;
  double* out = results<double>(call);
  for (RowIndex row : call.rows) {
    std::uint64_t bits = 0;
    const bool good = crypto::system_random()
                          .fill({reinterpret_cast<std::uint8_t*>(&bits), sizeof bits})
                          .has_value();
    out[row] = static_cast<double>(bits >> 11) * kScale;
    if (!good) call.errors.add(row, kNoRandom);
  }
}

// RFC 9562, version 4.
void random_uuid(const KernelCall& call) {
  constexpr std::size_t kBytes = 16, kTextBytes = 36;
  Text* out = results<Text>(call);
  TextOutput output(call.arena, call.rows.size() * kTextBytes);
  for (RowIndex row : call.rows) {
    std::uint8_t bytes[kBytes];
    out[row] = Text();
    if (!crypto::system_random().fill(bytes)) {
      call.errors.add(row, kNoRandom);
      continue;
    }
    bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0F) | 0x40);
    bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3F) | 0x80);
    char* to = output.next();
    for (std::size_t i = 0; i < kBytes; ++i) {
      if (i == 4 || i == 6 || i == 8 || i == 10) *to++ = '-';
      *to++ = "0123456789abcdef"[bytes[i] >> 4];
      *to++ = "0123456789abcdef"[bytes[i] & 15];
    }
    out[row] = output.take(kTextBytes);
  }
}

void now_in_ms(const KernelCall& call) {
  const std::int64_t now = system_clock().now_ms();
  for (RowIndex row : call.rows) results<std::int64_t>(call)[row] = now;
}

void today(const KernelCall& call) {
  const auto days = static_cast<std::int32_t>(system_clock().now_ms() / data::kDayMs);
  for (RowIndex row : call.rows) results<std::int32_t>(call)[row] = days;
}

}  // namespace penstock::engine::functions
