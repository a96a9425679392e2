#include "engine/row_operators.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"
#include "data/cell.h"

namespace penstock::engine {
namespace {

// Everything but columns and selection.
void carry(const data::Batch& from, data::Batch& to) {
  to.rows = from.rows;
  to.timestamps_ms = from.timestamps_ms;
  to.kinds = from.kinds;
  to.origins = from.origins;
  to.windows = from.windows;
}

// The selected rows that have a value.
data::Selection inserts_among(const data::Batch& batch, std::vector<data::RowIndex>& scratch) {
  if (batch.kinds.empty()) return batch.selection;
  scratch.clear();
  for (const data::RowIndex row : batch.selection)
    if (batch.kinds[row] == data::RowKind::insert) scratch.push_back(row);
  return scratch;
}

}  // namespace

Result<> FailureRule::settle(const data::Batch& batch, const sql::RowErrors& errors, Emitter& out) {
  for (const sql::RowErrors::Entry& entry : errors.entries()) {
    if (rule_ == FailedRow::stop && !entry.fatal)
      return fail(
          ErrorCode::invalid_argument,
          fmt::format("{} failed for a record ({}), and ON_ERROR='stop'", step_, entry.reason));
    if (!entry.fatal && rule_ == FailedRow::null_column) {
      out.note_failure(step_, entry.reason);
      continue;
    }
    out.reject(batch.origin(entry.row), entry.reason);
    if (!std::exchange(any_dropped_, true)) dropped_.assign(rows_, 0);
    dropped_[entry.row] = 1;
  }
  return {};
}

data::Selection FilterOperator::inserts_of(const data::Batch& batch) {
  return inserts_among(batch, inserts_);
}

Result<> FilterOperator::look_before(const data::Batch& before, Emitter& out) {
  errors_.clear();
  passed_before_.assign(before.rows, 0);
  there_before_.clear();
  for (std::size_t row = 0; row < before.rows; ++row)
    if (before.kinds[row] == data::RowKind::insert)
      there_before_.push_back(static_cast<data::RowIndex>(row));
  const Frame frame{before.rows, before.columns, out.arena(), errors_, {}};
  const data::Column* verdict = predicate_.evaluate(frame, there_before_);
  std::span<const std::uint8_t> values = verdict->values<std::uint8_t>();
  for (const data::RowIndex row : there_before_)
    passed_before_[row] = !verdict->is_null(row) && values[row] != 0;
  for (const sql::RowErrors::Entry& entry : errors_.entries())
    if (!entry.contained) passed_before_[entry.row] = 0;
  return {};
}

Result<Flow> FilterOperator::process(const data::Batch& batch, Emitter& out) {
  if (batch.before != nullptr) TRY(look_before(*batch.before, out));
  errors_.clear();
  rule_.begin(batch.rows);
  const Frame frame{batch.rows, batch.columns, out.arena(), errors_, {}};
  const data::Selection rows = inserts_of(batch);
  const data::Column* verdict = predicate_.evaluate(frame, rows);
  CHECK(verdict != nullptr);
  failed_.clear();
  if (!errors_.empty()) {
    TRY(rule_.settle(batch, errors_, out));
    failed_.assign(batch.rows, 0);
    for (const sql::RowErrors::Entry& entry : errors_.entries())
      if (!entry.contained) failed_[entry.row] = 1;
  }
  carry(batch, output_);
  output_.columns = batch.columns;
  if (batch.before != nullptr)
    take_changes(batch, *verdict);
  else
    table_ ? take_table(batch, *verdict) : take_stream(batch, *verdict);
  if (output_.selection.empty()) return Flow::more;
  return out.emit(output_);
}

void FilterOperator::take_stream(const data::Batch& batch, const data::Column& verdict) {
  const data::Selection rows = batch.kinds.empty() ? data::Selection(batch.selection) : inserts_;
  output_.kinds = {};
  output_.selection.resize(rows.size());
  std::span<const std::uint8_t> values = verdict.values<std::uint8_t>();
  std::size_t kept = 0;
  if (verdict.no_nulls() && failed_.empty()) {
    for (const data::RowIndex row : rows) {
      output_.selection[kept] = row;
      kept += values[row];
    }
  } else {
    for (const data::RowIndex row : rows) {
      output_.selection[kept] = row;
      const bool failed = !failed_.empty() && failed_[row] != 0;
      kept += !failed && !verdict.is_null(row) && values[row] != 0;
    }
  }
  output_.selection.resize(kept);
}

void FilterOperator::take_table(const data::Batch& batch, const data::Column& verdict) {
  std::span<const std::uint8_t> values = verdict.values<std::uint8_t>();
  kinds_.assign(batch.rows, data::RowKind::insert);
  output_.selection.clear();
  for (const data::RowIndex row : batch.selection) {
    if (rule_.is_dropped(row)) continue;
    const bool failed = !failed_.empty() && failed_[row] != 0;
    const bool stays = batch.kind(row) == data::RowKind::insert && !failed &&
                       !verdict.is_null(row) && values[row] != 0;
    if (!stays) kinds_[row] = data::RowKind::tombstone;
    output_.selection.push_back(row);
  }
  output_.kinds = kinds_;
}

void FilterOperator::take_changes(const data::Batch& batch, const data::Column& verdict) {
  std::span<const std::uint8_t> values = verdict.values<std::uint8_t>();
  kinds_.assign(batch.rows, data::RowKind::insert);
  output_.selection.clear();
  for (const data::RowIndex row : batch.selection) {
    if (rule_.is_dropped(row)) continue;
    const bool failed = !failed_.empty() && failed_[row] != 0;
    const bool stays = batch.kind(row) == data::RowKind::insert && !failed &&
                       !verdict.is_null(row) && values[row] != 0;
    if (!stays && passed_before_[row] == 0) continue;
    if (!stays) kinds_[row] = data::RowKind::tombstone;
    output_.selection.push_back(row);
  }
  output_.kinds = kinds_;
}

std::size_t FilterOperator::memory_bytes() const {
  return sizeof(data::RowIndex) * (output_.selection.capacity() + inserts_.capacity()) +
         kinds_.capacity() + failed_.capacity();
}

ProjectOperator::ProjectOperator(std::vector<Output> columns, FailedRow rule)
    : columns_(std::move(columns)), own_(columns_.size()), rule_(rule, "project") {}

Result<Flow> ProjectOperator::process(const data::Batch& batch, Emitter& out) {
  rule_.begin(batch.rows);
  carry(batch, output_);
  output_.columns.resize(columns_.size());
  for (std::size_t i = 0; i < columns_.size(); ++i) TRY(compute(batch, i, out));
  if (!rule_.any_dropped()) {
    output_.selection = batch.selection;
  } else {
    output_.selection.clear();
    for (const data::RowIndex row : batch.selection)
      if (!rule_.is_dropped(row)) output_.selection.push_back(row);
    if (output_.selection.empty()) return Flow::more;
  }
  return out.emit(output_);
}

Result<> ProjectOperator::compute(const data::Batch& batch, std::size_t i, Emitter& out) {
  errors_.clear();
  const Frame frame{batch.rows, batch.columns, out.arena(), errors_, {}};
  const data::Selection rows =
      columns_[i].key ? data::Selection(batch.selection) : inserts_among(batch, inserts_);
  data::Column* column = columns_[i].program.evaluate(frame, rows);
  if (!errors_.empty()) {
    TRY(rule_.settle(batch, errors_, out));
    column = with_nulls(batch, i, column);
  }
  output_.columns[i] = column;
  return {};
}

// No CASE, COALESCE or IFNULL catches a failure: the result is NULL wherever something failed.
data::Column* ProjectOperator::with_nulls(const data::Batch& batch, std::size_t i,
                                          data::Column* column) {
  if (own_[i] == nullptr) own_[i] = std::make_unique<data::Column>(columns_[i].type);
  own_[i]->reset(batch.rows);
  copy_with_nulls(*column, batch.selection, errors_.entries(), *own_[i]);
  return own_[i].get();
}

std::size_t ProjectOperator::memory_bytes() const {
  constexpr std::size_t kBytesPerCell = 16;  // the widest scalar forms
  return columns_.size() * std::max(output_.rows, data::kBatchRowsMax) * kBytesPerCell;
}

ExplodeOperator::ExplodeOperator(std::vector<Program> calls, std::vector<data::Type> element_types,
                                 std::vector<data::Type> input_types, FailedRow rule)
    : calls_(std::move(calls)), rule_(rule, "explode"), inputs_(input_types.size()) {
  for (data::Type& type : input_types)
    owned_.push_back(std::make_unique<data::Column>(std::move(type)));
  for (data::Type& type : element_types)
    owned_.push_back(std::make_unique<data::Column>(std::move(type)));
}

std::uint32_t ExplodeOperator::length_of(data::RowIndex row) const {
  std::uint32_t length = 0;
  for (const data::Column* list : lists_)
    if (!list->is_null(row)) length = std::max(length, list->list(row).size);
  return length;
}

Result<Flow> ExplodeOperator::process(const data::Batch& batch, Emitter& out) {
  constexpr std::size_t kRowsEmitted = 4096;  // or one row's elements, where these are more
  rule_.begin(batch.rows);
  const data::Selection rows = inserts_among(batch, inserts_);
  errors_.clear();
  const Frame frame{batch.rows, batch.columns, out.arena(), errors_, {}};
  lists_.clear();
  for (Program& call : calls_) lists_.push_back(call.evaluate(frame, rows));
  TRY(rule_.settle(batch, errors_, out));
  from_.clear();
  position_.clear();
  for (const data::RowIndex row : rows) {
    if (rule_.is_dropped(row)) continue;
    const std::uint32_t length = length_of(row);
    for (std::uint32_t i = 0; i < length; ++i) {
      from_.push_back(row);
      position_.push_back(i);
    }
    if (from_.size() < kRowsEmitted) continue;
    const Flow flow = TRY(emit_rows(batch, out));
    if (flow != Flow::more) return flow;
  }
  return from_.empty() ? Flow::more : TRY(emit_rows(batch, out));
}

Result<Flow> ExplodeOperator::emit_rows(const data::Batch& batch, Emitter& out) {
  const std::size_t rows = from_.size();
  output_.rows = rows;
  output_.columns.assign(owned_.size(), nullptr);
  for (std::size_t i = 0; i < inputs_; ++i) {
    if (batch.columns[i] == nullptr) continue;
    data::gather(*batch.columns[i], from_, *owned_[i]);
    output_.columns[i] = owned_[i].get();
  }
  for (std::size_t k = 0; k < lists_.size(); ++k) {
    data::Column& elements = *owned_[inputs_ + k];
    elements.reset(rows);
    for (std::size_t i = 0; i < rows; ++i) {
      const bool there =
          !lists_[k]->is_null(from_[i]) && position_[i] < lists_[k]->list(from_[i]).size;
      if (there)
        data::copy_cell(lists_[k]->child(0), lists_[k]->list(from_[i]).begin + position_[i],
                        elements, i);
      else
        elements.set_null(i);
    }
    output_.columns[inputs_ + k] = &elements;
  }
  times_.resize(rows);
  origins_.resize(rows);
  windows_.resize(batch.windows.empty() ? 0 : rows);
  output_.selection.resize(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    times_[i] = batch.timestamps_ms[from_[i]];
    origins_[i] = batch.origin(from_[i]);
    if (!batch.windows.empty()) windows_[i] = batch.windows[from_[i]];
    output_.selection[i] = static_cast<data::RowIndex>(i);
  }
  output_.timestamps_ms = times_;
  output_.origins = origins_;
  output_.windows = windows_;
  from_.clear();
  position_.clear();
  return out.emit(output_);
}

std::size_t ExplodeOperator::memory_bytes() const {
  std::size_t bytes = from_.capacity() * 8 + times_.capacity() * 16;
  for (const auto& column : owned_) bytes += column->memory_bytes();
  return bytes;
}

Result<Flow> RekeyOperator::process(const data::Batch& batch, Emitter& out) {
  carry(batch, output_);
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
