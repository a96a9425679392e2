// Operators that look at one row at a time.
#pragma once

#include <vector>

#include "data/batch.h"
#include "engine/operator.h"
#include "engine/program.h"

namespace penstock::engine {

// Rows for which the predicate is true stay; false and null go.
class FilterOperator final : public StatelessOperator {
 public:
  explicit FilterOperator(Program predicate) : predicate_(std::move(predicate)) {}
  Result<Flow> process(const data::Batch& batch, Emitter& out) override;
  std::size_t memory_bytes() const override;

 private:
  Program predicate_;
  sql::RowErrors errors_;
  std::vector<std::uint8_t> scratch_;
  std::vector<data::RowIndex> unfailed_;
  data::Batch output_;
};

// New columns, in the order of the programs.
class ProjectOperator final : public StatelessOperator {
 public:
  explicit ProjectOperator(std::vector<Program> columns) : columns_(std::move(columns)) {}
  Result<Flow> process(const data::Batch& batch, Emitter& out) override;
  std::size_t memory_bytes() const override;

 private:
  std::vector<Program> columns_;
  sql::RowErrors errors_;
  std::vector<std::uint8_t> scratch_;
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
