#include "topics/record.h"

#include <limits>

#include <fmt/format.h>

#include "base/check.h"
#include "topics/limits.h"

namespace penstock::topics {
namespace {

void put_little(ByteBuffer& out, std::uint32_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

// Takes bytes off the front of what was packed.
class PackedHeaders {
 public:
  explicit PackedHeaders(ByteView bytes) : rest_(bytes) {}

  bool empty() const { return rest_.empty(); }
  Result<std::uint32_t> little(std::size_t bytes) {
    ByteView raw = TRY(take(bytes));
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < bytes; ++i) value |= std::uint32_t{raw[i]} << (8 * i);
    return value;
  }
  Result<ByteView> take(std::size_t bytes) {
    if (bytes > rest_.size())
      return fail(ErrorCode::corrupt,
                  fmt::format("packed headers: {} bytes are missing", bytes - rest_.size()));
    ByteView taken = rest_.first(bytes);
    rest_ = rest_.subspan(bytes);
    return taken;
  }

 private:
  ByteView rest_;
};

// Adds a cell to a column. The areas' sizes stay below 2^31 (limits.h bounds a commit far below
// it).
void append_cell(RecordBatch::Cells& cells, ByteBuffer& area, std::optional<ByteView> bytes) {
  std::size_t row = cells.ends.size();
  if (!bytes && cells.nulls.empty()) cells.nulls.resize(row, 0);
  if (!bytes || !cells.nulls.empty()) cells.nulls.push_back(bytes ? 0 : 1);
  if (bytes && !bytes->empty()) area.insert(area.end(), bytes->begin(), bytes->end());
  CHECK(area.size() <= std::numeric_limits<std::int32_t>::max());
  cells.ends.push_back(static_cast<std::uint32_t>(area.size()));
}

std::optional<ByteView> cell_at(const RecordBatch::Cells& cells, ByteView area, std::size_t row) {
  if (!cells.nulls.empty() && cells.nulls[row]) return std::nullopt;
  std::size_t begin = row == 0 ? 0 : cells.ends[row - 1];
  return area.subspan(begin, cells.ends[row] - begin);
}

void clear_cells(RecordBatch::Cells& cells) {
  cells.ends.clear();
  cells.nulls.clear();
}

}  // namespace

ByteBuffer pack_headers(const std::vector<Header>& headers) {
  ByteBuffer out;
  if (headers.empty()) return out;
  CHECK(headers.size() <= std::numeric_limits<std::uint16_t>::max());
  put_little(out, static_cast<std::uint32_t>(headers.size()), 2);
  for (const Header& header : headers) {
    CHECK(header.name.size() <= std::numeric_limits<std::uint16_t>::max());
    put_little(out, static_cast<std::uint32_t>(header.name.size()), 2);
    out.insert(out.end(), header.name.begin(), header.name.end());
    if (!header.value) {
      put_little(out, 0xffffffff, 4);
      continue;
    }
    CHECK(header.value->size() <= std::numeric_limits<std::int32_t>::max());
    put_little(out, static_cast<std::uint32_t>(header.value->size()), 4);
    out.insert(out.end(), header.value->begin(), header.value->end());
  }
  return out;
}

Result<std::vector<Header>> unpack_headers(ByteView packed) {
  std::vector<Header> headers;
  if (packed.empty()) return headers;
  PackedHeaders in(packed);
  std::uint32_t count = TRY(in.little(2));
  if (count == 0 || count > kHeadersMax)
    return fail(ErrorCode::corrupt,
                fmt::format("packed headers: count {} is not in 1 to {}", count, kHeadersMax));
  headers.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    Header& header = headers.emplace_back();
    std::uint32_t name_bytes = TRY(in.little(2));
    header.name = as_text(TRY(in.take(name_bytes)));
    std::uint32_t value_bytes = TRY(in.little(4));
    if (value_bytes != 0xffffffff) header.value = to_buffer(TRY(in.take(value_bytes)));
  }
  if (!in.empty()) return fail(ErrorCode::corrupt, "packed headers: bytes follow the last one");
  return headers;
}

void RecordBatch::append(const RecordView& record) {
  append_cell(key_cells_, keys_, record.key);
  append_cell(value_cells_, values_, record.value);
  append_cell(header_cells_, headers_, record.headers);
  timestamps_ms_.push_back(record.timestamp_ms);
}

void RecordBatch::clear() {
  clear_cells(key_cells_);
  clear_cells(value_cells_);
  clear_cells(header_cells_);
  keys_.clear();
  values_.clear();
  headers_.clear();
  timestamps_ms_.clear();
}

RecordView RecordBatch::operator[](std::size_t row) const {
  CHECK(row < size());
  return {cell_at(key_cells_, keys_, row), cell_at(value_cells_, values_, row), timestamps_ms_[row],
          *cell_at(header_cells_, headers_, row)};
}

void ReadBuffer::clear() {
  keys.clear();
  values.clear();
  headers.clear();
  timestamps_ms.clear();
  offsets.clear();
}

RecordView ReadBuffer::operator[](std::size_t row) const {
  CHECK(row < size());
  RecordView view;
  if (!keys[row].is_null()) view.key = keys[row].bytes();
  if (!values[row].is_null()) view.value = values[row].bytes();
  view.timestamp_ms = timestamps_ms[row];
  view.headers = headers[row].bytes();
  return view;
}

}  // namespace penstock::topics
