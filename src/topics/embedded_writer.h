// Writers and commits of the embedded log.
#pragma once

#include <map>
#include <memory>

#include "topics/commit_limits.h"
#include "topics/committer.h"
#include "topics/open_task.h"
#include "topics/topic_directory.h"

namespace penstock::topics {

// What writers use; outlives them.
struct WriterParts {
  TopicDirectory& topics;
  StateStore& store;
  Committer& committer;
  ServiceRoot& root;  // of the service in whose name checkpoints are made
  const RandomSource& random;
  bool with_checkpoints;  // false: a benchmark leaves them out
  bool in_background;     // commits take their time: those that were started go on alone
};

class EmbeddedWriter final : public Writer {
 public:
  EmbeddedWriter(WriterParts parts, WriterId id, std::uint64_t epoch)
      : parts_(parts), id_(std::move(id)), epoch_(epoch) {}
  ~EmbeddedWriter() override { parts_.committer.close_writer(id_, epoch_); }

  Result<Checkpoint> restore(const TaskId& task, const StateVisitor& visitor) override;
  Result<> reset(const TaskId& task, std::vector<TaskPosition> positions) override;
  Result<> forget(const TaskId& task) override;
  Result<std::unique_ptr<Commit>> begin() override;

 private:
  friend class EmbeddedCommit;

  const StateIdentity& identity() const { return parts_.root.identity(); }
  ServiceTask name_of(const TaskId& task) const { return {identity().service, task}; }
  std::optional<std::string> topic_id_of(const TopicPartition& at) const;
  Result<> check_idle() const;

  const WriterParts parts_;
  const WriterId id_;
  const std::uint64_t epoch_;
  bool open_ = false;
  std::map<TaskId, std::unique_ptr<OpenTask>> tasks_;
  std::vector<CommitPiece> pieces_;  // of the commit; kept for the memory of their batches
};

}  // namespace penstock::topics
