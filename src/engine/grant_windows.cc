#include "engine/grant_windows.h"

#include <algorithm>
#include <utility>

#include "engine/limits.h"
#include "topics/read_to_end.h"

namespace penstock::engine {
namespace {

// Reading on costs less than a new reader when no more than this many records lie between.
constexpr topics::Offset kGrantsReadOver = 4096;

std::unexpected<Error> grant_gone() {
  return fail(ErrorCode::not_found, "the grant is not in its topic any more");
}

}  // namespace

GrantWindows::Window& GrantWindows::oldest() {
  return *std::ranges::min_element(windows_, {}, &Window::used);
}

Result<> GrantWindows::fill(Window& window, topics::Offset offset) {
  while (window.end <= offset) {
    window.begin = window.end;
    std::size_t records =
        TRY(topics::next_before(log_, *window.reader, offset + 1, window.buffer, kGrantFetchBytes));
    window.end = window.reader->position();
    if (records == 0) return grant_gone();
  }
  return {};
}

Result<ByteBuffer> GrantWindows::fetch(const topics::TopicName& topic, seal::GrantPlace place) {
  auto has = [&](const Window& window) {
    return window.partition == place.partition && place.offset >= window.begin &&
           place.offset < window.end;
  };
  auto leads_to = [&](const Window& window) {
    return window.partition == place.partition && window.reader != nullptr &&
           place.offset >= window.end && place.offset - window.end < kGrantsReadOver;
  };
  auto found = std::ranges::find_if(windows_, has);
  if (found == windows_.end()) {
    found = std::ranges::find_if(windows_, leads_to);
    if (found == windows_.end()) {
      Window& window = oldest();
      window.partition = -1;
      Result<std::unique_ptr<topics::Reader>> reader =
          log_.reader({topic, place.partition}, place.offset, topics::ReadCheck::authenticated);
      if (!reader && reader.error().code() == ErrorCode::invalid_argument) return grant_gone();
      window.reader = TRY(std::move(reader));
      window.begin = window.end = place.offset;
      found = &window;
    }
    found->partition = -1;  // worth nothing if filling it fails
    TRY(fill(*found, place.offset));
    found->partition = place.partition;
  }
  found->used = ++uses_;
  const topics::ReadBuffer& buffer = found->buffer;
  auto at = std::ranges::lower_bound(buffer.offsets, place.offset);
  if (at == buffer.offsets.end() || *at != place.offset) return grant_gone();
  const Slice& value = buffer.values[static_cast<std::size_t>(at - buffer.offsets.begin())];
  if (value.is_null()) return grant_gone();
  return to_buffer(value.bytes());
}

void GrantWindows::put(std::int32_t partition, topics::ReadBuffer& buffer, topics::Offset end) {
  if (buffer.size() == 0) return;
  Window& window = oldest();
  window.partition = partition;
  window.begin = buffer.offsets.front();
  window.end = end;
  window.reader.reset();
  window.used = ++uses_;
  std::swap(window.buffer, buffer);
}

}  // namespace penstock::engine
