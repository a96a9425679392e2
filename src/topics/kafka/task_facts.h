// One task as its writer knows it: what is committed, the writer's own commits included.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "topics/kafka/admin.h"
#include "topics/kafka/changelog.h"
#include "topics/kafka/core.h"
#include "topics/kafka/figures.h"
#include "topics/kafka/task_names.h"
#include "topics/state_digest.h"

namespace penstock::topics::kafka {

struct TaskFacts {
  TaskPlace place;
  Checkpoint checkpoint;  // commit 0: the task is new, and nothing is stored
  Digest hash{};          // of the checkpoint as it is stored; zeros when nothing is
  std::unique_ptr<StateDigest> digest;
};

// The changes of one commit to one task, on top of its facts, which outlive it.
class TaskUpdate {
 public:
  explicit TaskUpdate(TaskFacts& facts);
  StateDigestUpdate& state() { return digest_; }
  Checkpoint& checkpoint() { return checkpoint_; }
  // The checkpoint as it is to be stored. Called once, when everything has been added.
  const ByteBuffer& seal(const StateIdentity& identity);
  void apply(const StateKey& key);  // was committed

 private:
  TaskFacts& facts_;
  StateDigestUpdate digest_;
  Checkpoint checkpoint_;
  ByteBuffer sealed_;
};

TopicPartition changelog_of(const TaskPlace& place);

// The highest commit that marks beside the group's offsets tell of this task; 0: none, or it was
// forgotten. Says in the log which positions were set from outside, and that they are ignored.
std::uint64_t commit_in_mirror(const TaskPlace& place, std::span<const GroupOffset> mirror);

// Verifies what was read. changelog_truncated, through figures: state and checkpoint are not what
// this service committed last, or gone (position_lost).
Result<TaskFacts> verified_facts(const TaskId& task, TaskPlace place,
                                 const ChangelogContent& content, std::uint64_t commits_min,
                                 const StateIdentity& identity, Figures& figures);

// topic_recreated, through figures: a position is in a topic that was deleted and made again.
Result<> check_topics(const Checkpoint& checkpoint, Core& core);

}  // namespace penstock::topics::kafka
