#include "topics/record.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "base/check.h"

namespace penstock::topics {
namespace {

constexpr std::uint32_t kNullValue = 0xffffffff;
constexpr std::size_t kNumberBytes = 4;
constexpr std::size_t kHeaderBytesMin = 2 * kNumberBytes;  // of one, packed

void put_number(std::uint8_t* to, std::uint32_t value) {
  for (std::size_t i = 0; i < kNumberBytes; ++i)
    to[i] = static_cast<std::uint8_t>(value >> (8 * i));
}

std::uint32_t number_at(const std::uint8_t* from) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < kNumberBytes; ++i) value |= std::uint32_t{from[i]} << (8 * i);
  return value;
}

// Adds a cell to a column. The areas' sizes stay below 2^31 (limits.h bounds a commit far below
// it).
void append_cell(RecordBatch::Cells& cells, AppendBuffer& area, std::optional<ByteView> bytes) {
  std::size_t row = cells.ends.size();
  if (!bytes && cells.nulls.empty()) cells.nulls.resize(row, 0);
  if (!bytes || !cells.nulls.empty()) cells.nulls.push_back(bytes ? 0 : 1);
  if (bytes) area.append(*bytes);
  CHECK(area.size() <= std::numeric_limits<std::int32_t>::max());
  cells.ends.push_back(static_cast<std::uint32_t>(area.size()));
}

void append_ends(RecordBatch::Cells& cells, std::size_t begin,
                 std::span<const std::uint32_t> ends) {
  const std::size_t first = cells.ends.size();
  cells.ends.resize(first + ends.size());
  for (std::size_t i = 0; i < ends.size(); ++i)
    cells.ends[first + i] = static_cast<std::uint32_t>(begin + ends[i]);
  if (!cells.nulls.empty()) cells.nulls.resize(cells.ends.size(), 0);
}

void append_packed(RecordBatch::Cells& cells, AppendBuffer& area, const PackedCells& packed) {
  const std::size_t begin = area.size();
  CHECK(begin + packed.bytes.size() <= std::numeric_limits<std::int32_t>::max());
  area.append(packed.bytes);
  append_ends(cells, begin, packed.ends);
}

// As many cells without bytes: nulls, or empty.
void append_empty(RecordBatch::Cells& cells, const AppendBuffer& area, std::size_t count,
                  bool null) {
  const std::size_t first = cells.ends.size();
  cells.ends.resize(first + count, static_cast<std::uint32_t>(area.size()));
  if (null && cells.nulls.empty()) cells.nulls.resize(first, 0);
  if (null || !cells.nulls.empty())
    cells.nulls.resize(first + count, static_cast<std::uint8_t>(null ? 1 : 0));
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
  for (const Header& header : headers) {
    HeaderView view{header.name, std::nullopt};
    if (header.value) view.value = *header.value;
    append_header(out, view);
  }
  return out;
}

Result<std::vector<Header>> unpack_headers(ByteView packed) {
  std::vector<Header> headers;
  HeaderWalk walk(packed);
  headers.reserve(std::min<std::size_t>(walk.count(), packed.size() / kHeaderBytesMin));
  while (std::optional<HeaderView> view = walk.next()) {
    Header& header = headers.emplace_back(Header{std::string(view->name), std::nullopt});
    if (view->value) header.value = to_buffer(*view->value);
  }
  if (walk.at_sound_end()) return headers;
  return fail(ErrorCode::corrupt, fmt::format("packed headers: after {} of {} headers, bytes are "
                                              "missing or follow that are none",
                                              walk.taken(), walk.count()));
}

std::size_t packed_bytes(const HeaderView& header) {
  return kHeaderBytesMin + header.name.size() + (header.value ? header.value->size() : 0);
}

void append_header(ByteBuffer& packed, const HeaderView& header) {
  const std::size_t value_bytes = header.value ? header.value->size() : 0;
  CHECK(header.name.size() < kNullValue && value_bytes < kNullValue);
  count_left_out(packed, 1);
  std::size_t at = packed.size();
  packed.resize(at + packed_bytes(header));
  std::uint8_t* to = packed.data() + at;
  put_number(to, static_cast<std::uint32_t>(header.name.size()));
  to = std::ranges::copy(header.name, to + kNumberBytes).out;
  put_number(to, header.value ? static_cast<std::uint32_t>(value_bytes) : kNullValue);
  if (header.value) std::ranges::copy(*header.value, to + kNumberBytes);
}

void count_left_out(ByteBuffer& packed, std::uint32_t headers) {
  if (packed.empty()) packed.resize(kNumberBytes);
  put_number(packed.data(), number_at(packed.data()) + headers);
}

HeaderWalk::HeaderWalk(ByteView packed) : rest_(packed) {
  if (packed.empty()) return;
  count_ = take_number().value_or(0);
  sound_ = count_ > 0;
}

std::optional<HeaderView> HeaderWalk::next() {
  if (!sound_ || taken_ == count_) return std::nullopt;
  sound_ = false;  // until it is whole
  HeaderView header;
  std::optional<std::uint32_t> length = take_number();
  if (!length) return std::nullopt;
  std::optional<ByteView> bytes = take(*length);
  if (!bytes) return std::nullopt;
  header.name = as_text(*bytes);
  length = take_number();
  if (!length) return std::nullopt;
  if (*length != kNullValue) {
    header.value = take(*length);
    if (!header.value) return std::nullopt;
  }
  sound_ = true;
  ++taken_;
  return header;
}

std::optional<std::uint32_t> HeaderWalk::take_number() {
  std::optional<ByteView> bytes = take(kNumberBytes);
  if (!bytes) return std::nullopt;
  return number_at(bytes->data());
}

std::optional<ByteView> HeaderWalk::take(std::size_t bytes) {
  if (bytes > rest_.size()) return std::nullopt;
  ByteView taken = rest_.first(bytes);
  rest_ = rest_.subspan(bytes);
  return taken;
}

void RecordBatch::append(const RecordView& record) {
  append_cell(key_cells_, keys_, record.key);
  append_cell(value_cells_, values_, record.value);
  append_cell(header_cells_, headers_, record.headers);
  timestamps_ms_.push_back(record.timestamp_ms);
}

void RecordBatch::append(const std::optional<PackedCells>& keys, const PackedCells& values,
                         std::span<const data::TimestampMs> timestamps_ms) {
  append_packed(value_cells_, values_, values);
  end_rows(keys, timestamps_ms);
}

void RecordBatch::end_values(std::span<const std::uint32_t> ends,
                             const std::optional<PackedCells>& keys,
                             std::span<const data::TimestampMs> timestamps_ms) {
  const std::size_t begin = values_.size();
  values_.add(ends.empty() ? 0 : ends.back());
  CHECK(values_.size() <= std::numeric_limits<std::int32_t>::max());
  append_ends(value_cells_, begin, ends);
  end_rows(keys, timestamps_ms);
}

// What rows have beside their values, which are there.
void RecordBatch::end_rows(const std::optional<PackedCells>& keys,
                           std::span<const data::TimestampMs> timestamps_ms) {
  const std::size_t count = timestamps_ms.size();
  CHECK(value_cells_.ends.size() == size() + count && (!keys || keys->ends.size() == count));
  if (keys)
    append_packed(key_cells_, keys_, *keys);
  else
    append_empty(key_cells_, keys_, count, true);
  append_empty(header_cells_, headers_, count, false);
  timestamps_ms_.insert(timestamps_ms_.end(), timestamps_ms.begin(), timestamps_ms.end());
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

void RecordBatch::wipe() {
  for (AppendBuffer* bytes : {&keys_, &values_, &headers_}) bytes->wipe();
  clear();
}

RecordView RecordBatch::operator[](std::size_t row) const {
  CHECK(row < size());
  return {cell_at(key_cells_, keys(), row), cell_at(value_cells_, values(), row),
          timestamps_ms_[row], *cell_at(header_cells_, headers(), row)};
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
  if (!headers.empty()) view.headers = headers[row].bytes();
  return view;
}

}  // namespace penstock::topics
