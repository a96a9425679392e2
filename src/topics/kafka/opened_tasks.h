// Tasks that this process has opened, and as whom: the incarnation in a task's checkpoint decides
// whether the process may go on with it after its writer was opened again.
#pragma once

#include <algorithm>
#include <map>
#include <mutex>
#include <vector>

#include "topics/checkpoint.h"
#include "topics/commit_limits.h"

namespace penstock::topics::kafka {

// A process that stood still for longer than a transaction may take looks like one whose commit
// only failed. If another one has opened the task meanwhile, the checkpoint has its incarnation:
// then this process is fenced, for good, or until the members' group gives it the task again.
// Thread-safe.
class OpenedTasks {
 public:
  // Which incarnations the task's checkpoint may have: ours, and while an opening is being
  // committed the one before it.
  void expect(const WriterId& writer, const TaskId& task, std::vector<Incarnation> any_of) {
    std::lock_guard lock(mutex_);
    opened_[writer].insert_or_assign(task, std::move(any_of));
  }
  void forget(const WriterId& writer, const TaskId& task) {
    std::lock_guard lock(mutex_);
    opened_[writer].erase(task);
  }
  void forget_all() {
    std::lock_guard lock(mutex_);
    opened_.clear();
  }
  std::vector<TaskId> of(const WriterId& writer) const {
    std::lock_guard lock(mutex_);
    std::vector<TaskId> out;
    const auto found = opened_.find(writer);
    if (found == opened_.end()) return out;
    for (const auto& [task, any_of] : found->second) out.push_back(task);
    return out;
  }
  // fenced. What was never opened here may have any.
  Result<> check(const WriterId& writer, const TaskId& task, const Incarnation& found) const {
    std::lock_guard lock(mutex_);
    const auto tasks = opened_.find(writer);
    if (tasks == opened_.end()) return {};
    const auto expected = tasks->second.find(task);
    if (expected == tasks->second.end()) return {};
    if (std::ranges::find(expected->second, found) != expected->second.end()) return {};
    return fail(task_fenced(task));
  }

 private:
  mutable std::mutex mutex_;
  std::map<WriterId, std::map<TaskId, std::vector<Incarnation>>> opened_;
};

}  // namespace penstock::topics::kafka
