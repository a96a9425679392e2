#include "engine/worker.h"

#include <ctime>

#include <algorithm>

#include "base/log.h"
#include "engine/limits.h"

namespace penstock::engine {
namespace {

// CPU time of the calling thread.
std::int64_t thread_cpu_ns() {
  constexpr std::int64_t kNsPerS = 1'000'000'000;
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return std::int64_t{t.tv_sec} * kNsPerS + t.tv_nsec;
}

}  // namespace

Worker::Worker(const TaskContext& context) : context_(context), thread_([this] { run(); }) {}

Worker::~Worker() {
  shutdown();
}

void Worker::add(std::shared_ptr<Query> query, std::int32_t partition, std::unique_ptr<Task> task) {
  call([&] {
    bool owned = task != nullptr || !context_.shared;
    slots_.push_back({.query = std::move(query), .partition = partition, .task = std::move(task)});
    set_owned(slots_.back(), owned);
    task_count_ = slots_.size();
  });
}

void Worker::assign(const OwnedTasks& owned) {
  call([&] {
    for (Slot& slot : slots_) {
      auto found = owned.find(slot.query->id());
      if (found == owned.end()) continue;
      bool ours = found->second[static_cast<std::size_t>(slot.partition)];
      if (!ours) slot.task.reset();  // was given back by release()
      set_owned(slot, ours);
    }
  });
}

void Worker::release(bool lost) {
  call([&] {
    Result<> committed;
    if (!lost) committed = commit_all(nullptr, After::end);
    if (!committed)
      log::warning("a task was given back without its last commit", {{"error", committed.error()}});
    for (Slot& slot : slots_) {
      slot.task.reset();
      set_owned(slot, false);
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
    for (Slot& slot : slots_)
      if (slot.query->id() == id) forget_failures(slot);
  });
}

Result<> Worker::remove(const QueryId& id) {
  Result<> result;
  call([&] {
    result = commit_all(&id, After::end);
    std::erase_if(slots_, [&](const Slot& slot) { return slot.query->id() == id; });
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
    slots_.clear();
    task_count_ = 0;
    std::lock_guard lock(mutex_);
    ending_ = true;
  });
  thread_.join();
}

// --- the worker's thread ---

void Worker::run() {
  for (;;) {
    do_posted_work();
    {
      std::lock_guard lock(mutex_);
      if (ending_) return;
    }
    cpu_mark_ns_ = thread_cpu_ns();
    if (!step_all()) wait();
  }
}

void Worker::call(const std::function<void()>& work) {
  // The log's wake() does not last: repeated until the work is done, it cannot be missed.
  constexpr std::chrono::milliseconds kWakeAgain{2};
  std::lock_guard caller(callers_);
  std::unique_lock lock(mutex_);
  work_ = &work;
  while (work_ != nullptr) {
    posted_.notify_one();
    lock.unlock();
    context_.log.wake();
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
      slot.task.reset();
    else
      after_error(slot, committed.error(), std::chrono::steady_clock::now());
  };
  for (bool wait : {false, true})
    for (Slot& slot : slots_) commit(slot, wait);
  return result;
}

// True: some task may have more to do at once.
bool Worker::step_all() {
  bool busy = false;
  may_build_ = true;
  Task::Time now = std::chrono::steady_clock::now();
  for (Slot& slot : slots_) {
    busy = step(slot, now) || busy;
    if (slot.task != nullptr)
      slot.query->status(slot.partition).end = slot.task->reader().known_end();
    std::int64_t cpu_ns = thread_cpu_ns();
    slot.query->cpu_ns += cpu_ns - std::exchange(cpu_mark_ns_, cpu_ns);
  }
  return busy;
}

bool Worker::step(Slot& slot, Task::Time now) {
  if (slot.query->state() == QueryState::failed) slot.task.reset();
  if (slot.query->state() != QueryState::running || !slot.owned) return false;
  if (slot.task == nullptr && !build(slot, now)) return now >= slot.retry_at;
  std::uint64_t commits = slot.task->commits();
  Result<Task::Step> done = slot.task->step(now);
  if (!done) {
    after_error(slot, done.error(), now);
    return false;
  }
  if (slot.task->commits() != commits) note_progress(slot);
  slot.last = *done;
  return *done == Task::Step::worked;
}

bool Worker::build(Slot& slot, Task::Time now) {
  if (now < slot.retry_at) return false;
  if (!std::exchange(may_build_, false)) return false;  // the tasks that run have their turns
  Result<std::unique_ptr<Task>> task = Task::build(context_, slot.query, slot.partition);
  if (!task) {
    after_error(slot, task.error(), now);
    return false;
  }
  slot.task = std::move(*task);
  return true;
}

// One rule: the task is destroyed; it is built again from committed data unless that cannot help.
void Worker::after_error(Slot& slot, const Error& error, Task::Time now) {
  slot.task.reset();
  // Another process may be taking over: then this one is told so soon.
  bool taken = context_.shared && error.code() == ErrorCode::fenced;
  bool again = facts_of(error.code()).retry || taken;
  if (error.code() == ErrorCode::io) again = ++slot.io_failures <= kIoRetriesMax;
  if (!again) {
    log::error("query failed",
               {{"query", log::Public(slot.query->id().value())}, {"error", error}});
    slot.query->set_failed(error);
    context_.progress.notify();
    return;
  }
  warn(slot, error, taken);
  slot.query->status(slot.partition).count({.restarts = 1});
  slot.delay = taken ? kFencedRetry : std::clamp(slot.delay * 2, kRetryFirst, kRetryMax);
  slot.retry_at = now + slot.delay;
}

void Worker::warn(Slot& slot, const Error& error, bool taken) {
  log::Public query(slot.query->id().value());
  if (error.code() == ErrorCode::out_of_space) {
    if (!slot.query->waits_for_space.exchange(true))
      log::error("no space left: the query waits until there is room",
                 {{"query", query}, {"error", error}});
  } else if (slot.delay.count() == 0) {
    if (taken)
      log::warning("another process has taken a task of ours: it is tried again",
                   {{"query", query}, {"error", error}});
    else
      log::warning("a commit failed: the task is built again",
                   {{"query", query}, {"error", error}});
  }
}

// The query has committed: pauses start short again.
void Worker::note_progress(Slot& slot) {
  slot.delay = std::chrono::milliseconds(0);
  slot.io_failures = 0;
  if (slot.query->waits_for_space && slot.query->waits_for_space.exchange(false))
    log::info("there is room again", {{"query", log::Public(slot.query->id().value())}});
}

void Worker::wait() {
  Task::Time deadline = std::chrono::steady_clock::now() + kWaitMax;
  readers_.clear();
  for (Slot& slot : slots_) {
    if (slot.query->state() != QueryState::running || !slot.owned) continue;
    if (slot.task == nullptr) {
      deadline = std::min(deadline, slot.retry_at);
      continue;
    }
    if (slot.last == Task::Step::committing || slot.last == Task::Step::full)
      deadline = std::min(deadline, std::chrono::steady_clock::now() + kSettleLook);
    if (slot.last == Task::Step::gathering) deadline = std::min(deadline, slot.task->due());
    if (slot.last != Task::Step::full) readers_.push_back(&slot.task->reader());
  }
  if (readers_.empty()) {
    std::unique_lock lock(mutex_);
    posted_.wait_until(lock, deadline, [this] { return work_ != nullptr; });
    return;
  }
  Result<bool> waited = context_.log.wait(readers_, deadline);
  if (!waited) {  // the tasks will meet the same trouble and say so; do not spin meanwhile
    std::unique_lock lock(mutex_);
    posted_.wait_for(lock, kRetryFirst, [this] { return work_ != nullptr; });
  }
}

}  // namespace penstock::engine
