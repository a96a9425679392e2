// Plans made runnable: the operators between a source and its sink, chained.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/operator.h"
#include "engine/stages.h"
#include "engine/state.h"

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
  // Some operator does: then time is kept as well.
  bool keeps_state() const;
  std::size_t memory_bytes() const;

 private:
  class Link;
  std::vector<std::unique_ptr<Operator>> operators_;
  std::vector<std::string> stores_;           // of operators_[i]; empty: it keeps no state
  std::vector<std::unique_ptr<Link>> links_;  // links_[i] hands on what operators_[i] emits
};

// Fresh operators; one chain per task.
struct ChainOptions {
  bool each_change = false;  // RuntimeOptions::each_change
};
Result<Chain> build_chain(const PlanParts& parts, const ChainOptions& options = {});

}  // namespace penstock::engine
