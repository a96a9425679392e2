// Record batches as segment files and the socket hold them. Little endian:
//    0 u32 magic "PSB1"     4 u8 version 2      5 u8 kind (0 records; 1 is reserved for frames)
//    6 u16 flags            8 i64 base offset  16 u16 count        18 u16 partition
//   20 u32 topic id        24 i64 first timestamp                  32 i64 max timestamp
//   40 u32 key bytes       44 u32 value bytes  48 u32 header bytes
//   52 u64 commit round    60 u32 CRC-32C of the body followed by bytes 0-59
//   64 the body: value ends (u32 each, bit 31: null), key ends (the same; if kHasKeys), timestamp
//      deltas to the first (i32 or i64 each, or none if all are equal), header ends (u32 each) and
//      packed headers (if kHasHeaders), key bytes, value bytes
// The round is that of the state database's batch which commits these bytes (0 on the socket):
// recovery tells by it whether the database has lost commits (round_guard.h).
// A gap (flag kGap) is a header alone that stands for offsets whose records compaction has taken
// out: no records, and how many offsets in place of the value bytes.
// The records' offsets are base, base + 1, ... The topic id is unique per created topic, so that
// bytes of an earlier topic in a recycled file cannot be taken for this one's. All of it is hostile
// until checked: a CRC says nothing about intent.
#pragma once

#include <cstdint>

#include "base/append_buffer.h"
#include "base/bytes.h"
#include "base/error.h"
#include "topics/record.h"

namespace penstock::topics {

inline constexpr std::size_t kBatchHeaderBytes = 64;

struct BatchHeader {
  static constexpr std::uint16_t kHasKeys = 1;
  static constexpr std::uint16_t kHasHeaders = 2;
  static constexpr std::uint16_t kDeltas32 = 4;  // neither: all timestamps are the first one
  static constexpr std::uint16_t kDeltas64 = 8;
  static constexpr std::uint16_t kGap = 16;

  std::uint16_t flags = 0;
  Offset base = 0;
  std::uint32_t count = 0;
  std::uint32_t topic_id = 0;
  std::uint32_t partition = 0;
  std::uint64_t round = 0;
  data::TimestampMs first_timestamp_ms = 0;
  data::TimestampMs max_timestamp_ms = 0;
  std::uint32_t key_bytes = 0;
  std::uint32_t value_bytes = 0;
  std::uint32_t header_bytes = 0;
  std::uint32_t crc = 0;

  std::size_t bytes() const;                           // of the whole batch
  bool is_gap() const { return (flags & kGap) != 0; }  // count is 0 then
  Offset end() const { return base + (is_gap() ? value_bytes : count); }
};

// Reads the first 64 bytes. corrupt: no batch, or lengths beyond limits.h. unsupported: a newer
// version.
Result<BatchHeader> parse_batch_header(ByteView bytes);

// Compares the CRC. `batch` is header.bytes() long.
Result<> check_batch_crc(const BatchHeader& header, ByteView batch);

// The columns of a batch in memory, which outlives this.
struct BatchView {
  BatchHeader header;
  const std::uint8_t* value_ends = nullptr;
  const std::uint8_t* key_ends = nullptr;  // null without keys
  const std::uint8_t* deltas = nullptr;
  const std::uint8_t* header_ends = nullptr;
  const std::uint8_t* headers = nullptr;
  const std::uint8_t* keys = nullptr;
  const std::uint8_t* values = nullptr;
};

// Finds the columns and checks that every end lies in its section.
Result<BatchView> view_batch(const BatchHeader& header, ByteView batch);

// Key, value and header bytes of the rows [first, last).
std::size_t payload_bytes(const BatchView& batch, std::uint32_t first, std::uint32_t last);

// Writes the rows [first, last) into the buffer's columns from index `at` on, which exist; the
// views point into the batch. The caller sees to the padding behind it.
void fill_rows(const BatchView& batch, std::uint32_t first, std::uint32_t last, ReadBuffer& buffer,
               std::size_t at);

// The same, but the bytes are copied into the buffer's storage, which this sizes.
void copy_rows(const BatchView& batch, std::uint32_t first, std::uint32_t last, ReadBuffer& buffer);

void resize_rows(ReadBuffer& buffer, std::size_t rows);
void grow_storage(ReadBuffer& buffer, std::size_t bytes);  // to at least bytes + kReadPadding

// A gap of this many offsets, at least one, from `base` on: kBatchHeaderBytes.
inline constexpr Offset kGapOffsetsMax = 1 << 30;  // of one
ByteBuffer encode_gap(std::uint32_t topic_id, std::uint32_t partition, Offset base, Offset offsets);

// Encoded batches one after the other, without base offsets and CRC until placed.
class EncodedBatches {
 public:
  // Cuts the rows into batches near the targets of limits.h. No record is larger than the limit.
  void append(const RecordBatch& records, std::uint32_t topic_id, std::uint32_t partition);
  void clear();  // keeps at most kKeptBytes of memory: a usual commit's is there for the next one

  bool empty() const { return bytes_.empty(); }
  std::size_t records() const { return records_; }
  ByteView bytes() const { return bytes_.view(); }
  ByteSpan bytes() { return bytes_.span(); }

 private:
  // Above what a task gathers for one commit, with its columns: what is given back after each
  // commit costs page faults in the next.
  static constexpr std::size_t kKeptBytes = 16 << 20;
  void append_rows(const RecordBatch& records, std::size_t first, std::size_t last,
                   BatchHeader header);

  AppendBuffer bytes_;
  std::size_t records_ = 0;
};

// Gives the encoded batch at the front of `bytes` its base offset, its commit round and its CRC;
// returns its header.
BatchHeader place_batch(ByteSpan bytes, Offset base, std::uint64_t round);

}  // namespace penstock::topics
