// One source partition of one query, from fetch to commit. Owned by one thread; no locks inside.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "engine/operator.h"
#include "engine/query.h"
#include "engine/sink_edge.h"
#include "engine/source_edge.h"
#include "topics/log.h"

namespace penstock::engine {

// What all tasks of a runtime share. Outlives them.
struct TaskContext {
  topics::Log& log;
  const seal::KeySource* keys;
  const RuntimeOptions& options;
  ProgressSignal& progress;
};

class Task final : private Emitter {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // Takes the writer (which fences an earlier task of the same partition) and everything that was
  // committed: position, guards, operators' state.
  static Result<std::unique_ptr<Task>> build(const TaskContext& context,
                                             std::shared_ptr<Query> query, std::int32_t partition);

  enum class Step {
    worked,  // a batch was processed; there may be more
    idle,    // nothing is at hand and everything is committed
  };
  // After an error the task must be destroyed and built again from committed data, or given up.
  Result<Step> step(Time now);
  // Commits what has been gathered.
  Result<> commit();

  topics::Reader& reader() { return source_->reader(); }
  std::uint64_t commits() const { return commits_; }

 private:
  Task(const TaskContext& context, std::shared_ptr<Query> query, std::int32_t partition);

  Result<> restore();
  Result<> process_batch();
  bool commit_is_due(Time now) const;
  Result<> fill(topics::Commit& commit);
  void count_committed();
  void note_memory();

  // Emitter: what the chain makes of a batch.
  Result<Flow> emit(const data::Batch& batch) override;
  void reject(data::RowIndex row, std::string_view reason) override;
  data::Arena& arena() override { return source_->arena(); }
  void bury(data::RowIndex row, std::string_view reason);

  const TaskContext& context_;
  const std::shared_ptr<Query> query_;
  const std::int32_t partition_;
  const topics::TaskId id_;
  std::unique_ptr<topics::Writer> writer_;
  std::unique_ptr<SourceEdge> source_;
  std::unique_ptr<SinkEdge> sink_;  // null: rows are counted and dropped
  Chain chain_;
  sql::RowErrors rejected_;  // of the batch at hand
  sql::RowErrors refused_by_sink_;
  std::vector<std::uint8_t> buried_;  // per row of the batch: has a dead letter

  // Since the last commit.
  topics::RecordBatch dead_letters_;
  Time first_uncommitted_{};
  topics::Offset committed_position_ = 0;
  std::uint64_t records_in_ = 0, bytes_in_ = 0, records_out_ = 0;
  std::size_t memory_peak_ = 0;
  std::uint64_t commits_ = 0;  // all
};

}  // namespace penstock::engine
