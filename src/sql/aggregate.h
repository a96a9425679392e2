// What an aggregate function computes with: the states of all groups of one task.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "base/error.h"
#include "data/arena.h"
#include "data/column.h"
#include "data/row_errors.h"
#include "data/type.h"
#include "data/value.h"

namespace penstock::sql {

// Rows of a batch and the group that each belongs to.
struct AggregateRows {
  std::span<const data::Column* const> args;  // of the overload's types
  data::Selection rows;                       // in the order in which they count
  std::span<const std::uint32_t> group_of;    // by row of the batch
  data::RowErrors& errors;                    // a row that fails leaves its group as it was
};

// One call of an aggregate function. Groups are numbered from 0. One thread.
class Aggregate {
 public:
  virtual ~Aggregate() = default;
  // There are so many groups now; new ones are empty.
  virtual void grow(std::size_t groups) = 0;
  // So much may the state of one group take (state_bytes); rows that would make it larger fail.
  virtual void set_bytes_max(std::size_t) {}  // where states do not grow
  virtual void add(const AggregateRows& rows) = 0;
  // Takes back rows that were added before. Where Overload::undo says so; CHECKs otherwise.
  virtual void undo(const AggregateRows& rows);
  // What group `from` was made of counts in `into` too, as if it came behind what is there
  // (sessions that grow together). `from` stays as it is. False: not all of it, for its size.
  virtual bool merge(std::uint32_t from, std::uint32_t into) = 0;
  // out row i: the result of groups[i]. `out` has been reset to as many rows; texts live in the
  // arena or as long as the next change.
  virtual void results(std::span<const std::uint32_t> groups, data::Column& out,
                       data::Arena& arena) const = 0;
  // A group's state as bytes, and back. False: they are none of this function's.
  virtual void save(std::uint32_t group, ByteBuffer& out) const = 0;
  virtual bool load(std::uint32_t group, ByteView in) = 0;
  // About what save() would append.
  virtual std::size_t state_bytes(std::uint32_t group) const = 0;
  // The group is empty again.
  virtual void clear(std::uint32_t group) = 0;
  virtual std::size_t memory_bytes() const = 0;
};

// How many values COLLECT_LIST and COLLECT_SET keep (ksql.functions.collect_list.limit and
// ...collect_set.limit); what comes later is left out.
struct CollectLimits {
  std::optional<std::size_t> list = {}, set = {};
};

// What a call says of itself.
struct AggregateCall {
  std::span<const data::Type> args;
  data::Type result;
  // constants[i]: the i-th argument where it is a literal; else null.
  std::span<const data::Value* const> constants;
  CollectLimits limits = {};
};
// invalid_argument: a constant that the function does not take.
using MakeAggregate = Result<std::unique_ptr<Aggregate>> (*)(const AggregateCall& call);

}  // namespace penstock::sql
