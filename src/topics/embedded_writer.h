// Writers and commits of the embedded log.
#pragma once

#include "topics/commit_limits.h"
#include "topics/committer.h"
#include "topics/topic_directory.h"

namespace penstock::topics {

// What writers use; outlives them.
struct WriterParts {
  TopicDirectory& topics;
  StateStore& store;
  Committer& committer;
};

class EmbeddedWriter final : public Writer {
 public:
  EmbeddedWriter(WriterParts parts, WriterId id, std::uint64_t epoch)
      : parts_(parts), id_(std::move(id)), epoch_(epoch) {}

  Result<Checkpoint> restore(const TaskId& task, const StateVisitor& visitor) override;
  Result<> reset(const TaskId& task, std::vector<TaskPosition> positions) override;
  Result<> forget(const TaskId& task) override;
  Result<std::unique_ptr<Commit>> begin() override;

 private:
  friend class EmbeddedCommit;

  const WriterParts parts_;
  const WriterId id_;
  const std::uint64_t epoch_;
  bool open_ = false;
  std::vector<CommitPiece> pieces_;  // of the commit; kept for the memory of their batches
};

}  // namespace penstock::topics
