// Rows of two sides into rows of a join: what all joins share.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "engine/operator.h"
#include "engine/stages.h"

namespace penstock::engine {

// A row as bytes: the cells behind its key. Shared, since it may leave the state before the rows
// that were made of it have gone out.
using JoinRow = std::shared_ptr<const ByteBuffer>;

// A row that a join keeps.
struct KeptRow {
  JoinRow row;
  data::TimestampMs timestamp_ms = 0;
  friend std::size_t kept_bytes(const KeptRow& kept) { return kept.row->size(); }
};

// A row that comes in.
struct JoinInput {
  ByteBuffer key;  // the key's cell, of windowed sources the window's bounds behind it
  JoinRow row;     // null: a record without a value
  data::TimestampMs timestamp_ms;
  data::RowOrigin origin;
};

// nullopt: its key is null, it joins with nothing.
std::optional<JoinInput> join_input(const data::Batch& batch, data::RowIndex row);

// Whether the bytes are cells of these types; of stored rows.
bool is_join_row(ByteView row, std::span<const data::Type> types);

// Gathers a join's rows and emits them together. One thread.
class JoinOutput {
 public:
  // The parts' pointers outlive it.
  explicit JoinOutput(const JoinParts& parts);

  // left, right: null where that side is missing; of a tombstone both.
  void add(const JoinInput& by, JoinRow left, JoinRow right, data::TimestampMs timestamp_ms,
           data::RowKind kind = data::RowKind::insert);
  // Of a stored row: no record of this batch is its origin.
  void add_stored(ByteView key, JoinRow left, JoinRow right, data::TimestampMs timestamp_ms);
  Result<Flow> emit(Emitter& out);
  std::size_t memory_bytes() const;

 private:
  struct Row {
    ByteBuffer key;
    JoinRow left, right;
    data::TimestampMs timestamp_ms;
    data::RowKind kind;
    data::RowOrigin origin;
  };
  void fill(std::span<const Row> rows, data::Arena& arena);
  void fill_side(const std::vector<std::size_t>& places, const JoinRow& row, std::size_t at,
                 data::Arena& arena);

  const data::Type key_type_;
  const std::vector<std::size_t> left_places_, right_places_;
  const bool windowed_, key_column_;
  std::vector<Row> rows_;
  std::vector<std::unique_ptr<data::Column>> columns_;  // null: nobody reads it
  data::Column key_;
  std::vector<data::TimestampMs> times_;
  std::vector<data::RowKind> kinds_;
  std::vector<data::RowOrigin> origins_;
  std::vector<data::WindowBounds> windows_;
  data::Batch batch_;
};

}  // namespace penstock::engine
