// Plans made runnable: the operators between a source and its sink, chained.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/operator.h"
#include "engine/state.h"
#include "sql/plan.h"

namespace penstock::engine {

// A row of operators. Batches put in at the front come out at the emitter that is passed along.
class Chain {
 public:
  explicit Chain(std::vector<std::unique_ptr<Operator>> operators);
  ~Chain();
  Chain(Chain&&) noexcept;
  Chain& operator=(Chain&&) noexcept;

  // failed_precondition: the state has a store that neither an operator nor the source owns.
  Result<> open(const StoredState& state);
  Result<Flow> process(const data::Batch& batch, Emitter& out);
  Result<Flow> on_stream_time(data::TimestampMs now_ms, Emitter& out);
  Result<> on_commit(topics::StateWrites& state);
  std::size_t memory_bytes() const;

 private:
  class Link;
  std::vector<std::unique_ptr<Operator>> operators_;
  std::vector<std::string> stores_;           // of operators_[i]; empty: it keeps no state
  std::vector<std::unique_ptr<Link>> links_;  // links_[i] hands on what operators_[i] emits
};

// The parts of a plan; the steps belong to the plan, which must outlive this.
struct PlanParts {
  const sql::SourceStep* source = nullptr;
  const data::Schema* source_schema = nullptr;
  std::vector<const sql::PlanNode*> steps;  // in the order of the data
  const sql::SinkStep* sink = nullptr;      // null: rows go to a client
  const data::Schema* schema = nullptr;     // of what comes out
};
// unsupported: shapes that this engine does not run (several inputs, LIMIT before a sink).
Result<PlanParts> take_apart(const sql::PlanNode& plan);

// Fresh operators; one chain per task.
Result<Chain> build_chain(const PlanParts& parts);

}  // namespace penstock::engine
