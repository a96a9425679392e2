// The unit of work: up to a few hundred records in columns.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/column.h"
#include "data/schema.h"
#include "data/time.h"

namespace penstock::data {

// What a source gives at once: its plaintexts, columns and output stay in the nearest caches.
// Operators may make larger batches of it (EXPLODE): what is sized by rows is sized by Batch::rows.
inline constexpr std::size_t kBatchRowsMax = 256;

// What a row says.
enum class RowKind : std::uint8_t {
  insert,      // it is there: a row of a stream, or the present row of a table
  tombstone,   // a record without a value: only the key columns mean anything
  retraction,  // a row that was there and goes; between a table and an aggregation over it
};

// The record that a row was made of: its input's number and its row in the batch read from there.
struct RowOrigin {
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;
  std::uint32_t input = 0;
  std::uint32_t row = 0;  // kNone: of no single record
};

// The window that a row's key belongs to.
struct WindowBounds {
  TimestampMs start = 0, end = 0;
};

// Columns as a plan step's schema orders them. A column that no later step reads is absent (nullptr
// in `columns`). All views are valid until the batch's arena and read buffer are reused.
struct Batch {
  std::size_t rows = 0;
  std::vector<Column*> columns;                // not owned
  std::span<const TimestampMs> timestamps_ms;  // one per row
  std::vector<RowIndex> selection;             // rows that are still alive, rising
  std::span<const RowKind> kinds;              // one per row; empty: all inserts
  std::span<const RowOrigin> origins;          // one per row; empty: row i is row i of input 0
  std::span<const WindowBounds> windows;       // one per row; empty: keys have none
  // Of an aggregation's or a join's rows: what stood there before, row by row, in the same columns;
  // tombstones where nothing did. Null: not asked for.
  const Batch* before = nullptr;

  RowKind kind(RowIndex row) const { return kinds.empty() ? RowKind::insert : kinds[row]; }
  RowOrigin origin(RowIndex row) const {
    return origins.empty() ? RowOrigin{0, row} : origins[row];
  }
};

}  // namespace penstock::data
