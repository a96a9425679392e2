// The right to commit under one id: a transactional producer, and what it knows of its tasks.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "topics/kafka/core.h"
#include "topics/kafka/producer.h"
#include "topics/kafka/task_facts.h"

namespace penstock::topics::kafka {

class ChangelogReplica;

// The changelog has the place's partition afterwards; made or grown to so many partitions
// otherwise.
Result<> ensure_changelog(Core& core, const TaskPlace& place, std::int32_t partitions);

// A task of a name that is none of a query's ("name/N") has no changelog, and so no state: its
// checkpoint lies beside the offsets of its group (`penstock produce` counts its rows so).
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
  KafkaWriter(Log& log, Core& core, ChangelogReplica* replica, WriterId id)
      : log_(log), core_(core), replica_(replica), id_(std::move(id)) {}

  Result<> check_idle() const;  // no commit is open, and the producer lives
  // fenced, before the id is taken: another process has opened a task of ours since.
  Result<> check_still_ours() const;
  Result<std::optional<Checkpoint>> newest_checkpoint(const TaskPlace& place,
                                                      const TaskId& task) const;
  // Reads and verifies. What the predecessor committed is visible, since our initialisation has
  // waited for its last transaction.
  Result<TaskFacts> read_task(const TaskId& task, const StateVisitor& visitor);
  Result<std::unique_ptr<OpenTask>> read_alone(const TaskId& task, const TaskPlace& place);
  Result<> commit_opening(TaskFacts& facts);
  // The task's entries of its group.
  Result<std::vector<GroupOffset>> mirror_of(const TaskPlace& place);
  Result<ChangelogContent> read_changelog_of(const TaskPlace& place);
  // Within a transaction.
  Result<> write_checkpoint(const TaskPlace& place, ByteView sealed);
  Result<> erase_state(const TaskPlace& place, const ChangelogContent& content);
  Result<> mirror(const TaskPlace& place, const SealedCheckpoint& sealed);
  Result<> prove_member(const TaskPlace& place);  // where processes share tasks
  // Runs `fill` in a transaction of its own.
  Result<> transact(const std::function<Result<>()>& fill);

  Log& log_;
  Core& core_;
  ChangelogReplica* const replica_;  // may be null
  const WriterId id_;
  std::unique_ptr<Producer> producer_;
  std::map<TaskId, TaskFacts> tasks_;
  bool open_ = false;
};

}  // namespace penstock::topics::kafka
