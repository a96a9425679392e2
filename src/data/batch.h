// The unit of work: up to a few hundred records in columns.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/column.h"
#include "data/schema.h"
#include "data/time.h"

namespace penstock::data {

inline constexpr std::size_t kBatchRowsMax = 1024;

// Columns as a plan step's schema orders them. A column that no later step reads is absent (nullptr
// in `columns`). All views are valid until the batch's arena and read buffer are reused.
struct Batch {
  std::size_t rows = 0;
  std::vector<Column*> columns;                // not owned
  std::span<const TimestampMs> timestamps_ms;  // one per row
  std::vector<RowIndex> selection;             // rows that are still alive, rising
};

}  // namespace penstock::data
