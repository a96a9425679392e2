// A thread that owns tasks. Nothing is shared with other workers.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "base/worker_pool.h"
#include "engine/task.h"

namespace penstock::engine {

// By stage of a query: which of its tasks, one per partition, are this process's.
using OwnedTasks = std::map<const Query*, std::vector<bool>>;

class Worker {
 public:
  // Both outlive the worker.
  Worker(const TaskContext& context, WorkerPool& builders);
  ~Worker();  // as shutdown()

  // Thread-safe; each returns when the worker has done it.
  // task null: the task is not this process's (yet), or it could not be built.
  void add(std::shared_ptr<Query> query, std::int32_t partition, std::unique_ptr<Task> task);
  // Those of these queries' tasks that are ours are built soon.
  void assign(const OwnedTasks& owned);
  // No task is ours any more: commits what they have gathered, unless they are lost (to others who
  // may have them already), and ends them.
  void release(bool lost);
  // Commits and ends the query's tasks. The error is the first commit's that failed; the tasks are
  // gone all the same, and what was not committed is done again by the next ones.
  Result<> remove(const QueryId& id);
  // Commits what the query's tasks have gathered (pause).
  Result<> commit(const QueryId& id);
  // The query runs again: what its tasks have failed at before counts no more.
  void resume(const QueryId& id);
  std::size_t tasks() const { return task_count_.load(); }
  // Ends all tasks as remove() does, and the thread.
  void shutdown();

 private:
  // An order to build a task; shared with the thread that does it.
  struct Build {
    std::atomic<bool> cancelled = false;
    std::optional<Result<std::unique_ptr<Task>>> made;  // guarded by builds_mutex_
  };
  // A task, or the place where it is built again.
  struct Slot {
    std::shared_ptr<Query> query;
    std::int32_t partition;
    std::unique_ptr<Task> task = nullptr;  // null: to be built when retry_at has come, if ours
    bool owned = true;
    bool queued = false;                     // in runnable_
    std::optional<Task::Time> timer = {};    // in timers_
    std::shared_ptr<Build> build = nullptr;  // under way
    Task::Time retry_at{};
    std::chrono::milliseconds delay{0};
    int io_failures = 0;
  };

  void run();
  // On the worker's thread; returns when it has run there.
  void call(const std::function<void()>& work);
  void do_posted_work();

  // A slot costs nothing until its reader has records, its time has come or it is called for.
  void step_runnable();
  void step(Slot& slot, Task::Time now);
  void schedule(Slot& slot, Task::Step done, Task::Time now);
  void make_runnable(Slot& slot);
  void set_timer(Slot& slot, Task::Time at);
  void stop_timer(Slot& slot);
  void take(Slot& slot, std::unique_ptr<Task> task);
  void drop_task(Slot& slot);
  void drop_slot(Slot& slot);
  void wait();
  void look_at_timers();

  static std::int64_t thread_cpu_ns();  // of the calling thread
  void order_build(Slot& slot);
  void take_builds();
  // Those of one query, or all (null), are over; what was built is dropped.
  void end_builds(const QueryId* id);

  static void set_owned(Slot& slot, bool owned);
  static void forget_failures(Slot& slot);
  enum class After : std::uint8_t { go_on, end };  // end: the caller destroys the tasks
  Result<> commit_all(const QueryId* id, After after);
  void after_error(Slot& slot, const Error& error, Task::Time now);
  void warn(Slot& slot, const Error& error, bool taken);
  void note_progress(Slot& slot);

  const TaskContext& context_;
  WorkerPool& builders_;
  const std::unique_ptr<topics::WaitSet> wait_set_;

  // The worker's thread only.
  std::vector<std::unique_ptr<Slot>> slots_;
  std::vector<Slot*> runnable_, round_;
  std::set<std::pair<Task::Time, Slot*>> timers_;
  std::vector<void*> ready_;  // slots
  std::size_t builds_ = 0;    // under way
  Task::Time look_around_at_{};
  std::int64_t cpu_mark_ns_ = 0;
  bool ending_ = false;

  std::atomic<std::size_t> task_count_ = 0;

  std::mutex builds_mutex_;
  std::condition_variable build_over_;

  std::mutex mutex_;
  std::condition_variable posted_, done_;
  const std::function<void()>* work_ = nullptr;  // guarded by mutex_
  std::mutex callers_;                           // one call() at a time
  std::thread thread_;
};

}  // namespace penstock::engine
