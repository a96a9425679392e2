// Loops over the selected rows of a batch.
#pragma once

#include "data/column.h"

namespace penstock::data {

// Whether a selection (which rises) is exactly the rows 0 to n-1.
inline bool is_dense(data::Selection rows) {
  return rows.empty() || rows.back() + 1 == rows.size();
}

// Calls body(row) for each selected row; dense selections run without reading the row numbers.
template <typename Body>
inline void each_row(data::Selection rows, Body&& body) {
  if (is_dense(rows)) {
    const RowIndex count = static_cast<RowIndex>(rows.size());
    for (RowIndex row = 0; row < count; ++row) body(row);
  } else {
    for (RowIndex row : rows) body(row);
  }
}

}  // namespace penstock::data
