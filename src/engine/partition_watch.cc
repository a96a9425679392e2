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

Result<> note_undecided(topics::Log& log, Query& query) {
  for (std::size_t input = 0; input < query.sources().size(); ++input) {
    const auto found = TRY(log.undecided(query.sources()[input]));
    for (std::int32_t p = 0; p < query.partitions(); ++p) {
      const auto at = found.find(p);
      query.status(p).set_undecided(input,
                                    at == found.end() ? std::nullopt : std::optional(at->second));
    }
  }
  return {};
}

void UndecidedLook::look(const std::vector<std::shared_ptr<Query>>& queries) {
  const auto now = std::chrono::steady_clock::now();
  std::map<const Query*, Seen> seen;
  for (const std::shared_ptr<Query>& query : queries) {
    Seen& known = seen[query.get()] = std::move(seen_[query.get()]);
    std::vector<topics::Offset> positions;
    bool waits = false;
    for (std::int32_t p = 0; p < query->partitions(); ++p) {
      const PartitionStatus& status = query->status(p);
      const auto at = static_cast<std::size_t>(p);
      topics::Offset position = 0, end = 0;  // of all inputs together
      for (const InputStatus& input : status.inputs) position += input.position, end += input.end;
      positions.push_back(position);
      waits = waits || (status.owned && end > position && at < known.positions.size() &&
                        known.positions[at] == position);
    }
    known.positions = std::move(positions);
    if (!waits || query->state() != QueryState::running || now < known.ask_at) continue;
    known.ask_at = now + kUndecidedLook;
    if (!note_undecided(log_, *query)) break;  // no broker answers: not now
  }
  seen_ = std::move(seen);
}

}  // namespace penstock::engine
