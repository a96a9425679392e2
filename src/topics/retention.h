// What a topic's retention lets go, and what somebody has yet to read.
#pragma once

#include <map>
#include <mutex>

#include "topics/compaction.h"
#include "topics/state_store.h"
#include "topics/topic_directory.h"

namespace penstock::topics {

// Thread-safe. Both outlive it.
class Retainer {
 public:
  Retainer(TopicDirectory& topics, StateStore& store)
      : topics_(topics), store_(store), compactor_(topics) {}

  // See Log::trim.
  Result<> trim(const TopicPartition& at, Offset before, bool unread);
  // Deletes what the topics' retentions let go at this time and every task has read, and compacts
  // compacted topics as far as every task has read. A partition that fails is said in the program's
  // log and left.
  void sweep(data::TimestampMs now_ms);
  // Ends what sweep() does in another thread soon; for good.
  void stop() { compactor_.stop(); }

 private:
  struct Slowest {
    TaskId task;
    Offset position;
  };
  void let_go(const std::map<TopicPartition, Slowest>& tasks, data::TimestampMs now_ms);
  void compact(const std::map<TopicPartition, Slowest>& tasks, data::TimestampMs now_ms);
  // By partition, the task that has read least; without the clients of the folder's socket, whose
  // positions are no reading.
  Result<std::map<TopicPartition, Slowest>> slowest();
  // One past the records that may go by age or size.
  Result<Offset> expired(const Partition& partition, const Retention& retention,
                         data::TimestampMs now_ms);
  Result<data::TimestampMs> newest_in(const Partition& partition,
                                      const Partition::ClosedSegment& segment);

  TopicDirectory& topics_;
  StateStore& store_;
  Compactor compactor_;
  std::mutex mutex_;  // of what follows, and one sweep at a time
  // Of the oldest segment of a partition, which is asked for again and again.
  struct Newest {
    Offset base;
    data::TimestampMs at_ms;
  };
  std::map<TopicPartition, Newest> newest_;
};

}  // namespace penstock::topics
