#include "topics/retention.h"

#include "base/log.h"
#include "topics/commit_limits.h"
#include "topics/public_identity.h"
#include "topics/segment_scan.h"

namespace penstock::topics {

Result<> Retainer::trim(const TopicPartition& at, Offset before, bool unread) {
  const std::shared_ptr<Partition> partition = TRY(topics_.find(at));
  if (before < partition->first() || before > partition->end())
    return fail(check_start(at, before, {partition->first(), partition->end()}).error());
  if (!unread) {
    const auto tasks = TRY(slowest());
    const auto task = tasks.find(at);
    if (task != tasks.end() && task->second.position < before)
      return fail(records_unread(at, before, task->second.task, task->second.position));
  }
  return topics_.trim(at, before);
}

void Retainer::sweep(data::TimestampMs now_ms) {
  const std::lock_guard lock(mutex_);
  if (topics_.with_retention().empty() && topics_.compacted().empty()) return;
  const auto tasks = slowest();
  if (!tasks) {
    log::warning("no old records are deleted: what tasks have read is not known",
                 {{"error", log::Public(tasks.error().text())}});
    return;
  }
  let_go(*tasks, now_ms);
  compact(*tasks, now_ms);
}

void Retainer::compact(const std::map<TopicPartition, Slowest>& tasks, data::TimestampMs now_ms) {
  for (const auto& partition : topics_.compacted()) {
    const auto task = tasks.find(partition->name());
    const Offset read = task == tasks.end() ? partition->end() : task->second.position;
    const Result<> done = compactor_.compact(*partition, read, now_ms);
    if (!done && !partition->removed())
      log::warning("a topic could not be compacted",
                   {{"topic", log::Public(partition->name().topic.text())},
                    {"error", log::Public(done.error().text())}});
  }
}

void Retainer::let_go(const std::map<TopicPartition, Slowest>& tasks, data::TimestampMs now_ms) {
  for (const TopicDirectory::Kept& topic : topics_.with_retention()) {
    for (const auto& partition : topic.partitions) {
      Result<Offset> before = expired(*partition, topic.retention, now_ms);
      const auto task = tasks.find(partition->name());
      if (before && task != tasks.end()) before = std::min(*before, task->second.position);
      Result<> done = before ? topics_.trim(partition->name(), *before) : fail(before.error());
      if (!done && done.error().code() != ErrorCode::not_found)
        log::warning("records that are too old could not be deleted",
                     {{"topic", log::Public(partition->name().topic.text())},
                      {"error", log::Public(done.error().text())}});
    }
  }
}

Result<std::map<TopicPartition, Retainer::Slowest>> Retainer::slowest() {
  std::map<TopicPartition, Slowest> slowest;
  for (const std::string& service : TRY(store_.services())) {
    if (service == kClientsService) continue;
    for (const auto& [task, stored] : TRY(store_.checkpoints(service))) {
      const Checkpoint checkpoint = TRY(read_checkpoint(as_bytes(stored), task));
      for (const TaskPosition& input : checkpoint.positions) {
        const auto* position = std::get_if<LogPosition>(&input.position);
        if (position == nullptr) continue;
        auto [at, added] = slowest.try_emplace(input.from, Slowest{task, position->next});
        if (!added && position->next < at->second.position) at->second = {task, position->next};
      }
    }
  }
  return slowest;
}

Result<Offset> Retainer::expired(const Partition& partition, const Retention& retention,
                                 data::TimestampMs now_ms) {
  Offset before = partition.first();
  std::uint64_t bytes = partition.bytes();
  for (const Partition::ClosedSegment& segment : partition.closed_segments()) {
    bool gone = retention.bytes && bytes > *retention.bytes;
    if (!gone && retention.age)
      gone = TRY(newest_in(partition, segment)) < now_ms - retention.age->count();
    if (!gone) break;
    before = segment.end;
    bytes -= std::min(bytes, segment.bytes);
  }
  return before;
}

Result<data::TimestampMs> Retainer::newest_in(const Partition& partition,
                                              const Partition::ClosedSegment& segment) {
  const auto known = newest_.find(partition.name());
  if (known != newest_.end() && known->second.base == segment.base) return known->second.at_ms;
  const ScanLimits whole{.topic_id = partition.topic_id(),
                         .partition = static_cast<std::uint32_t>(partition.name().partition),
                         .base = segment.base,
                         .end = segment.end,
                         .bytes = std::nullopt};
  const SegmentTimes times = TRY(segment_times(segment.path, whole));
  newest_.insert_or_assign(partition.name(), Newest{segment.base, times.newest_ms});
  return times.newest_ms;
}

}  // namespace penstock::topics
