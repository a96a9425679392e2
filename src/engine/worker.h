// A thread that owns tasks. Nothing is shared with other workers.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "engine/task.h"

namespace penstock::engine {

// By query: which of its partitions' tasks are this process's.
using OwnedTasks = std::map<QueryId, std::vector<bool>>;

class Worker {
 public:
  // The context outlives the worker.
  explicit Worker(const TaskContext& context);
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
  // A task, or the place where it is built again.
  struct Slot {
    std::shared_ptr<Query> query;
    std::int32_t partition;
    std::unique_ptr<Task> task;  // null: to be built when retry_at has come, if it is ours
    bool owned = true;
    Task::Step last = Task::Step::idle;
    Task::Time retry_at{};
    std::chrono::milliseconds delay{0};
    int io_failures = 0;
  };

  void run();
  // On the worker's thread; returns when it has run there.
  void call(const std::function<void()>& work);
  void do_posted_work();
  bool step_all();
  bool step(Slot& slot, Task::Time now);
  bool build(Slot& slot, Task::Time now);
  static void set_owned(Slot& slot, bool owned);
  static void forget_failures(Slot& slot);
  enum class After : std::uint8_t { go_on, end };  // end: the caller destroys the tasks
  Result<> commit_all(const QueryId* id, After after);
  void after_error(Slot& slot, const Error& error, Task::Time now);
  void warn(Slot& slot, const Error& error, bool taken);
  void note_progress(Slot& slot);
  void wait();

  const TaskContext& context_;
  std::vector<Slot> slots_;  // the worker's thread only
  std::vector<topics::Reader*> readers_;
  std::int64_t cpu_mark_ns_ = 0;
  bool may_build_ = true;  // in this round
  std::atomic<std::size_t> task_count_ = 0;

  std::mutex mutex_;
  std::condition_variable posted_, done_;
  const std::function<void()>* work_ = nullptr;  // guarded by mutex_
  bool ending_ = false;                          // guarded by mutex_
  std::mutex callers_;                           // one call() at a time
  std::thread thread_;
};

}  // namespace penstock::engine
