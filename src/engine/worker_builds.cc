// How a worker's tasks are built, and built again after an error.
#include <algorithm>

#include "base/check.h"
#include "base/log.h"
#include "engine/limits.h"
#include "engine/worker.h"

namespace penstock::engine {

void Worker::order_build(Slot& slot) {
  auto build = std::make_shared<Build>();
  slot.build = build;
  ++builds_;
  const bool taken =
      builders_.submit([this, build, query = slot.query, partition = slot.partition] {
        const std::int64_t started_ns = thread_cpu_ns();
        Result<std::unique_ptr<Task>> made = fail(ErrorCode::cancelled, "the task is not wanted");
        if (!build->cancelled) made = Task::build(context_, query, partition);
        query->cpu_ns += thread_cpu_ns() - started_ns;
        std::lock_guard lock(builds_mutex_);  // once it is free, this worker may be gone
        build->made.emplace(std::move(made));
        build_over_.notify_all();
        wait_set_->wake();
      });
  CHECK(taken);  // the pool outlives the workers, and any number may wait
}

void Worker::take_builds() {
  for (const auto& slot : slots_) {
    if (slot->build == nullptr) continue;
    {
      std::lock_guard lock(builds_mutex_);
      if (!slot->build->made) continue;
    }
    Result<std::unique_ptr<Task>> made = std::move(*slot->build->made);
    slot->build.reset();
    --builds_;
    if (!made) {
      after_error(*slot, made.error(), std::chrono::steady_clock::now());
      continue;
    }
    take(*slot, std::move(*made));
    make_runnable(*slot);
  }
}

void Worker::end_builds(const QueryId* id) {
  const auto is_meant = [&](const Slot& slot) {
    return slot.build != nullptr && (id == nullptr || slot.query->id() == *id);
  };
  for (const auto& slot : slots_)
    if (is_meant(*slot)) slot->build->cancelled = true;
  for (const auto& slot : slots_) {
    if (!is_meant(*slot)) continue;
    std::unique_lock lock(builds_mutex_);
    build_over_.wait(lock, [&] { return slot->build->made.has_value(); });
    slot->build->made.reset();
    lock.unlock();
    slot->build.reset();
    --builds_;
  }
}

// One rule: the task is destroyed; it is built again from committed data unless that cannot help.
void Worker::after_error(Slot& slot, const Error& error, Task::Time now) {
  drop_task(slot);
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
  set_timer(slot, slot.retry_at);
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

}  // namespace penstock::engine
