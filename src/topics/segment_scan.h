// Walks the batches of a segment file one after the other, trusting nothing.
#pragma once

#include <functional>

#include "topics/batch_codec.h"
#include "topics/segment_file.h"

namespace penstock::topics {

struct ScanEnd {
  Offset offset = 0;        // one past the last whole batch
  std::uint64_t bytes = 0;  // where that batch ends
  std::uint32_t last_crc = 0;
  std::uint64_t newest_round = 0;  // of the batches seen
  std::optional<Error> damage;     // why the walk stopped before the limit
};

struct ScanLimits {
  std::uint32_t topic_id;
  std::uint32_t partition;
  Offset base;                         // of the first batch
  Offset end;                          // stop there
  std::optional<std::uint64_t> bytes;  // committed bytes; absent: up to the file's end
  std::uint64_t from = 0;              // where in the file the first batch starts
};

// Checks the header, place, CRC and columns of every batch from the file's start on until
// limits.end.
ScanEnd scan_segment(const std::filesystem::path& path, const ScanLimits& limits);

// Every batch of a closed segment, checked as by scan_segment. The bytes are the batch's and last
// until the visitor returns.
using BatchVisitor = std::function<Result<>(const BatchHeader& header, ByteView batch)>;
Result<> visit_segment(const std::filesystem::path& path, const ScanLimits& limits,
                       const BatchVisitor& visitor);

// The timestamps of a segment by its headers alone, which are read and not trusted further than
// their place: of its first batch, and the newest of all.
struct SegmentTimes {
  data::TimestampMs first_ms = 0;
  data::TimestampMs newest_ms = 0;
};
Result<SegmentTimes> segment_times(const std::filesystem::path& path, const ScanLimits& limits);

// Whether the header is of the batch that is expected at this place.
Result<> check_place(const BatchHeader& header, std::uint32_t topic_id, std::uint32_t partition,
                     Offset base);

}  // namespace penstock::topics
