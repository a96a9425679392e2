// GROUP BY: rows into groups, each change of a group out.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/group_table.h"
#include "engine/operator.h"
#include "engine/row_operators.h"
#include "sql/aggregate.h"

namespace penstock::engine {

// Input: a column per key, then the arguments; inserts, and retractions where a table is grouped.
// Rows with a null among their keys belong to no group. Output: the keys, then the results; the
// timestamp is the greatest of the group's rows.
class AggregateOperator final : public Operator {
 public:
  struct Call {
    std::unique_ptr<sql::Aggregate> states;
    std::vector<std::size_t> args;  // columns of the input; kNoColumn: a literal
    data::Type result;
  };
  static constexpr std::size_t kNoColumn = ~std::size_t{0};
  struct Options {
    std::string store;
    FailedRow rule = FailedRow::null_column;
    bool each_change = false;  // a row out for each row in; else one per group and batch
    bool before = false;       // somebody asks what stood there before (HAVING)
  };
  AggregateOperator(std::vector<data::Type> keys, std::vector<Call> calls, Options options);

  std::string_view store() const override { return options_.store; }
  Result<> open(StateReader& state) override;
  Result<Flow> process(const data::Batch& batch, Emitter& out) override;
  Result<Flow> on_stream_time(data::TimestampMs, Emitter&) override { return Flow::more; }
  Result<> on_commit(topics::StateWrites& state) override;
  std::size_t memory_bytes() const override;

 private:
  // What is known of a group beside its states.
  struct Group {
    data::TimestampMs timestamp_ms;
    std::uint32_t touched_at = 0;  // place in touched_, plus one
    bool is_new = true;            // nothing of it has been emitted
    bool dirty = false;            // in changed_
  };

  bool load(ByteView key, ByteView value);
  void assign_groups(const data::Batch& batch);
  std::uint32_t group_at(ByteView key);
  Result<Flow> take_rows(const data::Batch& batch, data::Selection rows, Emitter& out);
  void touch_groups(const data::Batch& batch, data::Selection rows);
  Result<> add_rows(const data::Batch& batch, data::Selection rows, Emitter& out);
  void fill(const data::Batch& batch, data::Batch& to, std::vector<data::Column>& columns,
            data::Arena& arena);
  Result<Flow> emit_touched(const data::Batch& batch, Emitter& out);

  const std::vector<data::Type> key_types_;
  std::vector<Call> calls_;
  const Options options_;
  FailureRule failures_;

  GroupTable table_;
  std::vector<Group> groups_;
  std::vector<std::uint32_t> changed_;  // since the last commit

  // Of the batch at hand.
  std::vector<data::RowIndex> rows_, one_, kept_;
  std::vector<std::uint32_t> group_of_;      // by row
  std::vector<std::uint32_t> touched_;       // groups, by the last row that touched them
  std::vector<data::RowIndex> touched_row_;  // that row
  std::vector<const data::Column*> args_;
  sql::RowErrors errors_;
  ByteBuffer bytes_;
  std::vector<data::Column> columns_, before_columns_;
  std::vector<data::TimestampMs> times_;
  std::vector<data::RowOrigin> origins_;
  std::vector<data::RowKind> before_kinds_;
  data::Batch output_, before_;
};

}  // namespace penstock::engine
