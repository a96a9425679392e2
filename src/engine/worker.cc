#include "engine/worker.h"

#include <ctime>

#include <algorithm>

#include "base/log.h"
#include "engine/limits.h"

namespace penstock::engine {

std::int64_t Worker::thread_cpu_ns() {
  constexpr std::int64_t kNsPerS = 1'000'000'000;
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return std::int64_t{t.tv_sec} * kNsPerS + t.tv_nsec;
}

Worker::Worker(const TaskContext& context, WorkerPool& builders)
    : context_(context),
      builders_(builders),
      wait_set_(context.log.wait_set()),
      thread_([this] { run(); }) {}

Worker::~Worker() {
  shutdown();
}

void Worker::add(std::shared_ptr<Query> query, std::int32_t partition, std::unique_ptr<Task> task) {
  call([&] {
    bool owned = task != nullptr || !context_.shared;
    slots_.push_back(
        std::unique_ptr<Slot>(new Slot{.query = std::move(query), .partition = partition}));
    Slot& slot = *slots_.back();
    if (task != nullptr) take(slot, std::move(task));
    set_owned(slot, owned);
    make_runnable(slot);
    task_count_ = slots_.size();
  });
}

void Worker::assign(const OwnedTasks& owned) {
  call([&] {
    for (const auto& slot : slots_) {
      auto found = owned.find(slot->query.get());
      if (found == owned.end()) continue;
      bool ours = found->second[static_cast<std::size_t>(slot->partition)];
      if (!ours) drop_task(*slot);  // was given back by release()
      set_owned(*slot, ours);
      make_runnable(*slot);
    }
  });
}

void Worker::release(bool lost) {
  call([&] {
    Result<> committed;
    if (!lost) committed = commit_all(nullptr, After::end);
    if (!committed)
      log::warning("a task was given back without its last commit", {{"error", committed.error()}});
    end_builds(nullptr);
    for (const auto& slot : slots_) {
      drop_task(*slot);
      set_owned(*slot, false);
    }
  });
}

void Worker::set_owned(Slot& slot, bool owned) {
  if (owned && !slot.owned) forget_failures(slot);
  slot.owned = owned;
  slot.query->status(slot.partition).owned = owned;
}

void Worker::forget_failures(Slot& slot) {
  slot.retry_at = {};
  slot.delay = std::chrono::milliseconds(0);
  slot.io_failures = 0;
}

void Worker::resume(const QueryId& id) {
  call([&] {
    for (const auto& slot : slots_) {
      if (slot->query->id() != id) continue;
      forget_failures(*slot);
      make_runnable(*slot);
    }
  });
}

Result<> Worker::remove(const QueryId& id) {
  Result<> result;
  call([&] {
    result = commit_all(&id, After::end);
    end_builds(&id);
    std::erase_if(slots_, [&](const auto& slot) {
      if (slot->query->id() != id) return false;
      drop_slot(*slot);
      return true;
    });
    task_count_ = slots_.size();
  });
  return result;
}

Result<> Worker::commit(const QueryId& id) {
  Result<> result;
  call([&] { result = commit_all(&id, After::go_on); });
  return result;
}

void Worker::shutdown() {
  if (!thread_.joinable()) return;
  call([&] {
    Result<> ended = commit_all(nullptr, After::end);
    if (!ended) log::warning("a task ended without its last commit", {{"error", ended.error()}});
    end_builds(nullptr);
    for (const auto& slot : slots_) drop_slot(*slot);
    slots_.clear();
    task_count_ = 0;
    ending_ = true;
  });
  thread_.join();
}

// --- the worker's thread ---

void Worker::run() {
  for (;;) {
    do_posted_work();
    if (ending_) return;
    if (builds_ > 0) take_builds();
    step_runnable();
    wait();
  }
}

void Worker::call(const std::function<void()>& work) {
  constexpr std::chrono::milliseconds kWakeAgain{20};
  std::lock_guard caller(callers_);
  std::unique_lock lock(mutex_);
  work_ = &work;
  while (work_ != nullptr) {
    posted_.notify_one();
    lock.unlock();
    wait_set_->wake();
    lock.lock();
    done_.wait_for(lock, kWakeAgain, [this] { return work_ == nullptr; });
  }
}

void Worker::do_posted_work() {
  std::unique_lock lock(mutex_);
  if (work_ == nullptr) return;
  const std::function<void()>* work = work_;
  lock.unlock();
  (*work)();
  lock.lock();
  work_ = nullptr;
  done_.notify_all();
}

// Of one query's tasks, or all (null). Commits that take long are under way at the same time before
// the first is waited for. The error is the first that came.
Result<> Worker::commit_all(const QueryId* id, After after) {
  Result<> result;
  auto commit = [&](Slot& slot, bool wait) {
    if (slot.task == nullptr || (id != nullptr && slot.query->id() != *id)) return;
    if (after == After::end && slot.query->state() == QueryState::failed) return;
    Result<> committed = wait ? slot.task->commit() : slot.task->begin_commit();
    if (committed) return;
    if (result) result = committed;
    if (after == After::end)
      drop_task(slot);
    else
      after_error(slot, committed.error(), std::chrono::steady_clock::now());
  };
  for (bool wait : {false, true})
    for (const auto& slot : slots_) commit(*slot, wait);
  return result;
}

void Worker::step_runnable() {
  cpu_mark_ns_ = thread_cpu_ns();
  const Task::Time now = std::chrono::steady_clock::now();
  round_.clear();
  round_.swap(runnable_);
  for (Slot* slot : round_) {
    slot->queued = false;
    step(*slot, now);
    std::int64_t cpu_ns = thread_cpu_ns();
    slot->query->cpu_ns += cpu_ns - std::exchange(cpu_mark_ns_, cpu_ns);
  }
}

void Worker::step(Slot& slot, Task::Time now) {
  stop_timer(slot);
  if (slot.query->state() == QueryState::failed) drop_task(slot);
  if (slot.query->state() != QueryState::running || !slot.owned) return;
  if (slot.task == nullptr) {
    if (slot.build != nullptr) return;
    if (now >= slot.retry_at)
      order_build(slot);
    else
      set_timer(slot, slot.retry_at);
    return;
  }
  std::uint64_t commits = slot.task->commits();
  Result<Task::Step> done = slot.task->step(now);
  if (!done) {
    after_error(slot, done.error(), now);
    return;
  }
  if (slot.task->commits() != commits) note_progress(slot);
  slot.task->note_ends();
  schedule(slot, *done, now);
}

// When it is to be stepped again.
void Worker::schedule(Slot& slot, Task::Step done, Task::Time now) {
  switch (done) {
    case Task::Step::worked:
      make_runnable(slot);
      return;
    case Task::Step::full:
      set_timer(slot, now + kSettleLook);
      return;
    case Task::Step::committing:
      set_timer(slot, now + kSettleLook);
      break;
    case Task::Step::gathering:
      set_timer(slot, slot.task->due());
      break;
    case Task::Step::idle:
      break;
  }
  slot.task->each_reader([this](topics::Reader& reader) { wait_set_->arm(reader); });
}

void Worker::make_runnable(Slot& slot) {
  if (std::exchange(slot.queued, true)) return;
  runnable_.push_back(&slot);
}

void Worker::set_timer(Slot& slot, Task::Time at) {
  stop_timer(slot);
  slot.timer = at;
  timers_.emplace(at, &slot);
}

void Worker::stop_timer(Slot& slot) {
  if (slot.timer) timers_.erase({*slot.timer, &slot});
  slot.timer.reset();
}

void Worker::take(Slot& slot, std::unique_ptr<Task> task) {
  slot.task = std::move(task);
  slot.task->each_reader([&](topics::Reader& reader) { wait_set_->add(reader, &slot); });
}

void Worker::drop_task(Slot& slot) {
  if (slot.task == nullptr) return;
  slot.task->each_reader([this](topics::Reader& reader) { wait_set_->remove(reader); });
  slot.task.reset();
}

void Worker::drop_slot(Slot& slot) {
  drop_task(slot);
  stop_timer(slot);
  std::erase(runnable_, &slot);
}

// Until a slot is to be stepped: its reader is ready, its time has come, or somebody calls.
void Worker::wait() {
  const Task::Time now = std::chrono::steady_clock::now();
  Task::Time deadline = look_around_at_;
  if (!timers_.empty()) deadline = std::min(deadline, timers_.begin()->first);
  if (!runnable_.empty()) deadline = now;
  Result<> waited = wait_set_->wait(ready_, deadline);
  for (void* slot : ready_) make_runnable(*static_cast<Slot*>(slot));
  look_at_timers();
  if (!waited) {  // the tasks will meet the same trouble and say so; do not spin meanwhile
    std::unique_lock lock(mutex_);
    posted_.wait_for(lock, kRetryFirst, [this] { return work_ != nullptr; });
  }
}

void Worker::look_at_timers() {
  const Task::Time now = std::chrono::steady_clock::now();
  while (!timers_.empty() && timers_.begin()->first <= now) {
    Slot& slot = *timers_.begin()->second;
    stop_timer(slot);
    make_runnable(slot);
  }
  if (now < look_around_at_) return;
  // Queries fail in other workers, and sources have duties that no record tells of.
  look_around_at_ = now + kWaitMax;
  for (const auto& slot : slots_) {
    const bool rests = slot->task != nullptr && slot->query->state() == QueryState::running &&
                       slot->task->is_at_rest();
    if (rests)  // where many tasks are idle, looking at each in earnest would be most of the work
      slot->task->note_ends();
    else
      make_runnable(*slot);
  }
}

}  // namespace penstock::engine
