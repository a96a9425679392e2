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
  TaskState(TaskId task, CommitLimits& limits, StateBatch& batch, bool& has_changes)
      : task_(std::move(task)), limits_(limits), batch_(batch), has_changes_(has_changes) {}
  void put(ByteView key, ByteView value) override {
    if (!limits_.take_state(key, value)) return;
    batch_.put_state(task_, key, value);
    has_changes_ = true;
  }
  void erase(ByteView key) override {
    if (!limits_.take_state(key, {})) return;
    batch_.erase_state(task_, key);
    has_changes_ = true;
  }

 private:
  const TaskId task_;
  CommitLimits& limits_;
  StateBatch& batch_;
  bool& has_changes_;
};

}  // namespace

class EmbeddedCommit final : public Commit {
 public:
  explicit EmbeddedCommit(EmbeddedWriter& writer) : writer_(writer) {}
  ~EmbeddedCommit() override { abort(); }

  Result<> append(const TopicPartition& to, const RecordBatch& batch) override;
  void advance(const TaskId& task, const TopicPartition& from, Position next) override;
  StateWrites& state(const TaskId& task) override;
  CommitResult finish() override;
  void abort() override;

 private:
  Result<CommitPiece*> piece_for(const TopicPartition& to);

  EmbeddedWriter& writer_;
  CommitLimits limits_;
  StateBatch changes_;
  bool has_changes_ = false;
  bool done_ = false;
  std::map<TaskId, std::unique_ptr<TaskState>> states_;
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

void EmbeddedCommit::advance(const TaskId& task, const TopicPartition& from, Position next) {
  CHECK(!done_);
  if (!limits_.take_task(task)) return;
  changes_.put_position(task, from, std::get<LogPosition>(next).next);
  has_changes_ = true;
}

StateWrites& EmbeddedCommit::state(const TaskId& task) {
  CHECK(!done_);
  limits_.take_task(task);
  auto& found = states_[task];
  if (!found) found = std::make_unique<TaskState>(task, limits_, changes_, has_changes_);
  return *found;
}

CommitResult EmbeddedCommit::finish() {
  CHECK(!done_);
  CommitResult result{Outcome::aborted, limits_.broken()};
  if (!limits_.broken()) {
    std::erase_if(writer_.pieces_, [](const CommitPiece& piece) { return piece.batches.empty(); });
    result = writer_.parts_.committer.commit(
        {writer_.id_, writer_.epoch_, writer_.pieces_, changes_, has_changes_});
  }
  abort();
  return result;
}

void EmbeddedCommit::abort() {
  if (std::exchange(done_, true)) return;
  auto& pieces = writer_.pieces_;
  for (CommitPiece& piece : pieces) piece.batches.clear();
  std::erase_if(pieces, [](const CommitPiece& piece) { return piece.partition->removed(); });
  if (pieces.size() > kKeptPieces) pieces.clear();
  writer_.open_ = false;
}

Result<Checkpoint> EmbeddedWriter::restore(const TaskId& task, const StateVisitor& visitor) {
  TRY(check_id(task));
  Checkpoint out{.task = task};
  for (TaskPosition& position : TRY(parts_.store.positions(task)))
    out.set(position.from, std::move(position.position));
  TRY(parts_.store.restore(task, visitor));
  return out;
}

Result<> EmbeddedWriter::reset(const TaskId&, std::vector<TaskPosition>) {
  return fail(ErrorCode::unsupported, "positions can't be reset here yet");
}

Result<> EmbeddedWriter::forget(const TaskId& task) {
  return parts_.committer.forget(id_, epoch_, task);
}

Result<std::unique_ptr<Commit>> EmbeddedWriter::begin() {
  if (auto poisoned = parts_.store.poison()) return fail(*poisoned);
  if (open_) return fail(commit_is_open(id_));
  open_ = true;
  return std::make_unique<EmbeddedCommit>(*this);
}

}  // namespace penstock::topics
