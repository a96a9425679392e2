// A query whose rows go to one client. It reads only when the client asks, and takes no part in
// commits.
#pragma once

#include <atomic>
#include <deque>
#include <limits>
#include <memory>
#include <vector>

#include "engine/failure_log.h"
#include "engine/pipeline.h"
#include "engine/runtime.h"
#include "engine/source_edge.h"
#include "engine/table_pull.h"

namespace penstock::engine {

class PushSession final : public PushQuery, private Emitter {
 public:
  // Log and options outlive it.
  static Result<std::unique_ptr<PushSession>> create(topics::Log& log, const seal::KeySource* keys,
                                                     const RuntimeOptions& options,
                                                     std::shared_ptr<const sql::PlanNode> plan,
                                                     StartAt start, bool until_end);

  const data::Schema& schema() const override { return *parts_.schema; }
  Rows next(std::size_t rows_max, topics::Deadline deadline) override;
  bool give_json() override;
  void cancel() override;

 private:
  PushSession(topics::Log& log, const RuntimeOptions& options,
              std::shared_ptr<const sql::PlanNode> plan)
      : log_(log), options_(options), plan_(std::move(plan)), chain_({}) {}

  Result<> check(bool until_end) const;
  Result<> add_input(const seal::KeySource* keys, const StageInput& input, std::size_t number,
                     StartAt start, bool until_end);
  // One batch of one source; false: nothing is at hand.
  Result<bool> read_some();
  // Makes it the batch at hand.
  Result<bool> next_in_turn();
  Result<bool> next_of_all();
  Result<Flow> process_batch();
  Result<> check_state() const;
  Result<bool> wait(topics::Deadline deadline);
  bool at_end() const;
  void deliver(std::size_t rows_max, Rows& out);
  void become_table_pull();
  void hand_over_table();

  Result<Flow> emit(const data::Batch& batch) override;
  void emit_json(const data::Batch& batch);
  void reject(data::RowOrigin origin, std::string_view reason) override;
  void note_failure(std::string_view step, std::string_view reason) override {
    failures_.add(step, reason);
  }
  data::Arena& arena() override { return current_->arena(); }

  topics::Log& log_;
  const RuntimeOptions& options_;
  const std::shared_ptr<const sql::PlanNode> plan_;
  PlanParts parts_;
  Chain chain_;
  // A partition of what is read.
  struct Source {
    std::unique_ptr<SourceEdge> edge;
    std::size_t input = 0;  // of the chain
  };
  std::vector<Source> sources_;  // by input, then partition
  std::vector<topics::Reader*> readers_;
  std::size_t turn_ = 0;           // the source that is asked first
  SourceEdge* current_ = nullptr;  // whose batch is being processed
  std::size_t current_input_ = 0;
  bool in_time_ = false;  // of joins and windows: rows come in the order of time, which goes on
  data::TimestampMs stream_time_ms_ = std::numeric_limits<data::TimestampMs>::min();
  std::vector<std::uint8_t> failed_;  // per row of the batch at hand
  std::deque<Row> rows_;
  std::deque<JsonRow> json_rows_;  // in place of rows_, if asked for
  bool gives_json_ = false;
  std::optional<TablePull<Row>> table_;  // of a pull over a table, until its end
  std::optional<std::int64_t> table_limit_;
  SkippedRecords skipped_;
  FailureLog failures_;
  bool until_end_ = false;
  bool limit_reached_ = false;
  std::optional<Error> error_;
  std::atomic<bool> cancelled_ = false;
};

}  // namespace penstock::engine
