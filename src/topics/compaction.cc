#include "topics/compaction.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "base/crash_point.h"
#include "topics/limits.h"
#include "topics/partition_reader.h"
#include "topics/random_source.h"
#include "topics/segment_scan.h"

namespace penstock::topics {
namespace {

constexpr std::size_t kCompactionRead = 256 << 10;

KeyedHash::Key random_compaction_key() {
  KeyedHash::Key key;
  kernel_random(key);
  return key;
}

ScanLimits limits_of(const Partition& partition, const Partition::ClosedSegment& segment) {
  return {.topic_id = partition.topic_id(),
          .partition = static_cast<std::uint32_t>(partition.name().partition),
          .base = segment.base,
          .end = segment.end,
          .bytes = std::nullopt};
}

// The bytes of the segment that takes another one's place.
class CompactedSegment {
 public:
  CompactedSegment(const Partition& partition, Offset base)
      : topic_id_(partition.topic_id()),
        partition_(static_cast<std::uint32_t>(partition.name().partition)),
        next_(base) {}

  void keep(const BatchHeader& header, ByteView batch) {
    fill_gap(header.base);
    bytes_.insert(bytes_.end(), batch.begin(), batch.end());
    next_ = header.end();
  }
  void keep(const RecordBatch& run, Offset base, std::uint64_t round) {
    fill_gap(base);
    EncodedBatches encoded;
    encoded.append(run, topic_id_, partition_);
    const ByteSpan all = encoded.bytes();
    for (std::size_t at = 0; at < all.size();) {
      const BatchHeader header = place_batch(all.subspan(at), next_, round);
      next_ = header.end();
      at += header.bytes();
    }
    bytes_.insert(bytes_.end(), all.begin(), all.end());
  }
  ByteView finish(Offset end) {
    fill_gap(end);
    return bytes_;
  }

 private:
  void fill_gap(Offset up_to) {
    while (next_ < up_to) {
      const Offset offsets = std::min(up_to - next_, kGapOffsetsMax);
      const ByteBuffer gap = encode_gap(topic_id_, partition_, next_, offsets);
      bytes_.insert(bytes_.end(), gap.begin(), gap.end());
      next_ += offsets;
    }
  }

  const std::uint32_t topic_id_, partition_;
  Offset next_;
  ByteBuffer bytes_;
};

// On the disk before it returns, whatever the log's durability: a name that is moved onto bytes
// which are not there yet would lose those that were.
Result<> write_synced(const std::filesystem::path& path, ByteView bytes) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd) return fail(os_error("opening", path, errno));
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(os_error("writing", path, errno));
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  if (::fsync(fd.get()) != 0) return fail(os_error("syncing", path, errno));
  return {};
}

}  // namespace

Compactor::Compactor(TopicDirectory& topics) : topics_(topics), hash_(random_compaction_key()) {}

Result<> Compactor::compact(const Partition& partition, Offset read, data::TimestampMs now_ms) {
  Segments segments = partition.closed_segments();
  std::erase_if(segments, [&](const auto& segment) { return segment.end > read; });
  Offset& cleaned = cleaned_[partition.name()];
  cleaned = std::max(cleaned, partition.first());
  std::uint64_t all = 0, fresh = 0;
  for (const Partition::ClosedSegment& segment : segments) {
    all += segment.bytes;
    if (segment.base >= cleaned) fresh += segment.bytes;
  }
  if (fresh == 0 || 2 * fresh < all || stopped_) return {};
  const Newest newest = TRY(newest_from(partition, cleaned));
  // From the oldest on, so that a tombstone outlives what it deletes.
  for (const Partition::ClosedSegment& segment : segments) {
    if (stopped_ || segment.base >= newest.end) return {};
    TRY(rewrite(partition, segment, newest, now_ms));
    cleaned = std::max(cleaned, segment.end);
  }
  return {};
}

Result<Compactor::Newest> Compactor::newest_from(const Partition& partition, Offset from) const {
  const auto shared = TRY(topics_.find(partition.name()));
  PartitionReader reader(shared, from, ReadCheck::checksums);
  Newest newest;
  ReadBuffer buffer;
  const Offset end = shared->end();
  while (!stopped_ && reader.position() < end && newest.offsets.size() < kCompactedKeysMax) {
    const std::size_t rows = TRY(reader.next(buffer, kCompactionRead));
    for (std::size_t row = 0; row < rows; ++row)
      if (!buffer.keys[row].is_null())
        newest.offsets.insert_or_assign(hash_(buffer.keys[row].bytes()), buffer.offsets[row]);
    newest.end = reader.position();
  }
  return newest;
}

bool Compactor::stays(const RecordView& record, Offset offset, const Newest& newest,
                      data::TimestampMs now_ms) const {
  if (!record.key) return true;
  const auto known = newest.offsets.find(hash_(*record.key));
  if (known != newest.offsets.end() && known->second > offset) return false;
  return record.value || record.timestamp_ms > now_ms - kTombstoneKept_ms;
}

Result<> Compactor::rewrite(const Partition& partition, const Partition::ClosedSegment& segment,
                            const Newest& newest, data::TimestampMs now_ms) const {
  CompactedSegment compacted(partition, segment.base);
  bool less = false;
  ReadBuffer rows;
  const auto take = [&](const BatchHeader& header, ByteView batch) -> Result<> {
    if (header.is_gap()) return {};
    const BatchView view = TRY(view_batch(header, batch));
    resize_rows(rows, header.count);
    fill_rows(view, 0, header.count, rows, 0);
    RecordBatch run;
    for (std::size_t row = 0; row <= rows.size(); ++row) {
      if (row < rows.size() && stays(rows[row], rows.offsets[row], newest, now_ms)) {
        run.append(rows[row]);
        continue;
      }
      less = less || row < rows.size();
      if (run.size() == rows.size())
        compacted.keep(header, batch);
      else if (!run.empty())
        compacted.keep(run, header.base + static_cast<Offset>(row - run.size()), header.round);
      run.clear();
    }
    return {};
  };
  TRY(visit_segment(segment.path, limits_of(partition, segment), take));
  const ByteView bytes = compacted.finish(segment.end);
  if (!less || bytes.size() >= segment.bytes) return {};
  std::filesystem::path beside = segment.path;
  beside += kCompactedSuffix;
  TRY(write_synced(beside, bytes));
  CRASH_POINT("embedded.compact.after_write");
  const ScanEnd seen = scan_segment(beside, limits_of(partition, segment));
  if (seen.damage) return fail(*seen.damage);
  TRY(topics_.replace(partition, segment.base, beside));
  return {};
}

}  // namespace penstock::topics
