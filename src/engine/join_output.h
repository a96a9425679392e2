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
  // The key's cell; of windowed sources the window's start behind it, of sessions its end too:
  // windows of one start meet, whatever their sizes.
  ByteBuffer key;
  JoinRow row;  // null: a record without a value
  data::TimestampMs timestamp_ms;
  data::RowOrigin origin;
};

// Whether the bytes are cells of these types; of stored rows.
bool is_join_row(ByteView row, std::span<const data::Type> types);

// Reads a join's rows, and gathers those that it makes and emits them together. One thread.
class JoinOutput {
 public:
  // The parts' pointers outlive it. before: batches say what their rows replace (Batch::before).
  explicit JoinOutput(const JoinParts& parts, bool before = false);

  // nullopt: its key is null, it joins with nothing; or it cannot be kept and is rejected.
  std::optional<JoinInput> input(const data::Batch& batch, data::RowIndex row, Emitter& out) const;

  // left, right: null where that side is missing; of a tombstone both.
  void add(const JoinInput& by, JoinRow left, JoinRow right, data::TimestampMs timestamp_ms,
           data::RowKind kind = data::RowKind::insert);
  // What the row that was added last replaces; without: nothing.
  void replaces(JoinRow left, JoinRow right) {
    rows_.back().was = {.there = true, .left = std::move(left), .right = std::move(right)};
  }
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
    struct Was {
      bool there = false;
      JoinRow left, right;
    };
    Was was = {};
  };
  using Columns = std::vector<std::unique_ptr<data::Column>>;  // null: nobody reads it

  Columns make_columns(const JoinParts& parts) const;
  void show(const Columns& columns, data::Batch& batch);
  void fill(std::span<const Row> rows, data::Arena& arena);
  void fill_before(std::span<const Row> rows, data::Arena& arena);
  static void fill_side(const Columns& columns, const std::vector<std::size_t>& places,
                        const JoinRow& row, std::size_t at, data::Arena& arena);

  const data::Type key_type_;
  const std::vector<std::size_t> left_places_, right_places_;
  const std::optional<sql::WindowInfo> window_;
  const bool key_column_;
  const bool stored_by_key_;  // else the key is stored with the row
  std::vector<Row> rows_;
  Columns columns_, before_columns_;
  data::Column key_;
  std::vector<data::TimestampMs> times_;
  std::vector<data::RowKind> kinds_;
  std::vector<data::RowOrigin> origins_;
  std::vector<data::WindowBounds> windows_;
  data::Batch batch_, before_;
  std::vector<data::RowKind> before_kinds_;
};

}  // namespace penstock::engine
