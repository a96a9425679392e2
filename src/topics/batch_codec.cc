#include "topics/batch_codec.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include <fmt/format.h>

#include "base/check.h"
#include "topics/crc32c.h"
#include "topics/limits.h"

namespace penstock::topics {
namespace {

constexpr std::uint32_t kMagic = 0x31425350;  // "PSB1"
constexpr std::uint8_t kVersion = 2;
static_assert(kBatchRecordsMax <= UINT16_MAX && kPartitionsMax <= UINT16_MAX);
constexpr std::uint32_t kNullBit = 0x80000000;
constexpr std::uint16_t kKnownFlags = BatchHeader::kHasKeys | BatchHeader::kHasHeaders |
                                      BatchHeader::kDeltas32 | BatchHeader::kDeltas64 |
                                      BatchHeader::kGap;

template <typename T>
T load(const std::uint8_t* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <typename T>
void store(std::uint8_t* to, T value) {
  std::memcpy(to, &value, sizeof value);
}

std::size_t delta_width(std::uint16_t flags) {
  if (flags & BatchHeader::kDeltas32) return 4;
  return flags & BatchHeader::kDeltas64 ? 8 : 0;
}

std::uint32_t end_at(const std::uint8_t* ends, std::size_t row) {
  return load<std::uint32_t>(ends + 4 * row) & ~kNullBit;
}

std::uint32_t begin_at(const std::uint8_t* ends, std::size_t row) {
  return row == 0 ? 0 : end_at(ends, row - 1);
}

// Ends never fall, the last is the section's length, a null is empty.
bool ends_are_sound(const std::uint8_t* ends, std::uint32_t count, std::uint32_t length,
                    bool nulls_allowed) {
  std::uint32_t begin = 0, bad = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    std::uint32_t raw = load<std::uint32_t>(ends + 4 * std::size_t{i});
    std::uint32_t end = raw & ~kNullBit;
    std::uint32_t null = raw >> 31;
    bad |=
        static_cast<std::uint32_t>(end < begin) | (null & static_cast<std::uint32_t>(end != begin));
    bad |= nulls_allowed ? 0 : null;
    begin = end;
  }
  return bad == 0 && begin == length;
}

void write_header(std::uint8_t* to, const BatchHeader& header) {
  store(to, kMagic);
  to[4] = kVersion;
  to[5] = 0;  // kind: records
  store(to + 6, header.flags);
  store(to + 8, header.base);
  store(to + 16, static_cast<std::uint16_t>(header.count));
  store(to + 18, static_cast<std::uint16_t>(header.partition));
  store(to + 20, header.topic_id);
  store(to + 24, header.first_timestamp_ms);
  store(to + 32, header.max_timestamp_ms);
  store(to + 40, header.key_bytes);
  store(to + 44, header.value_bytes);
  store(to + 48, header.header_bytes);
  store(to + 52, header.round);
  store(to + 60, header.crc);
}

BatchHeader read_header(const std::uint8_t* from) {
  BatchHeader header;
  header.flags = load<std::uint16_t>(from + 6);
  header.base = load<Offset>(from + 8);
  header.count = load<std::uint16_t>(from + 16);
  header.topic_id = load<std::uint32_t>(from + 20);
  header.first_timestamp_ms = load<data::TimestampMs>(from + 24);
  header.max_timestamp_ms = load<data::TimestampMs>(from + 32);
  header.key_bytes = load<std::uint32_t>(from + 40);
  header.value_bytes = load<std::uint32_t>(from + 44);
  header.header_bytes = load<std::uint32_t>(from + 48);
  header.partition = load<std::uint16_t>(from + 18);
  header.round = load<std::uint64_t>(from + 52);
  header.crc = load<std::uint32_t>(from + 60);
  return header;
}

bool gap_is_sound(const BatchHeader& header) {
  return header.flags == BatchHeader::kGap && header.count == 0 && header.key_bytes == 0 &&
         header.header_bytes == 0 && header.value_bytes > 0 &&
         header.value_bytes <= kGapOffsetsMax && header.base >= 0 &&
         header.base <= std::numeric_limits<Offset>::max() - kGapOffsetsMax;
}

bool lengths_are_sound(const BatchHeader& header) {
  if (header.is_gap()) return gap_is_sound(header);
  if (header.count == 0 || header.count > kBatchRecordsMax) return false;
  if (header.key_bytes > kBatchBytesMax || header.value_bytes > kBatchBytesMax ||
      header.header_bytes > kBatchBytesMax)
    return false;
  if (!(header.flags & BatchHeader::kHasKeys) && header.key_bytes != 0) return false;
  if (!(header.flags & BatchHeader::kHasHeaders) && header.header_bytes != 0) return false;
  if (header.base < 0 ||
      header.base > std::numeric_limits<Offset>::max() - Offset{kBatchRecordsMax})
    return false;
  return header.bytes() <= kBatchBytesMax;
}

std::uint32_t start_of(const RecordBatch::Cells& cells, std::size_t row) {
  return row == 0 ? 0 : cells.ends[row - 1];
}

std::uint32_t length_of(const RecordBatch::Cells& cells, std::size_t first, std::size_t last) {
  return cells.ends[last - 1] - start_of(cells, first);
}

std::uint8_t* write_ends(std::uint8_t* to, const RecordBatch::Cells& cells, std::size_t first,
                         std::size_t last) {
  std::uint32_t start = start_of(cells, first);
  for (std::size_t row = first; row < last; ++row)
    store(to + 4 * (row - first), cells.ends[row] - start);
  if (!cells.nulls.empty()) {
    for (std::size_t row = first; row < last; ++row)
      if (cells.nulls[row]) to[4 * (row - first) + 3] |= 0x80;
  }
  return to + 4 * (last - first);
}

std::uint8_t* write_area(std::uint8_t* to, ByteView area, const RecordBatch::Cells& cells,
                         std::size_t first, std::size_t last) {
  std::size_t length = length_of(cells, first, last);
  if (length > 0) std::memcpy(to, area.data() + start_of(cells, first), length);
  return to + length;
}

std::uint8_t* write_deltas(std::uint8_t* to, const data::TimestampMs* timestamps,
                           const BatchHeader& header) {
  std::size_t width = delta_width(header.flags);
  auto first = static_cast<std::uint64_t>(header.first_timestamp_ms);
  for (std::uint32_t i = 0; i < header.count && width != 0; ++i) {
    std::uint64_t delta = static_cast<std::uint64_t>(timestamps[i]) - first;
    if (width == 4)
      store(to + 4 * std::size_t{i}, static_cast<std::uint32_t>(delta));
    else
      store(to + 8 * std::size_t{i}, delta);
  }
  return to + width * header.count;
}

void choose_deltas(BatchHeader& header, const data::TimestampMs* timestamps) {
  auto [low, high] = std::minmax_element(timestamps, timestamps + header.count);
  header.first_timestamp_ms = timestamps[0];
  header.max_timestamp_ms = *high;
  if (*low == *high) return;
  auto span = static_cast<std::uint64_t>(*high) - static_cast<std::uint64_t>(*low);
  bool narrow = span <= static_cast<std::uint64_t>(std::numeric_limits<std::int32_t>::max());
  header.flags |= narrow ? BatchHeader::kDeltas32 : BatchHeader::kDeltas64;
}

// One past the last row of the batch that starts at `first`.
std::size_t cut_after(const RecordBatch& records, std::size_t first) {
  std::size_t last_possible = std::min(records.size(), first + kBatchRecordsMax);
  auto payload = [&](std::size_t last) {
    return std::size_t{length_of(records.key_cells(), first, last)} +
           length_of(records.value_cells(), first, last) +
           length_of(records.header_cells(), first, last);
  };
  if (payload(last_possible) <= kBatchPayloadBytesTarget) return last_possible;
  std::size_t fits = first + 1, too_many = last_possible;  // one record always goes
  while (too_many - fits > 1) {
    std::size_t middle = fits + (too_many - fits) / 2;
    (payload(middle) <= kBatchPayloadBytesTarget ? fits : too_many) = middle;
  }
  return fits;
}

bool has_values(const RecordBatch::Cells& cells, std::size_t first, std::size_t last) {
  if (cells.nulls.empty()) return true;
  return std::memchr(cells.nulls.data() + first, 0, last - first) != nullptr;
}

// Where a section's bytes are now: those of rows from `origin` on start at `at`.
struct Placed {
  const std::uint8_t* at;
  std::uint32_t origin;
};

void fill_cells(const std::uint8_t* ends, Placed area, std::uint32_t first, std::uint32_t last,
                Slice* out) {
  std::uint32_t begin = begin_at(ends, first);
  for (std::uint32_t row = first; row < last; ++row) {
    std::uint32_t raw = load<std::uint32_t>(ends + 4 * std::size_t{row});
    std::uint32_t end = raw & ~kNullBit;
    *out++ = {raw & kNullBit ? nullptr : area.at + (begin - area.origin), end - begin};
    begin = end;
  }
}

void fill_times(const BatchView& batch, std::uint32_t first, std::uint32_t last, ReadBuffer& buffer,
                std::size_t at) {
  data::TimestampMs* times = buffer.timestamps_ms.data() + at;
  Offset* offsets = buffer.offsets.data() + at;
  std::size_t rows = last - first;
  for (std::size_t i = 0; i < rows; ++i)
    offsets[i] = batch.header.base + first + static_cast<Offset>(i);
  auto base = static_cast<std::uint64_t>(batch.header.first_timestamp_ms);
  const std::uint8_t* deltas = batch.deltas + delta_width(batch.header.flags) * first;
  if (batch.header.flags & BatchHeader::kDeltas32) {
    for (std::size_t i = 0; i < rows; ++i) {
      auto delta = static_cast<std::uint64_t>(std::int64_t{load<std::int32_t>(deltas + 4 * i)});
      times[i] = static_cast<data::TimestampMs>(base + delta);
    }
  } else if (batch.header.flags & BatchHeader::kDeltas64) {
    for (std::size_t i = 0; i < rows; ++i)
      times[i] = static_cast<data::TimestampMs>(base + load<std::uint64_t>(deltas + 8 * i));
  } else {
    std::fill_n(times, rows, batch.header.first_timestamp_ms);
  }
}

struct PlacedSections {
  Placed keys, values, headers;
};

void fill_placed(const BatchView& batch, std::uint32_t first, std::uint32_t last,
                 const PlacedSections& placed, ReadBuffer& buffer, std::size_t at) {
  fill_cells(batch.value_ends, placed.values, first, last, buffer.values.data() + at);
  if (batch.key_ends)
    fill_cells(batch.key_ends, placed.keys, first, last, buffer.keys.data() + at);
  else
    std::fill_n(buffer.keys.data() + at, last - first, Slice{});
  if (batch.header_ends) {  // the first ones of the buffer: none of the rows before had any
    if (buffer.headers.empty()) buffer.headers.resize(buffer.offsets.size());
    fill_cells(batch.header_ends, placed.headers, first, last, buffer.headers.data() + at);
  } else if (!buffer.headers.empty()) {
    std::fill_n(buffer.headers.data() + at, last - first, Slice{});
  }
  fill_times(batch, first, last, buffer, at);
}

}  // namespace

std::size_t BatchHeader::bytes() const {
  if (is_gap()) return kBatchHeaderBytes;
  std::size_t per_record = 4 + delta_width(flags);
  if (flags & kHasKeys) per_record += 4;
  if (flags & kHasHeaders) per_record += 4;
  return kBatchHeaderBytes + per_record * count + std::size_t{key_bytes} + value_bytes +
         header_bytes;
}

Result<BatchHeader> parse_batch_header(ByteView bytes) {
  if (bytes.size() < kBatchHeaderBytes)
    return fail(ErrorCode::corrupt, fmt::format("a batch header has {} bytes, seen {}",
                                                kBatchHeaderBytes, bytes.size()));
  if (load<std::uint32_t>(bytes.data()) != kMagic)
    return fail(ErrorCode::corrupt, "no record batch starts here (wrong magic number)");
  if (bytes[4] != kVersion || bytes[5] != 0)
    return fail(ErrorCode::unsupported,
                fmt::format("record batch of version {} and kind {}; this program reads version {} "
                            "and kind 0: a newer one wrote it",
                            bytes[4], bytes[5], kVersion));
  BatchHeader header = read_header(bytes.data());
  bool both = (header.flags & BatchHeader::kDeltas32) && (header.flags & BatchHeader::kDeltas64);
  if ((header.flags & ~kKnownFlags) || both)
    return fail(ErrorCode::corrupt,
                fmt::format("record batch with unknown flags {:#x}", header.flags));
  if (!lengths_are_sound(header))
    return fail(
        ErrorCode::corrupt,
        fmt::format("record batch with impossible lengths: {} records, {} + {} + {} bytes",
                    header.count, header.key_bytes, header.value_bytes, header.header_bytes));
  return header;
}

Result<> check_batch_crc(const BatchHeader& header, ByteView batch) {
  CHECK(batch.size() == header.bytes());
  std::uint32_t seen = crc32c(batch.first(60), crc32c(batch.subspan(kBatchHeaderBytes)));
  if (seen == header.crc) return {};
  return fail(
      ErrorCode::corrupt,
      fmt::format("record batch with CRC {:08x}, but its bytes have {:08x}", header.crc, seen));
}

Result<BatchView> view_batch(const BatchHeader& header, ByteView batch) {
  CHECK(batch.size() == header.bytes());
  BatchView view{.header = header};
  if (header.is_gap()) return view;
  const std::uint8_t* at = batch.data() + kBatchHeaderBytes;
  auto take = [&at](std::size_t bytes) { return std::exchange(at, at + bytes); };
  std::size_t ends_bytes = 4 * std::size_t{header.count};
  view.value_ends = take(ends_bytes);
  if (header.flags & BatchHeader::kHasKeys) view.key_ends = take(ends_bytes);
  view.deltas = take(delta_width(header.flags) * header.count);
  if (header.flags & BatchHeader::kHasHeaders) view.header_ends = take(ends_bytes);
  view.headers = take(header.header_bytes);
  view.keys = take(header.key_bytes);
  view.values = take(header.value_bytes);
  bool sound = ends_are_sound(view.value_ends, header.count, header.value_bytes, true);
  if (view.key_ends) sound &= ends_are_sound(view.key_ends, header.count, header.key_bytes, true);
  if (view.header_ends)
    sound &= ends_are_sound(view.header_ends, header.count, header.header_bytes, false);
  if (!sound) return fail(ErrorCode::corrupt, "record batch with ends outside of its sections");
  return view;
}

std::size_t payload_bytes(const BatchView& batch, std::uint32_t first, std::uint32_t last) {
  auto length = [&](const std::uint8_t* ends) -> std::size_t {
    return ends ? begin_at(ends, last) - begin_at(ends, first) : 0;
  };
  return length(batch.value_ends) + length(batch.key_ends) + length(batch.header_ends);
}

void resize_rows(ReadBuffer& buffer, std::size_t rows) {
  buffer.keys.resize(rows);
  buffer.values.resize(rows);
  buffer.headers.clear();  // until a batch has some
  buffer.timestamps_ms.resize(rows);
  buffer.offsets.resize(rows);
}

void grow_storage(ReadBuffer& buffer, std::size_t bytes) {
  if (buffer.storage.size() < bytes + kReadPadding) buffer.storage.resize(bytes + kReadPadding);
}

void fill_rows(const BatchView& batch, std::uint32_t first, std::uint32_t last, ReadBuffer& buffer,
               std::size_t at) {
  CHECK(first <= last && last <= batch.header.count &&
        at + (last - first) <= buffer.offsets.size());
  fill_placed(batch, first, last, {{batch.keys, 0}, {batch.values, 0}, {batch.headers, 0}}, buffer,
              at);
}

void copy_rows(const BatchView& batch, std::uint32_t first, std::uint32_t last,
               ReadBuffer& buffer) {
  CHECK(first < last && last <= batch.header.count);
  resize_rows(buffer, last - first);
  grow_storage(buffer, payload_bytes(batch, first, last));
  std::uint8_t* to = buffer.storage.data();
  auto copy = [&](const std::uint8_t* ends, const std::uint8_t* area) -> Placed {
    if (!ends) return {to, 0};
    std::uint32_t origin = begin_at(ends, first);
    std::size_t length = begin_at(ends, last) - origin;
    std::memcpy(to, area + origin, length);
    return {std::exchange(to, to + length), origin};
  };
  PlacedSections placed{.keys = copy(batch.key_ends, batch.keys),
                        .values = copy(batch.value_ends, batch.values),
                        .headers = copy(batch.header_ends, batch.headers)};
  fill_placed(batch, first, last, placed, buffer, 0);
}

ByteBuffer encode_gap(std::uint32_t topic_id, std::uint32_t partition, Offset base,
                      Offset offsets) {
  CHECK(offsets > 0 && offsets <= kGapOffsetsMax);
  BatchHeader header{.flags = BatchHeader::kGap, .topic_id = topic_id, .partition = partition};
  // Older than any record, for those who look for the newest of a segment.
  header.first_timestamp_ms = header.max_timestamp_ms =
      std::numeric_limits<data::TimestampMs>::min();
  header.value_bytes = static_cast<std::uint32_t>(offsets);
  header.crc = crc32c({});
  ByteBuffer bytes(kBatchHeaderBytes);
  write_header(bytes.data(), header);
  place_batch(bytes, base, 0);
  return bytes;
}

void EncodedBatches::append(const RecordBatch& records, std::uint32_t topic_id,
                            std::uint32_t partition) {
  constexpr std::size_t kColumnBytesMax = 20;  // of one record
  bytes_.room(records.bytes() + kColumnBytesMax * records.size() + kBatchHeaderBytes);
  for (std::size_t first = 0; first < records.size();) {
    std::size_t last = cut_after(records, first);
    append_rows(records, first, last, {.topic_id = topic_id, .partition = partition});
    first = last;
  }
  records_ += records.size();
}

void EncodedBatches::append_rows(const RecordBatch& records, std::size_t first, std::size_t last,
                                 BatchHeader header) {
  header.count = static_cast<std::uint32_t>(last - first);
  const data::TimestampMs* timestamps = records.timestamps_ms().data() + first;
  choose_deltas(header, timestamps);
  header.key_bytes = length_of(records.key_cells(), first, last);
  header.value_bytes = length_of(records.value_cells(), first, last);
  header.header_bytes = length_of(records.header_cells(), first, last);
  if (has_values(records.key_cells(), first, last)) header.flags |= BatchHeader::kHasKeys;
  if (header.header_bytes > 0) header.flags |= BatchHeader::kHasHeaders;
  std::size_t bytes = header.bytes();
  CHECK(bytes <= kBatchBytesMax);
  std::uint8_t* start = bytes_.room(bytes);
  std::uint8_t* to = write_ends(start + kBatchHeaderBytes, records.value_cells(), first, last);
  if (header.flags & BatchHeader::kHasKeys) to = write_ends(to, records.key_cells(), first, last);
  to = write_deltas(to, timestamps, header);
  if (header.flags & BatchHeader::kHasHeaders) {
    to = write_ends(to, records.header_cells(), first, last);
    to = write_area(to, records.headers(), records.header_cells(), first, last);
  }
  to = write_area(to, records.keys(), records.key_cells(), first, last);
  to = write_area(to, records.values(), records.value_cells(), first, last);
  CHECK(to == start + bytes);
  // The body's CRC now, while it is in the cache and in the writer's thread; place_batch adds the
  // header.
  header.crc = crc32c({start + kBatchHeaderBytes, bytes - kBatchHeaderBytes});
  write_header(start, header);
  bytes_.add(bytes);
}

void EncodedBatches::clear() {
  bytes_.clear();
  records_ = 0;
  if (bytes_.capacity() > kKeptBytes) bytes_.release();
}

BatchHeader place_batch(ByteSpan bytes, Offset base, std::uint64_t round) {
  CHECK(bytes.size() >= kBatchHeaderBytes);
  BatchHeader header = read_header(bytes.data());
  CHECK(header.bytes() <= bytes.size());
  header.base = base;
  header.round = round;
  store(bytes.data() + 8, base);
  store(bytes.data() + 52, round);
  header.crc = crc32c(bytes.first(60), header.crc);
  store(bytes.data() + 60, header.crc);
  return header;
}

}  // namespace penstock::topics
