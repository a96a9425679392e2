#include "topics/commit_limits.h"

#include <fmt/format.h>

#include "topics/limits.h"

namespace penstock::topics {
namespace {

std::size_t total_bytes(const RecordBatch& batch, std::size_t row) {
  auto end = [row](const RecordBatch::Cells& cells) {
    return cells.ends[row] - (row == 0 ? 0 : cells.ends[row - 1]);
  };
  return std::size_t{end(batch.key_cells())} + end(batch.value_cells()) + end(batch.header_cells());
}

}  // namespace

Error no_such_topic(const TopicName& topic) {
  return Error(ErrorCode::not_found, fmt::format("there is no topic '{}'", topic.text()));
}

Error topic_exists(const TopicName& topic) {
  return Error(ErrorCode::already_exists, fmt::format("topic '{}' exists", topic.text()));
}

Error too_many_topics() {
  return Error(ErrorCode::limit_exceeded,
               fmt::format("the log holds {} topics, the most it takes", kTopicsMax));
}

Error fenced_error(const WriterId& id) {
  return Error(ErrorCode::fenced,
               fmt::format("a newer writer has taken over the id '{}'", id.value()));
}

Error commit_is_open(const WriterId& id) {
  return Error(ErrorCode::failed_precondition,
               fmt::format("writer '{}' has a commit open: finish or abort it first", id.value()));
}

Error task_fenced(const TaskId& task) {
  return Error(ErrorCode::fenced,
               fmt::format("another writer has opened task '{}', or forgotten it", task.value()));
}

Error task_not_open(const TaskId& task) {
  return Error(ErrorCode::failed_precondition,
               fmt::format("task '{}' is not open: restore it with this writer before a commit "
                           "names it",
                           task.value()));
}

void CommitLimits::refuse(Error error) {
  if (!broken_) broken_ = std::move(error);
}

Result<> check_spec(const TopicSpec& spec) {
  TRY_IN(check_retention(spec.retention), fmt::format("topic '{}'", spec.name.text()));
  if (spec.partitions >= 1 && spec.partitions <= kPartitionsMax) return {};
  auto code = spec.partitions < 1 ? ErrorCode::invalid_argument : ErrorCode::limit_exceeded;
  return fail(code, fmt::format("topic '{}': partitions must be 1 to {}, seen {}", spec.name.text(),
                                kPartitionsMax, spec.partitions));
}

Result<> check_partition(const TopicSpec& spec, std::int32_t partition) {
  if (partition >= 0 && partition < spec.partitions) return {};
  return fail(ErrorCode::not_found, fmt::format("topic '{}' has the partitions 0 to {}, but not {}",
                                                spec.name.text(), spec.partitions - 1, partition));
}

Result<> Log::set_retention(const TopicName& topic, const Retention&) {
  return fail(ErrorCode::unsupported,
              fmt::format("the retention of topic '{}' is not set on this log", topic.text()));
}

Result<> Log::trim(const TopicPartition& partition, Offset, bool) {
  return fail(ErrorCode::unsupported,
              fmt::format("topic '{}' is not trimmed on this log", partition.topic.text()));
}

Result<> check_retention(const Retention& retention) {
  if (retention.age && retention.age->count() < kRetentionMin_ms)
    return fail(ErrorCode::invalid_argument,
                fmt::format("a retention of {} ms is below the {} that are the least",
                            retention.age->count(), kRetentionMin_ms));
  if (retention.bytes && *retention.bytes < kRetentionBytesMin)
    return fail(ErrorCode::invalid_argument,
                fmt::format("a retention of {} bytes per partition is below the {} that are the "
                            "least",
                            *retention.bytes, kRetentionBytesMin));
  return {};
}

Error records_deleted(const TopicPartition& partition, Offset position, Offset first) {
  return Error(ErrorCode::failed_precondition,
               fmt::format("partition {}/{}: the records from offset {} on were deleted by the "
                           "topic's retention or a trim; offset {} is the first that is kept",
                           partition.topic.text(), partition.partition, position, first));
}

Error records_unread(const TopicPartition& partition, Offset before, const TaskId& task,
                     Offset position) {
  return Error(
      ErrorCode::failed_precondition,
      fmt::format("partition {}/{} is not trimmed up to offset {}: task '{}' has read up "
                  "to {} only",
                  partition.topic.text(), partition.partition, before, task.value(), position));
}

Result<> check_start(const TopicPartition& from, Offset start, PartitionInfo range) {
  if (start >= range.first && start <= range.end) return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("partition {}/{} can be read from offsets {} to {}, not from {}",
                          from.topic.text(), from.partition, range.first, range.end, start));
}

Result<> CommitLimits::take_records(const RecordBatch& batch) {
  // One comparison settles nearly every batch; only one that is itself large is looked through.
  if (batch.bytes() > kRecordBytesMax) {
    for (std::size_t row = 0; row < batch.size(); ++row)
      if (total_bytes(batch, row) > kRecordBytesMax)
        return fail(ErrorCode::limit_exceeded,
                    fmt::format("a record has {} bytes of key, value and headers; the log takes {}",
                                total_bytes(batch, row), kRecordBytesMax));
  }
  if (batch.bytes() > kCommitBytesMax - record_bytes_)
    return fail(ErrorCode::limit_exceeded,
                fmt::format("a commit gathers at most {} bytes of records; {} are gathered and {} "
                            "more were appended: commit more often",
                            kCommitBytesMax, record_bytes_, batch.bytes()));
  record_bytes_ += batch.bytes();
  return {};
}

bool CommitLimits::take_state(ByteView key, ByteView value) {
  if (broken_) return false;
  std::size_t bytes = key.size() + value.size();
  if (key.size() > kStateKeyBytesMax || value.size() > kStateValueBytesMax)
    broken_ = Error(ErrorCode::limit_exceeded,
                    fmt::format("state takes keys of {} and values of {} bytes; seen {} and {}",
                                kStateKeyBytesMax, kStateValueBytesMax, key.size(), value.size()));
  else if (bytes > kCommitStateBytesMax - state_bytes_)
    broken_ =
        Error(ErrorCode::limit_exceeded,
              fmt::format("a commit gathers at most {} bytes of state", kCommitStateBytesMax));
  else
    state_bytes_ += bytes;
  return !broken_;
}

bool CommitLimits::take_task(const TaskId& task) {
  if (broken_) return false;
  if (auto checked = check_id(task); !checked) broken_ = checked.error();
  return !broken_;
}

}  // namespace penstock::topics
