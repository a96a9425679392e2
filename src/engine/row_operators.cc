#include "engine/row_operators.h"

#include <algorithm>

#include "base/check.h"

namespace penstock::engine {
namespace {

void reject_all(const sql::RowErrors& errors, Emitter& out) {
  for (const sql::RowErrors::Entry& entry : errors.entries()) out.reject(entry.row, entry.reason);
}

}  // namespace

Result<Flow> FilterOperator::process(const data::Batch& batch, Emitter& out) {
  errors_.clear();
  Frame frame{batch.rows, batch.columns, out.arena(), errors_};
  const data::Column* verdict = predicate_.evaluate(frame, batch.selection);
  CHECK(verdict != nullptr);
  data::Selection rows = batch.selection;
  if (!errors_.empty()) {
    reject_all(errors_, out);
    keep_unfailed(rows, errors_, scratch_, unfailed_);
    rows = unfailed_;
  }
  output_.rows = batch.rows;
  output_.columns = batch.columns;
  output_.timestamps_ms = batch.timestamps_ms;
  output_.selection.resize(rows.size());
  std::span<const std::uint8_t> values = verdict->values<std::uint8_t>();
  std::size_t kept = 0;
  if (verdict->no_nulls()) {
    for (data::RowIndex row : rows) {
      output_.selection[kept] = row;
      kept += values[row];
    }
  } else {
    std::span<const std::uint8_t> nulls = verdict->nulls();
    for (data::RowIndex row : rows) {
      output_.selection[kept] = row;
      kept += nulls[row] == 0 && values[row] != 0;
    }
  }
  output_.selection.resize(kept);
  if (kept == 0) return Flow::more;
  return out.emit(output_);
}

std::size_t FilterOperator::memory_bytes() const {
  return sizeof(data::RowIndex) * (output_.selection.capacity() + unfailed_.capacity());
}

Result<Flow> ProjectOperator::process(const data::Batch& batch, Emitter& out) {
  errors_.clear();
  Frame frame{batch.rows, batch.columns, out.arena(), errors_};
  output_.rows = batch.rows;
  output_.timestamps_ms = batch.timestamps_ms;
  output_.columns.resize(columns_.size());
  for (std::size_t i = 0; i < columns_.size(); ++i)
    output_.columns[i] = columns_[i].evaluate(frame, batch.selection);
  if (errors_.empty()) {
    output_.selection = batch.selection;
  } else {
    reject_all(errors_, out);
    keep_unfailed(batch.selection, errors_, scratch_, output_.selection);
    if (output_.selection.empty()) return Flow::more;
  }
  return out.emit(output_);
}

std::size_t ProjectOperator::memory_bytes() const {
  constexpr std::size_t kBytesPerCell = 16;  // the widest vector forms
  return columns_.size() * data::kBatchRowsMax * kBytesPerCell;
}

Result<Flow> RekeyOperator::process(const data::Batch& batch, Emitter& out) {
  output_.rows = batch.rows;
  output_.timestamps_ms = batch.timestamps_ms;
  output_.selection = batch.selection;
  output_.columns.clear();
  for (std::size_t input : order_) output_.columns.push_back(batch.columns[input]);
  return out.emit(output_);
}

Result<Flow> LimitOperator::process(const data::Batch& batch, Emitter& out) {
  if (left_ <= 0) return Flow::done;
  auto rows = static_cast<std::int64_t>(batch.selection.size());
  if (rows < left_) {
    left_ -= rows;
    return out.emit(batch);
  }
  output_ = batch;
  output_.selection.resize(static_cast<std::size_t>(left_));
  left_ = 0;
  TRY(out.emit(output_));
  return Flow::done;
}

}  // namespace penstock::engine
