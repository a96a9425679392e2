#include "engine/partition_watch.h"

#include "engine/dead_letter.h"
#include "engine/limits.h"

namespace penstock::engine {

void PartitionWatch::start() {
  std::lock_guard lock(mutex_);
  if (!stopped_ && !thread_.joinable()) thread_ = std::thread([this] { run(); });
}

void PartitionWatch::stop() {
  std::thread thread;
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    thread = std::move(thread_);
  }
  changed_.notify_all();
  if (thread.joinable()) thread.join();
}

void PartitionWatch::run() {
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    lock.unlock();
    look_();
    lock.lock();
    changed_.wait_for(lock, kPartitionLook, [this] { return stopped_; });
  }
}

Result<std::vector<topics::PartitionInfo>> make_room_for_growth(topics::Log& log,
                                                                const Query& query) {
  topics::TopicInfo info = TRY(log.describe(query.source_topic()));
  TRY(topics::check_id(query.writer_id(info.spec.partitions - 1)));
  TRY(ensure_dead_letters_topic(log, query.dead_letters_topic(), info.spec.partitions));
  TRY(log.expect_tasks(query.task_name(), info.spec.partitions));
  return std::move(info.partitions);
}

}  // namespace penstock::engine
