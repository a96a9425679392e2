// Record keys and values into columns, a batch at a time.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "data/arena.h"
#include "data/column.h"
#include "data/row_errors.h"
#include "data/schema.h"
#include "format/kind.h"
#include "format/reasons.h"

namespace penstock::format {

using RowFailures = data::RowErrors;

// Decodes the keys or the values of one stream. One thread; learns from what it sees, so keep one
// per source step and task.
class ValueReader {
 public:
  virtual ~ValueReader() = default;

  // Decodes `values` of the given rows into the columns, one per schema column in order; nullptr
  // for a column that is not used. Resets the columns to values.size() rows; rows outside `rows`
  // are left undefined. A null value (data() == nullptr) makes the row null in every column. A row
  // that fails is added to `failures` once, with a reason of reasons.h, and is null in every
  // column.
  //
  // kReadPadding (limits.h) bytes behind each value must be readable, whatever they hold. Text may
  // be a view of the value: the columns live as long as the values and the arena.
  virtual void decode(std::span<const ByteView> values, data::Selection rows,
                      std::span<data::Column* const> out, data::Arena& arena,
                      RowFailures& failures) = 0;
};

// A reader of the given columns (all of the key's or value's, in order). used[i]: decode() will be
// given a column for i; JSON looks for no others. unsupported or invalid_argument: a type or number
// of columns that the format cannot carry.
Result<std::unique_ptr<ValueReader>> make_reader(const data::Schema& columns,
                                                 const std::vector<bool>& used,
                                                 const Options& options);

}  // namespace penstock::format
