// How far each task of a service has come, for who holds that elsewhere (Log::progress): read from
// the changelogs once, then kept by this process's own commits. Where processes share tasks, from
// then on only of those that this one has. Thread-safe.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <set>

#include "topics/checkpoint.h"
#include "topics/kafka/task_names.h"
#include "topics/log.h"

namespace penstock::topics::kafka {

struct Core;

class TaskProgress {
 public:
  // The newest checkpoint of each changelog of the service, unless they were read before. They are
  // not verified: what is restored must fit them (check()). Waits for brokers.
  Result<ServiceProgress> read(Log& log, Core& core);

  // After a commit, after a task was forgotten. Nothing happens before read().
  void note(const TaskId& task, std::uint64_t commit, const Digest& hash);
  void forget(const TaskId& task);
  void forget_owned();  // other processes may have them from now on

  // corrupt: the task was further when it was told of elsewhere; a broker shows one thing and then
  // an older one.
  Result<> check(const TaskId& task, std::uint64_t commit) const;

 private:
  mutable std::mutex mutex_;
  std::optional<std::map<TaskId, ServiceProgress::Part>> parts_;
  std::set<TaskId> owned_;  // those of note()
};

// The task whose changelog this is; absent: it is none of the service's. The other way round than
// place_of().
std::optional<TaskId> task_of(const std::string& service_id, const std::string& changelog,
                              std::int32_t partition);

}  // namespace penstock::topics::kafka
