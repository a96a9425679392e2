// What stands before and behind a join by a foreign key (sql::ForeignChangesStep).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/kept_entries.h"
#include "engine/operator.h"
#include "sql/plan.h"

namespace penstock::engine {

// A table's rows as what they say to the rows that they refer to: a row that refers to another one
// than before takes itself back there without a word, one that went asks for an answer. A row
// without a foreign key is as one that went. Keeps each row's foreign key.
class ForeignChangesOperator final : public Operator {
 public:
  ForeignChangesOperator(const sql::ForeignChangesStep& step, std::string store);

  std::string_view store() const override { return store_; }
  Result<> open(StateReader& state) override;
  Result<Flow> process(const data::Batch& batch, Emitter& out) override;
  Result<Flow> on_stream_time(data::TimestampMs, Emitter&) override { return Flow::more; }
  Result<> on_commit(topics::StateWrites& state) override;
  std::size_t uncommitted_bytes() const override { return foreign_.changed_bytes(); }
  std::size_t memory_bytes() const override;

 private:
  struct Change {
    data::RowIndex row;
    ByteBuffer foreign;  // the cell
    bool answer;
    bool there;
  };
  void take(const data::Batch& batch, data::RowIndex row, Emitter& out);
  void fill(const data::Batch& batch, data::Arena& arena);
  void copy_cell(const data::Column& from, std::size_t row, data::Column& to, std::size_t at,
                 data::Arena& arena);

  const std::size_t keys_;
  const std::string store_;
  KeptEntries<ByteBuffer> foreign_;  // by the table's key
  std::int64_t changes_ = 0;         // all, ever

  std::vector<Change> said_;  // of the batch
  ByteBuffer cell_;
  std::vector<data::Column> columns_;
  std::vector<data::TimestampMs> times_;
  std::vector<data::RowOrigin> origins_;
  data::Batch output_;
};

// The answers about a row, each with the number of the change that it answers: older ones than one
// that was seen come from where the row referred to before, and are dropped. Keeps the newest
// number of each row, also of those that went.
class ForeignResultOperator final : public Operator {
 public:
  ForeignResultOperator(const sql::ForeignResultStep& step, std::size_t columns, std::string store);

  std::string_view store() const override { return store_; }
  Result<> open(StateReader& state) override;
  Result<Flow> process(const data::Batch& batch, Emitter& out) override;
  Result<Flow> on_stream_time(data::TimestampMs, Emitter&) override { return Flow::more; }
  Result<> on_commit(topics::StateWrites& state) override;
  std::size_t uncommitted_bytes() const override { return newest_.changed_bytes(); }
  std::size_t memory_bytes() const override;

 private:
  bool is_newest(const data::Batch& batch, data::RowIndex row);

  const std::size_t keys_;
  const std::vector<std::size_t> places_;
  const std::string store_;
  KeptEntries<std::int64_t> newest_;
  ByteBuffer key_;
  std::vector<data::RowKind> kinds_;
  data::Batch output_;
};

}  // namespace penstock::engine
