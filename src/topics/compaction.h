// Compaction of compacted topics: of each key the newest record stays, records without a key stay,
// and a tombstone (null value) goes a day after its time. Works on segments that are not written to
// any more: a file without what has gone takes a segment's place, and gaps keep the offsets.
#pragma once

#include <atomic>
#include <map>
#include <unordered_map>

#include "topics/keyed_hash.h"
#include "topics/topic_directory.h"

namespace penstock::topics {

// One thread uses it, but for stop().
class Compactor {
 public:
  explicit Compactor(TopicDirectory& topics);  // outlives it
  // Once at least half of the bytes that could go through it are new since the last time. Records
  // from offset `read` on have yet to be read by a task: their segments stay as they are.
  Result<> compact(const Partition& partition, Offset read, data::TimestampMs now_ms);
  void stop() { stopped_ = true; }  // any thread: compact() returns soon

 private:
  struct HashOf {
    std::size_t operator()(const Hash128& hash) const { return static_cast<std::size_t>(hash[0]); }
  };
  // By key, the newest record's offset, of the records up to `end`.
  struct Newest {
    std::unordered_map<Hash128, Offset, HashOf> offsets;
    Offset end = 0;
  };
  using Segments = std::vector<Partition::ClosedSegment>;

  Result<Newest> newest_from(const Partition& partition, Offset from) const;
  Result<> rewrite(const Partition& partition, const Partition::ClosedSegment& segment,
                   const Newest& newest, data::TimestampMs now_ms) const;
  bool stays(const RecordView& record, Offset offset, const Newest& newest,
             data::TimestampMs now_ms) const;

  TopicDirectory& topics_;
  const KeyedHash hash_;
  std::map<TopicPartition, Offset> cleaned_;  // up to where each has been compacted
  std::atomic<bool> stopped_ = false;
};

}  // namespace penstock::topics
