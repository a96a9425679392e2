// Operators that look at one row at a time.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "data/batch.h"
#include "engine/operator.h"
#include "engine/program.h"

namespace penstock::engine {

// What operators of expressions share: what becomes of failed rows.
class FailureRule {
 public:
  FailureRule(FailedRow rule, std::string step) : rule_(rule), step_(std::move(step)) {}

  // Settles the failures of one evaluation. True for rows in `errors` that may go on with NULL.
  // Rows that may not are marked in dropped(). aborted: the rule is to stop.
  Result<> settle(const data::Batch& batch, const sql::RowErrors& errors, Emitter& out);
  void begin(std::size_t rows) {
    any_dropped_ = false;
    rows_ = rows;
  }
  bool any_dropped() const { return any_dropped_; }
  bool is_dropped(data::RowIndex row) const { return any_dropped_ && dropped_[row] != 0; }

 private:
  FailedRow rule_;
  std::string step_;
  std::size_t rows_ = 0;
  bool any_dropped_ = false;
  std::vector<std::uint8_t> dropped_;
};

// Rows for which the predicate is true stay; false and null go. Of a table a row that goes is a
// tombstone of its key from here on, and tombstones pass; of a stream they go.
class FilterOperator final : public StatelessOperator {
 public:
  FilterOperator(Program predicate, bool table, FailedRow rule)
      : predicate_(std::move(predicate)), table_(table), rule_(rule, "filter") {}
  Result<Flow> process(const data::Batch& batch, Emitter& out) override;
  std::size_t memory_bytes() const override;

 private:
  void take_stream(const data::Batch& batch, const data::Column& verdict);
  void take_table(const data::Batch& batch, const data::Column& verdict);
  // Of an aggregation: a group that stays out was there before, or was never seen.
  void take_changes(const data::Batch& batch, const data::Column& verdict);
  Result<> look_before(const data::Batch& before, Emitter& out);
  data::Selection inserts_of(const data::Batch& batch);

  Program predicate_;
  const bool table_;
  FailureRule rule_;
  sql::RowErrors errors_;
  std::vector<std::uint8_t> failed_;
  std::vector<data::RowIndex> inserts_, there_before_;
  std::vector<std::uint8_t> passed_before_;  // by row
  std::vector<data::RowKind> kinds_;
  data::Batch output_;
};

// New columns, in the order of the programs. Of rows without a value only keys are computed.
class ProjectOperator final : public StatelessOperator {
 public:
  struct Output {
    Program program;
    bool key;
    data::Type type;
  };
  ProjectOperator(std::vector<Output> columns, FailedRow rule);
  Result<Flow> process(const data::Batch& batch, Emitter& out) override;
  std::size_t memory_bytes() const override;

 private:
  Result<> compute(const data::Batch& batch, std::size_t i, Emitter& out);
  data::Column* with_nulls(const data::Batch& batch, std::size_t i, data::Column* column);

  std::vector<Output> columns_;
  std::vector<std::unique_ptr<data::Column>> own_;  // copies where an input must not be changed
  FailureRule rule_;
  sql::RowErrors errors_;
  std::vector<data::RowIndex> inserts_;
  data::Batch output_;
};

// Table functions: a row becomes as many as its longest result has elements; shorter results are
// filled up with nulls. Rows without a value go.
class ExplodeOperator final : public StatelessOperator {
 public:
  // calls: programs of arrays; input_types: of the columns that go along.
  ExplodeOperator(std::vector<Program> calls, std::vector<data::Type> element_types,
                  std::vector<data::Type> input_types, FailedRow rule);
  Result<Flow> process(const data::Batch& batch, Emitter& out) override;
  std::size_t memory_bytes() const override;

 private:
  Result<Flow> emit_rows(const data::Batch& batch, Emitter& out);
  std::uint32_t length_of(data::RowIndex row) const;

  std::vector<Program> calls_;
  FailureRule rule_;
  sql::RowErrors errors_;
  std::vector<const data::Column*> lists_;            // of the batch at hand
  std::vector<std::unique_ptr<data::Column>> owned_;  // inputs, then elements
  std::size_t inputs_;
  std::vector<data::RowIndex> inserts_;
  std::vector<data::RowIndex> from_;     // input row of each output row
  std::vector<std::uint32_t> position_;  // within its lists
  std::vector<data::TimestampMs> times_;
  std::vector<data::RowOrigin> origins_;
  std::vector<data::WindowBounds> windows_;
  data::Batch output_;
};

// Columns in another order (PARTITION BY: the new key comes first). The sink places rows by their
// key.
class RekeyOperator final : public StatelessOperator {
 public:
  explicit RekeyOperator(std::vector<std::size_t> order) : order_(std::move(order)) {}
  Result<Flow> process(const data::Batch& batch, Emitter& out) override;
  std::size_t memory_bytes() const override { return 0; }

 private:
  std::vector<std::size_t> order_;  // output column -> input column
  data::Batch output_;
};

// The first so many rows, then done.
class LimitOperator final : public StatelessOperator {
 public:
  explicit LimitOperator(std::int64_t rows) : left_(rows) {}
  Result<Flow> process(const data::Batch& batch, Emitter& out) override;
  std::size_t memory_bytes() const override { return 0; }

 private:
  std::int64_t left_;
  data::Batch output_;
};

}  // namespace penstock::engine
