#include "engine/sharing.h"

#include <functional>
#include <thread>

#include "base/log.h"

namespace penstock::engine {
namespace {

std::vector<bool> owned_of(const topics::Membership& membership, const Query& query) {
  std::vector<bool> owned;
  for (std::int32_t p = 0; p < query.partitions(); ++p)
    owned.push_back(membership.owns(query.task_name(), p, query.partitions()));
  return owned;
}

// At the same time, since each may wait for commits: others wait for all of them.
void each_at_once(const Sharing::Workers& workers, const std::function<void(Worker&)>& work) {
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < workers.size(); ++i)
    threads.emplace_back([&work, &worker = *workers[i]] { work(worker); });
  if (!workers.empty()) work(*workers.front());
  for (std::thread& thread : threads) thread.join();
}

}  // namespace

Result<> Sharing::join(topics::Log& log) {
  membership_ = TRY(log.join(*this));
  shared_ = membership_ != nullptr;
  return {};
}

Result<> Sharing::check() const {
  std::lock_guard lock(mutex_);
  if (expelled_) return fail(*expelled_);
  return {};
}

bool Sharing::is_assigned() const {
  std::lock_guard lock(mutex_);
  return assigned_ != nullptr;
}

void Sharing::add(const QueryStages& query) {
  std::lock_guard lock(mutex_);
  stages_.insert(stages_.end(), query.begin(), query.end());
  if (expelled_) query.front()->set_failed(*expelled_);
  assign(query);
}

void Sharing::grow(const std::shared_ptr<Query>& stage) {
  std::lock_guard lock(mutex_);
  assign({stage});
}

void Sharing::remove(const QueryId& id, const std::unique_lock<std::mutex>&) {
  std::erase_if(stages_, [&](const auto& stage) { return stage->id() == id; });
}

void Sharing::set_others(SharedTasks* others) {
  std::lock_guard lock(mutex_);
  others_ = others;
  if (others_ != nullptr && assigned_ != nullptr && !left_) others_->assign(*assigned_);
}

void Sharing::leave() {
  {
    std::lock_guard lock(mutex_);
    left_ = true;
    assigned_ = nullptr;
    if (others_ != nullptr) others_->release(/*lost=*/false);
    each_at_once(workers_, [](Worker& worker) { worker.shutdown(); });
  }
  membership_.reset();  // calls back, to no effect any more
}

void Sharing::on_assigned(const topics::Membership& membership) {
  std::lock_guard lock(mutex_);
  if (left_ || expelled_) return;
  assigned_ = &membership;
  assign(stages_);
  if (others_ != nullptr) others_->assign(membership);
}

void Sharing::on_revoked(bool lost) {
  std::lock_guard lock(mutex_);
  if (left_) return;
  assigned_ = nullptr;
  if (others_ != nullptr) others_->release(lost);
  each_at_once(workers_, [lost](Worker& worker) { worker.release(lost); });
  progress_.notify();
}

void Sharing::on_expelled(const Error& reason) {
  log::error("this process shares no tasks any more", {{"error", reason}});
  std::lock_guard lock(mutex_);
  if (left_) return;
  assigned_ = nullptr;
  expelled_ = reason;
  for (const auto& stage : stages_) stage->set_failed(reason);
  if (others_ != nullptr) others_->release(/*lost=*/true);
  each_at_once(workers_, [](Worker& worker) { worker.release(/*lost=*/true); });
  progress_.notify();
}

void Sharing::assign(const QueryStages& stages) {
  if (assigned_ == nullptr || left_) return;
  OwnedTasks owned;
  for (const auto& stage : stages) owned.emplace(stage.get(), owned_of(*assigned_, *stage));
  for (const auto& worker : workers_) worker->assign(owned);
  progress_.notify();
}

}  // namespace penstock::engine
