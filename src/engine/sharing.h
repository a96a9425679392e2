// Tasks that several processes share: takes up those that the log's membership gives to this one,
// and gives them back.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "engine/query.h"
#include "engine/runtime.h"
#include "engine/worker.h"
#include "topics/log.h"

namespace penstock::engine {

// Thread-safe. Locks: a change of tasks (a callback of the log, a query that comes or goes) holds
// mutex_ and waits for workers, which wait for nothing. Callbacks need no lock of the runtime.
class Sharing final : private topics::MembershipListener {
 public:
  using Workers = std::vector<std::unique_ptr<Worker>>;
  // The workers have been made and outlive this.
  Sharing(const Workers& workers, ProgressSignal& progress)
      : workers_(workers), progress_(progress) {}
  ~Sharing() override { leave(); }

  // Once, before there are queries.
  Result<> join(topics::Log& log);
  // false: every task is this process's, and the rest of this class has nothing to do.
  const std::atomic<bool>& shared() const { return shared_; }
  Result<> check() const;    // why the log gave up, if it did
  bool is_assigned() const;  // it is known which tasks are ours

  // The workers have slots for the query's tasks: builds those that are ours, now and whenever that
  // changes.
  void add(const QueryStages& query);
  // Workers have slots for the partitions that it has got since: tasks are shared out anew, and
  // those that are another process's now end (uncommitted; it does that again).
  void grow(const std::shared_ptr<Query>& stage);
  // No task comes or goes while this is held.
  std::unique_lock<std::mutex> hold() { return std::unique_lock(mutex_); }
  void remove(const QueryId& id, const std::unique_lock<std::mutex>& held);

  // Who has tasks that are no worker's; null: nobody any more.
  void set_others(SharedTasks* others);

  // Shuts the workers down, with their last commits, then leaves: others take over from there.
  void leave();

 private:
  void on_revoked(bool lost) override;
  void on_assigned(const topics::Membership& membership) override;
  void on_expelled(const Error& reason) override;
  void assign(const QueryStages& stages);  // those of them that are ours, if that is known

  const Workers& workers_;
  ProgressSignal& progress_;
  std::atomic<bool> shared_ = false;
  std::unique_ptr<topics::Membership> membership_;

  mutable std::mutex mutex_;                      // guards what follows
  QueryStages stages_;                            // of all queries
  const topics::Membership* assigned_ = nullptr;  // null: no task is ours
  std::optional<Error> expelled_;
  SharedTasks* others_ = nullptr;  // may be null
  bool left_ = false;
};

}  // namespace penstock::engine
