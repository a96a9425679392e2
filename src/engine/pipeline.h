// Plans made runnable: the operators between a source and its sink, chained.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/operator.h"
#include "engine/stages.h"
#include "engine/state.h"

namespace penstock::engine {

// Operators one behind the other; a join is where two rows of them meet. Batches put in at an input
// come out at the emitter that is passed along.
class Chain {
 public:
  // An operator, and the place of the one that gets what it emits; none: the end.
  struct Step {
    std::unique_ptr<Operator> op;
    std::optional<std::size_t> next;
  };
  explicit Chain(std::vector<std::unique_ptr<Operator>> operators);  // one row, one input
  // heads: by input, the place of its first operator. Steps stand behind those that feed them.
  Chain(std::vector<Step> steps, std::vector<std::size_t> heads);
  ~Chain();
  Chain(Chain&&) noexcept;
  Chain& operator=(Chain&&) noexcept;

  // failed_precondition: the state has a store that neither an operator nor the source owns.
  Result<> open(const StoredState& state);
  Result<Flow> process(std::size_t input, const data::Batch& batch, Emitter& out);
  Result<Flow> on_stream_time(data::TimestampMs now_ms, Emitter& out);
  Result<> on_commit(topics::StateWrites& state);
  std::size_t uncommitted_bytes() const;
  // Some operator does: then time is kept as well.
  bool keeps_state() const;
  std::size_t memory_bytes() const;

 private:
  class Link;
  static std::vector<Step> in_a_row(std::vector<std::unique_ptr<Operator>> operators);

  std::vector<std::unique_ptr<Operator>> operators_;
  std::vector<std::size_t> heads_;            // none: there are no operators
  std::vector<std::string> stores_;           // of operators_[i]; empty: it keeps no state
  std::vector<std::unique_ptr<Link>> links_;  // links_[i] hands on what operators_[i] emits
};

// Fresh operators; one chain per task.
struct ChainOptions {
  bool each_change = false;  // RuntimeOptions::each_change
};
Result<Chain> build_chain(const PlanParts& parts, const ChainOptions& options = {});

}  // namespace penstock::engine
