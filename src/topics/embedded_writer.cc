#include "topics/embedded_writer.h"

#include <algorithm>
#include <map>

#include "base/check.h"

namespace penstock::topics {
namespace {

constexpr std::size_t kKeptPieces = 64;

// Changes of one task go straight into the batch.
class TaskState final : public StateWrites {
 public:
  TaskState(const ServiceTask& task, OpenTask& open, CommitLimits& limits, StateBatch& batch,
            bool with_checkpoints)
      : keys_(task),
        changes_(open),
        limits_(limits),
        batch_(batch),
        with_checkpoints_(with_checkpoints) {}
  void put(ByteView key, ByteView value) override {
    if (!limits_.take_state(key, value)) return;
    batch_.put_state(keys_, key, value);
    if (with_checkpoints_) changes_.put(key, value);
  }
  void erase(ByteView key) override {
    if (!limits_.take_state(key, {})) return;
    batch_.erase_state(keys_, key);
    if (with_checkpoints_) changes_.erase(key);
  }
  TaskChanges& changes() { return changes_; }

 private:
  StateKeys keys_;
  TaskChanges changes_;
  CommitLimits& limits_;
  StateBatch& batch_;
  const bool with_checkpoints_;
};

}  // namespace

class EmbeddedCommit final : public Commit {
 public:
  explicit EmbeddedCommit(EmbeddedWriter& writer) : writer_(writer) {}
  ~EmbeddedCommit() override { abort(); }

  Result<> append(const TopicPartition& to, const RecordBatch& batch) override;
  void advance(const TaskId& task, const TopicPartition& from, Position next) override;
  StateWrites& state(const TaskId& task) override;
  void start() override;
  bool settled() const override { return !ticket_ || ticket_->done; }
  CommitResult finish() override;
  void abort() override;

 private:
  TaskState* state_of(const TaskId& task);
  Result<std::vector<TaskMark>> seal_tasks();
  void begin();
  CommitResult end();
  Result<CommitPiece*> piece_for(const TopicPartition& to);

  EmbeddedWriter& writer_;
  CommitLimits limits_;
  StateBatch changes_;
  bool done_ = false;
  std::map<TaskId, TaskState> states_;
  NoStateWrites refused_;  // the commit is broken
  // Once it was started, one of the two.
  std::optional<CommitTicket> ticket_;
  std::optional<Error> not_started_;
};

Result<> EmbeddedCommit::append(const TopicPartition& to, const RecordBatch& batch) {
  CHECK(!done_);
  CommitPiece* piece = TRY(piece_for(to));
  TRY(limits_.take_records(batch));
  const Partition& partition = *piece->partition;
  piece->batches.append(batch, partition.topic_id(),
                        static_cast<std::uint32_t>(partition.name().partition));
  return {};
}

// The piece of this partition, or an unused one from an earlier commit.
Result<CommitPiece*> EmbeddedCommit::piece_for(const TopicPartition& to) {
  std::shared_ptr<Partition> partition = TRY(writer_.parts_.topics.find(to));
  auto& pieces = writer_.pieces_;
  auto same = [&](const CommitPiece& piece) { return piece.partition == partition; };
  auto found = std::find_if(pieces.begin(), pieces.end(), same);
  if (found == pieces.end()) {
    pieces.push_back({partition, {}});
    found = pieces.end() - 1;
  }
  return &*found;
}

// null: the commit is broken.
TaskState* EmbeddedCommit::state_of(const TaskId& task) {
  CHECK(!done_);
  if (!limits_.take_task(task)) return nullptr;
  const auto found = states_.find(task);
  if (found != states_.end()) return &found->second;
  const auto open = writer_.tasks_.find(task);
  if (open == writer_.tasks_.end()) {
    limits_.refuse(task_not_open(task));
    return nullptr;
  }
  return &states_
              .try_emplace(task, writer_.name_of(task), *open->second, limits_, changes_,
                           writer_.parts_.with_checkpoints)
              .first->second;
}

void EmbeddedCommit::advance(const TaskId& task, const TopicPartition& from, Position next) {
  if (TaskState* state = state_of(task)) state->changes().advance(from, std::move(next));
}

StateWrites& EmbeddedCommit::state(const TaskId& task) {
  if (TaskState* state = state_of(task)) return *state;
  return refused_;
}

Result<std::vector<TaskMark>> EmbeddedCommit::seal_tasks() {
  std::vector<TaskMark> marks;
  if (!writer_.parts_.with_checkpoints) return marks;
  const TopicIdOf id_of = [this](const TopicPartition& at) { return writer_.topic_id_of(at); };
  for (auto& [task, state] : states_) {
    const SealedCheckpoint* sealed = TRY(state.changes().seal(writer_.identity(), id_of));
    changes_.put_checkpoint(writer_.name_of(task), sealed->bytes);
    marks.push_back({&task, sealed->checkpoint.incarnation, sealed->hash});
  }
  return marks;
}

void EmbeddedCommit::begin() {
  not_started_ = limits_.broken();
  if (not_started_) return;
  auto marks = seal_tasks();
  if (!marks) {
    not_started_ = marks.error();
    return;
  }
  std::erase_if(writer_.pieces_, [](const CommitPiece& piece) { return piece.batches.empty(); });
  ticket_.emplace(CommitRequest{writer_.id_, writer_.epoch_, writer_.pieces_, changes_,
                                writer_.parts_.root, std::move(*marks)});
  writer_.parts_.committer.start(*ticket_);
}

CommitResult EmbeddedCommit::end() {
  CommitResult result = writer_.parts_.committer.wait(*ticket_);
  ticket_.reset();
  if (result.outcome != Outcome::committed || !writer_.parts_.with_checkpoints) return result;
  for (auto& [task, state] : states_) state.changes().apply();
  return result;
}

void EmbeddedCommit::start() {
  CHECK(!done_ && !ticket_ && !not_started_);
  if (writer_.parts_.in_background) begin();
}

CommitResult EmbeddedCommit::finish() {
  CHECK(!done_);
  if (!ticket_ && !not_started_) begin();
  CommitResult result{Outcome::aborted, not_started_};
  if (ticket_) result = end();
  abort();
  return result;
}

// One that was started can not be called back: its outcome counts.
void EmbeddedCommit::abort() {
  if (std::exchange(done_, true)) return;
  if (ticket_) (void)end();
  states_.clear();  // they use what the writer has open, which restore() may replace from here on
  auto& pieces = writer_.pieces_;
  for (CommitPiece& piece : pieces) piece.batches.clear();
  std::erase_if(pieces, [](const CommitPiece& piece) { return piece.partition->removed(); });
  if (pieces.size() > kKeptPieces) pieces.clear();
  writer_.open_ = false;
}

std::optional<std::string> EmbeddedWriter::topic_id_of(const TopicPartition& at) const {
  const auto partition = parts_.topics.find(at);
  if (!partition) return std::nullopt;
  return std::to_string((*partition)->topic_id());
}

Result<> EmbeddedWriter::check_idle() const {
  if (auto poisoned = parts_.store.poison()) return fail(*poisoned);
  if (open_) return fail(commit_is_open(id_));
  return {};
}

Result<Checkpoint> EmbeddedWriter::restore(const TaskId& task, const StateVisitor& visitor) {
  TRY(check_id(task));
  TRY(check_idle());
  const ServiceTask name = name_of(task);
  const std::optional<ByteBuffer> stored = TRY(parts_.store.checkpoint(name));
  TaskOpening opening(identity(), task);
  TRY(parts_.store.restore(name, [&](ByteView key, ByteView value) {
    opening.add(key, value);
    visitor(key, value);
  }));
  auto open = TRY(opening.finish(stored, [this](const auto& at) { return topic_id_of(at); }));
  SealedCheckpoint sealed =
      opening_checkpoint(*open, identity(), parts_.random, parts_.root.lease_term());
  StateBatch batch;
  batch.put_checkpoint(name, sealed.bytes);
  TRY(parts_.committer.replace(id_, epoch_, parts_.root,
                               {.task = task,
                                .expected = stored ? std::optional(open->hash) : std::nullopt,
                                .now = TaskMark{&task, sealed.checkpoint.incarnation, sealed.hash},
                                .changes = batch}));
  open->checkpoint = sealed.checkpoint;
  open->hash = sealed.hash;
  tasks_.insert_or_assign(task, std::move(open));
  return std::move(sealed.checkpoint);
}

Result<> EmbeddedWriter::reset(const TaskId& task, std::vector<TaskPosition> positions) {
  TRY(check_id(task));
  TRY(check_idle());
  const ServiceTask name = name_of(task);
  const SealedCheckpoint sealed = TRY(reset_checkpoint(
      task, std::move(positions), TRY(parts_.store.checkpoint(name)), identity(),
      [this](const auto& at) { return topic_id_of(at); }, parts_.random, parts_.root.lease_term()));
  tasks_.erase(task);
  StateBatch batch;
  batch.forget_state(name);
  batch.put_checkpoint(name, sealed.bytes);
  return parts_.committer.replace(
      id_, epoch_, parts_.root,
      {.task = task,
       .expected = std::nullopt,
       .any = true,
       .now = TaskMark{&task, sealed.checkpoint.incarnation, sealed.hash},
       .changes = batch});
}

Result<> EmbeddedWriter::forget(const TaskId& task) {
  TRY(check_id(task));
  TRY(check_idle());
  tasks_.erase(task);
  StateBatch batch;
  batch.forget_task(name_of(task));
  return parts_.committer.replace(
      id_, epoch_, parts_.root,
      {.task = task, .expected = std::nullopt, .any = true, .now = std::nullopt, .changes = batch});
}

Result<std::unique_ptr<Commit>> EmbeddedWriter::begin() {
  TRY(check_idle());
  open_ = true;
  return std::make_unique<EmbeddedCommit>(*this);
}

}  // namespace penstock::topics
