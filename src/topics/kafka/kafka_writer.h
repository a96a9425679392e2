// The right to commit under one id: a transactional producer, and what it knows of its tasks.
#pragma once

#include <map>
#include <memory>

#include "topics/kafka/changelog.h"
#include "topics/kafka/core.h"
#include "topics/kafka/producer.h"
#include "topics/kafka/task_names.h"

namespace penstock::topics::kafka {

class ChangelogReplica;

// One task as its writer knows it: what is committed, with the writer's own commits.
struct TaskFacts {
  TaskPlace place;
  std::map<TopicPartition, Offset> positions;
  ChangelogBalance balance;
};

class KafkaWriter final : public Writer {
 public:
  static Result<std::unique_ptr<KafkaWriter>> start(Log& log, Core& core, ChangelogReplica* replica,
                                                    const WriterId& id);

  ~KafkaWriter() override;
  Result<Checkpoint> restore(const TaskId& task, const StateVisitor& visitor) override;
  Result<> reset(const TaskId& task, std::vector<TaskPosition> positions) override;
  Result<> forget(const TaskId& task) override;
  Result<std::unique_ptr<Commit>> begin() override;

 private:
  friend class KafkaCommit;
  Result<std::vector<TaskPosition>> positions(const TaskId& task);
  KafkaWriter(Log& log, Core& core, ChangelogReplica* replica, WriterId id)
      : log_(log), core_(core), replica_(replica), id_(std::move(id)) {}

  // The task's facts, asked for if they are not known yet: what the predecessor committed is then
  // visible, since our initialisation has waited for its last transaction.
  Result<TaskFacts*> facts_of(const TaskId& task);
  // The task's entries of its group.
  Result<std::vector<GroupOffset>> stored_positions(const TaskPlace& place);
  Result<std::map<TopicPartition, Offset>> read_positions(const TaskPlace& place);
  Result<ChangelogContent> read_state(const TaskPlace& place);
  Result<> ensure_changelog(const TaskPlace& place, std::int32_t partitions);

  Log& log_;
  Core& core_;
  ChangelogReplica* const replica_;  // may be null
  const WriterId id_;
  std::unique_ptr<Producer> producer_;
  std::map<TaskId, TaskFacts> tasks_;
  bool open_ = false;
};

}  // namespace penstock::topics::kafka
