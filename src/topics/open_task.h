// A task that a writer has opened: its checkpoint, the digest of its state, and what one commit
// changes of them. The same for all logs.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "topics/checkpoint.h"
#include "topics/random_source.h"
#include "topics/state_digest.h"

namespace penstock::topics {

// What tells the topic from a later one of its name; absent: there is no such topic.
using TopicIdOf = std::function<std::optional<std::string>(const TopicPartition&)>;

struct SealedCheckpoint {
  Checkpoint checkpoint;
  ByteBuffer bytes;
  Digest hash;
};

struct OpenTask {
  // The identity outlives it.
  OpenTask(const StateIdentity& identity, const TaskId& task)
      : checkpoint{.task = task}, digest(*identity.key, task) {}
  Checkpoint checkpoint;  // the newest that is committed
  Digest hash{};          // of it, as stored; zeros: the task is new
  StateDigest digest;     // of the committed state
};

// Takes the stored state, then verifies it with the stored checkpoint.
class TaskOpening {
 public:
  // The identity outlives it.
  TaskOpening(const StateIdentity& identity, const TaskId& task);
  void add(ByteView key, ByteView value);
  // stored absent: the task is new. corrupt: they do not belong together (position_lost: there is
  // state and no checkpoint). failed_precondition: a topic that it has read was made again.
  Result<std::unique_ptr<OpenTask>> finish(const std::optional<ByteBuffer>& stored,
                                           const TopicIdOf& id_of);

 private:
  const StateIdentity& identity_;
  std::unique_ptr<OpenTask> task_;
};

// Of a task that is opened: the same places, another incarnation.
SealedCheckpoint opening_checkpoint(const OpenTask& task, const StateIdentity& identity,
                                    const RandomSource& random, std::uint64_t lease_term);

// Replaces whatever is stored (absent: nothing) by these positions and no state. Its number is
// above the stored one's and above commit_min.
Result<SealedCheckpoint> reset_checkpoint(const TaskId& task, std::vector<TaskPosition> positions,
                                          const std::optional<ByteBuffer>& stored,
                                          const StateIdentity& identity, const TopicIdOf& id_of,
                                          const RandomSource& random, std::uint64_t lease_term,
                                          std::uint64_t commit_min = 0);

// position_lost, as an error of restore() and of opening a log.
Error position_lost(const TaskId& task, std::string_view seen);

// The changes of one commit to one task, which outlives it.
class TaskChanges {
 public:
  explicit TaskChanges(OpenTask& task) : task_(task), update_(task.digest) {}
  void put(ByteView key, ByteView value) { update_.put(key, value); }
  void erase(ByteView key) { update_.erase(key); }
  void advance(const TopicPartition& from, Position next);
  const OpenTask& task() const { return task_; }

  // The checkpoint that the commit writes. failed_precondition: a topic was made again since it was
  // read. limit_exceeded: too many positions, or too long ones.
  Result<const SealedCheckpoint*> seal(const StateIdentity& identity, const TopicIdOf& id_of);
  void apply();  // it was committed

 private:
  OpenTask& task_;
  StateDigestUpdate update_;
  std::vector<TaskPosition> advances_;
  std::optional<SealedCheckpoint> sealed_;
};

}  // namespace penstock::topics
