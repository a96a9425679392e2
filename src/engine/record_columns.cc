#include "engine/record_columns.h"

#include <vector>

#include "data/time.h"
#include "topics/record.h"

namespace penstock::engine {
namespace {

constexpr std::size_t kTimeBytes = 8;

data::Text text_of(ByteView bytes) {
  return data::Text(as_text(bytes));
}

std::int64_t read_time(ByteView bytes) {
  std::uint64_t value = 0;
  for (const std::uint8_t byte : bytes) value = value << 8 | byte;
  return static_cast<std::int64_t>(value);
}

void append_time(ByteBuffer& to, std::int64_t time) {
  for (int shift = 56; shift >= 0; shift -= 8)
    to.push_back(static_cast<std::uint8_t>(static_cast<std::uint64_t>(time) >> shift));
}

// The newest of that name.
void fill_one(const std::string& key, ByteView packed, data::RowIndex row, data::Column& to) {
  bool found = false;
  topics::HeaderWalk walk(packed);
  while (auto header = walk.next()) {
    if (header->name != key) continue;
    found = header->value.has_value();
    if (found) to.values<data::Text>()[row] = text_of(*header->value);
  }
  if (!found) to.set_null(row);
}

void fill_all(ByteView packed, data::RowIndex row, data::Column& to) {
  data::Column& structs = to.child(0);
  const std::size_t first = structs.size();
  std::uint32_t count = 0;
  topics::HeaderWalk walk(packed);
  while (auto header = walk.next()) {
    const std::size_t at = structs.append(1);
    structs.child(0).values<data::Text>()[at] = data::Text(header->name);
    if (header->value)
      structs.child(1).values<data::Text>()[at] = text_of(*header->value);
    else
      structs.child(1).set_null(at);
    ++count;
  }
  to.values<data::ListSpan>()[row] = {static_cast<std::uint32_t>(first), count};
}

}  // namespace

void fill_header_column(const sql::HeaderColumn& what, std::span<const Slice> headers,
                        data::Selection rows, data::Column& to, data::Arena&) {
  for (const data::RowIndex row : rows) {
    const ByteView packed = headers.empty() ? ByteView() : headers[row].bytes();
    if (what.key)
      fill_one(*what.key, packed, row, to);
    else
      fill_all(packed, row, to);
  }
}

std::optional<WindowedKey> split_windowed_key(ByteView key, const sql::WindowInfo& info) {
  const bool session = info.kind == sql::WindowKind::session;
  const std::size_t bytes = session ? 2 * kTimeBytes : kTimeBytes;
  if (key.size() < bytes) return std::nullopt;
  const std::int64_t start = read_time(key.last(kTimeBytes));
  const std::int64_t end =
      session ? read_time(key.subspan(key.size() - bytes, kTimeBytes))
              : static_cast<std::int64_t>(static_cast<std::uint64_t>(start) +
                                          static_cast<std::uint64_t>(info.size_ms.value_or(0)));
  if (start < 0 || start > data::kTimeMax_ms || end < start || end > 2 * data::kTimeMax_ms)
    return std::nullopt;
  return WindowedKey{key.first(key.size() - bytes), {start, end}};
}

void append_window(ByteBuffer& key, const data::WindowBounds& window, const sql::WindowInfo& info) {
  if (info.kind == sql::WindowKind::session) append_time(key, window.end);
  append_time(key, window.start);
}

}  // namespace penstock::engine
