// What every implementation of the log checks in the same way, and the errors that say so.
#pragma once

#include <optional>

#include "topics/log.h"

namespace penstock::topics {

Error no_such_topic(const TopicName& topic);
Error topic_exists(const TopicName& topic);
Error too_many_topics();
Error fenced_error(const WriterId& id);
Error commit_is_open(const WriterId& id);
Error task_fenced(const TaskId& task);
Error task_not_open(const TaskId& task);

Result<> check_spec(const TopicSpec& spec);  // partitions, retention
Result<> check_retention(const Retention& retention);
// A reader stands before what is kept of its partition.
Error records_deleted(const TopicPartition& partition, Offset position, Offset first);
Error records_unread(const TopicPartition& partition, Offset before, const TaskId& task,
                     Offset position);
Result<> check_partition(const TopicSpec& spec, std::int32_t partition);  // not_found
Result<> check_start(const TopicPartition& from, Offset start, PartitionInfo range);

// Takes the state of a commit that is broken.
class NoStateWrites final : public StateWrites {
 public:
  void put(ByteView, ByteView) override {}
  void erase(ByteView) override {}
};

// Counts what one commit gathers.
class CommitLimits {
 public:
  // limit_exceeded, without having counted the batch.
  Result<> take_records(const RecordBatch& batch);
  // false: over a limit; the commit is broken, since the calls that put state cannot say so.
  bool take_state(ByteView key, ByteView value);
  bool take_task(const TaskId& task);
  void refuse(Error error);  // the commit is broken

  const std::optional<Error>& broken() const { return broken_; }
  std::size_t bytes() const { return record_bytes_ + state_bytes_; }  // gathered

 private:
  std::size_t record_bytes_ = 0;
  std::size_t state_bytes_ = 0;
  std::optional<Error> broken_;
};

}  // namespace penstock::topics
