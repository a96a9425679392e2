// Rows of a table into changes of it: the row that was there goes, the new one comes.
#pragma once

#include <string>
#include <vector>

#include "engine/kept_entries.h"
#include "engine/operator.h"

namespace penstock::engine {

// Input: a table's rows and tombstones, its key columns first. Output: the columns behind them, as
// retractions and inserts. Keeps each key's present row.
class TableChangesOperator final : public Operator {
 public:
  // types: of the input's columns; keys: how many of them are the table's key.
  TableChangesOperator(std::vector<data::Type> types, std::size_t keys, std::string store);

  std::string_view store() const override { return store_; }
  Result<> open(StateReader& state) override;
  Result<Flow> process(const data::Batch& batch, Emitter& out) override;
  Result<Flow> on_stream_time(data::TimestampMs, Emitter&) override { return Flow::more; }
  Result<> on_commit(topics::StateWrites& state) override;
  std::size_t uncommitted_bytes() const override { return rows_.changed_bytes(); }
  std::size_t memory_bytes() const override;

 private:
  // Adds a row to the output, out of its bytes. False: they are none.
  bool add(ByteView row, data::RowKind kind, data::TimestampMs timestamp_ms, data::RowOrigin origin,
           data::Arena& arena);
  void begin_output(std::size_t rows);

  const std::vector<data::Type> types_;
  const std::size_t keys_;
  const std::string store_;
  KeptEntries<ByteBuffer> rows_;  // cells behind the key's, by those

  std::vector<data::Column> columns_;
  std::vector<data::TimestampMs> times_;
  std::vector<data::RowKind> kinds_;
  std::vector<data::RowOrigin> origins_;
  data::Batch output_;
};

}  // namespace penstock::engine
