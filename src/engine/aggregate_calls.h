// The calls of an aggregation: their arguments of a batch, the states of all its groups.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "data/batch.h"
#include "engine/operator.h"
#include "engine/program.h"
#include "engine/row_operators.h"
#include "sql/aggregate.h"

namespace penstock::engine {

struct AggregateOperatorCall {
  std::unique_ptr<sql::Aggregate> states;
  struct Argument {
    std::size_t column = 0;               // of the input
    std::optional<Program> literal = {};  // in its place
  };
  std::vector<Argument> args;
  data::Type result;
};

// Groups are numbered from 0. One thread.
class AggregateCalls {
 public:
  AggregateCalls(std::vector<AggregateOperatorCall> calls, FailedRow rule);

  std::size_t size() const { return calls_.size(); }
  const data::Type& result_type(std::size_t call) const { return calls_[call].result; }

  // There are so many groups now.
  void grow(std::size_t groups);
  // Rows of one kind: added to their groups (by row of the batch), or taken back.
  Result<> add(const data::Batch& batch, data::Selection rows,
               std::span<const std::uint32_t> group_of, Emitter& out);
  // What `from` was made of counts in `into` too. False: not all of it, for its size.
  bool merge(std::uint32_t from, std::uint32_t into);
  void clear(std::uint32_t group);
  // As sql::Aggregate::results, of one call.
  void results(std::size_t call, std::span<const std::uint32_t> groups, data::Column& out,
               data::Arena& arena) const;
  // The states of a group, each after its length (4 bytes). False: `in` is none of ours.
  void save(std::uint32_t group, ByteBuffer& out) const;
  bool load(std::uint32_t group, ByteView in);
  std::size_t state_bytes(std::uint32_t group) const;  // about what save() appends
  std::size_t memory_bytes() const;

 private:
  std::vector<AggregateOperatorCall> calls_;
  FailureRule failures_;
  std::vector<const data::Column*> args_;
  sql::RowErrors errors_;
};

}  // namespace penstock::engine
