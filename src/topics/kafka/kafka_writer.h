// The right to commit under one id: a seat in a bundle, and what it knows of its tasks.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "topics/kafka/bundle.h"
#include "topics/kafka/core.h"
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
                                                    const WriterId& id,
                                                    std::shared_ptr<Bundle> bundle);

  Result<Checkpoint> restore(const TaskId& task, const StateVisitor& visitor) override;
  Result<> reset(const TaskId& task, std::vector<TaskPosition> positions) override;
  Result<> forget(const TaskId& task) override;
  Result<std::unique_ptr<Commit>> begin() override;

 private:
  friend class KafkaCommit;
  KafkaWriter(Log& log, Core& core, ChangelogReplica* replica, WriterId id,
              std::shared_ptr<Bundle> bundle)
      : log_(log),
        core_(core),
        replica_(replica),
        id_(std::move(id)),
        bundle_(std::move(bundle)),
        transactional_(core.options.service_id + "." + bundle_->transactional().value()) {}

  Result<> check_idle() const;  // no commit is open, and the producer lives
  // fenced, before an id is taken: another process has opened a task of these writers since.
  Result<> check_still_ours(const std::vector<WriterId>& writers) const;
  Result<std::optional<Checkpoint>> newest_checkpoint(const TaskPlace& place,
                                                      const TaskId& task) const;
  // Reads and verifies. What the predecessor committed is visible, since our initialisation has
  // waited for its last transaction.
  Result<TaskFacts> read_task(const TaskId& task, const StateVisitor& visitor);
  // What a changelog holds, and where it ended when it was asked for first: beyond the committed
  // end, if transactions in it are not over.
  struct Extent {
    PartitionInfo committed;
    Offset written = 0;
    bool is_settled() const { return committed.end >= written; }
  };
  Result<Extent> extent_of(const TopicPartition& changelog, std::chrono::milliseconds patience);
  // Behind the committed end stands what our own transactional id has left there.
  Result<bool> take_undecided(const TopicPartition& changelog, const Extent& extent,
                              ChangelogContent& content);
  Result<std::unique_ptr<OpenTask>> read_alone(const TaskId& task, const TaskPlace& place);
  Result<> commit_opening(TaskFacts& facts);
  // The task's entries of its group.
  Result<std::vector<GroupOffset>> mirror_of(const TaskPlace& place);
  Result<ChangelogContent> read_changelog_of(const TaskPlace& place);
  // Within a transaction.
  Result<> write_checkpoint(Producer& producer, const TaskPlace& place, ByteView sealed);
  Result<> erase_state(Producer& producer, const TaskPlace& place, const ChangelogContent& content);
  Result<> mirror(Producer& producer, const TaskPlace& place, const SealedCheckpoint& sealed);
  Result<> prove_member(Producer& producer, const TaskPlace& place);  // where processes share tasks
  // Commits what `write` writes.
  Result<> transact(const std::function<Result<>(Producer&)>& write);

  Log& log_;
  Core& core_;
  ChangelogReplica* const replica_;  // may be null
  const WriterId id_;
  const std::shared_ptr<Bundle> bundle_;
  Bundle::Seat seat_;
  const std::string transactional_;  // the bundle's id, as brokers know it
  std::map<TaskId, TaskFacts> tasks_;
  bool open_ = false;
};

}  // namespace penstock::topics::kafka
