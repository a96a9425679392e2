// Records on their way into the log (RecordBatch) and out of it (ReadBuffer). Bytes only: this
// module knows neither formats nor sealing.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/append_buffer.h"
#include "base/bytes.h"
#include "data/time.h"
#include "topics/names.h"

namespace penstock::topics {

// A header of one record, as in Kafka. A null value is allowed.
struct Header {
  std::string name;
  std::optional<ByteBuffer> value;
  friend bool operator==(const Header&, const Header&) = default;
};

// Headers travel packed: u32 count, then for each u32 name length, name, u32 value length (2^32 -
// 1: null), value; little endian. No headers = no bytes. Of a record whose headers take more than
// kPackedHeaderBytesMax (others' logs may hold such) the first ones follow, and the count is of
// all.
ByteBuffer pack_headers(const std::vector<Header>& headers);
Result<std::vector<Header>> unpack_headers(ByteView packed);  // corrupt: unless all of them follow

// A header by view.
struct HeaderView {
  std::string_view name;
  std::optional<ByteView> value;
};
std::size_t packed_bytes(const HeaderView& header);  // that append_header adds, but for the count's

// Adds one to what is packed (nothing yet: no bytes).
void append_header(ByteBuffer& packed, const HeaderView& header);
// Counts headers that do not follow.
void count_left_out(ByteBuffer& packed, std::uint32_t headers);

// Walks over packed headers, which may be any bytes, without copying them.
class HeaderWalk {
 public:
  explicit HeaderWalk(ByteView packed);
  std::uint32_t count() const { return count_; }  // as the packing says
  std::uint32_t taken() const { return taken_; }
  // Nothing: the last one has been taken, or what follows is no header.
  std::optional<HeaderView> next();
  // All of them have been taken, and nothing follows.
  bool at_sound_end() const { return sound_ && taken_ == count_ && rest_.empty(); }

 private:
  std::optional<std::uint32_t> take_number();
  std::optional<ByteView> take(std::size_t bytes);

  ByteView rest_;
  std::uint32_t count_ = 0, taken_ = 0;
  bool sound_ = true;
};

// One record, by view. An absent key or value is null, which differs from empty.
struct RecordView {
  std::optional<ByteView> key;
  std::optional<ByteView> value;
  data::TimestampMs timestamp_ms = 0;
  ByteView headers = {};  // packed
};

// Records to be appended, gathered in columns. Owned by the writer of a commit, reused after
// clear().
class RecordBatch {
 public:
  void append(const RecordView& record);
  // Many at once. Without keys: all are null.
  void append(const std::optional<PackedCells>& keys, const PackedCells& values,
              std::span<const data::TimestampMs> timestamps_ms);
  // The same whose values are made in place: room for all of them, then where in there each ends,
  // and what they have beside.
  std::uint8_t* value_room(std::size_t bytes) { return values_.room(bytes); }
  void end_values(std::span<const std::uint32_t> ends, const std::optional<PackedCells>& keys,
                  std::span<const data::TimestampMs> timestamps_ms);
  void clear();  // keeps the memory
  void wipe();   // the same, and nothing of it can be read in there
  std::size_t size() const { return timestamps_ms_.size(); }
  bool empty() const { return timestamps_ms_.empty(); }
  std::size_t bytes() const { return keys_.size() + values_.size() + headers_.size(); }
  RecordView operator[](std::size_t row) const;

  // The columns, for the implementations. ends[i] is where row i ends in its byte area; the length
  // of a null is 0 and its flag is set.
  struct Cells {
    std::vector<std::uint32_t> ends;
    std::vector<std::uint8_t> nulls;  // 1 = null; empty while no row was null
  };
  const Cells& key_cells() const { return key_cells_; }
  const Cells& value_cells() const { return value_cells_; }
  const Cells& header_cells() const { return header_cells_; }
  ByteView keys() const { return keys_.view(); }
  ByteView values() const { return values_.view(); }
  ByteView headers() const { return headers_.view(); }
  const std::vector<data::TimestampMs>& timestamps_ms() const { return timestamps_ms_; }

 private:
  void end_rows(const std::optional<PackedCells>& keys,
                std::span<const data::TimestampMs> timestamps_ms);

  Cells key_cells_, value_cells_, header_cells_;
  AppendBuffer keys_, values_, headers_;
  std::vector<data::TimestampMs> timestamps_ms_;
};

// What one Reader::next() brought. The caller owns it, so several may be alive at once; the next
// next() into the same buffer invalidates all views. At least kReadPadding readable bytes follow
// every value (a scanner may read past its end; the bytes there mean nothing).
inline constexpr std::size_t kReadPadding = 64;

using penstock::Slice;

struct ReadBuffer {
  ByteBuffer storage;  // filled by the Reader; the views point into it
  std::vector<Slice> keys, values;
  std::vector<Slice> headers;  // packed; empty when no record here has any
  std::vector<data::TimestampMs> timestamps_ms;
  std::vector<Offset> offsets;

  std::size_t size() const { return offsets.size(); }
  void clear();  // keeps the memory
  RecordView operator[](std::size_t row) const;
};

}  // namespace penstock::topics
