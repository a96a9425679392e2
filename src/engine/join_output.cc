#include "engine/join_output.h"

#include <algorithm>
#include <numeric>

#include "base/check.h"
#include "data/cell_bytes.h"
#include "engine/kept_limits.h"
#include "engine/limits.h"
#include "engine/number_bytes.h"

namespace penstock::engine {

std::optional<JoinInput> JoinOutput::input(const data::Batch& batch, data::RowIndex row,
                                           Emitter& out) const {
  const data::Column& key = *batch.columns.front();
  if (key.is_null(row)) return std::nullopt;
  JoinInput input{.key = {},
                  .row = nullptr,
                  .timestamp_ms = batch.timestamps_ms[row],
                  .origin = batch.origin(row)};
  data::append_cell_bytes(input.key, key, row);
  if (!batch.windows.empty()) {
    append_number(input.key, batch.windows[row].start);
    if (window_ && !window_->size_ms) append_number(input.key, batch.windows[row].end);
  }
  auto cells = std::make_shared<ByteBuffer>();
  const bool there = batch.kind(row) == data::RowKind::insert;
  for (std::size_t i = 1; i < batch.columns.size() && there; ++i)
    data::append_cell_bytes(*cells, *batch.columns[i], row);
  const std::size_t key_bytes = input.key.size();
  const std::string_view why = stored_by_key_ ? why_not_kept(key_bytes, cells->size())
                                              : why_not_kept(0, key_bytes + cells->size());
  if (!why.empty()) {
    out.reject(input.origin, why);
    return std::nullopt;
  }
  if (there) input.row = std::move(cells);
  return input;
}

bool is_join_row(ByteView row, std::span<const data::Type> types) {
  return std::ranges::all_of(
             types, [&](const data::Type& type) { return data::skip_cell_bytes(row, type); }) &&
         row.empty();
}

JoinOutput::JoinOutput(const JoinParts& parts, bool before)
    : key_type_(parts.left.types.front()),
      left_places_(parts.left.places),
      right_places_(parts.right.places),
      window_(parts.window),
      key_column_(parts.step->key_column && parts.step->shape != sql::JoinShape::foreign_key),
      stored_by_key_(parts.step->shape != sql::JoinShape::stream_stream),
      columns_(make_columns(parts)),
      key_(key_type_) {
  show(columns_, batch_);
  if (!before) return;
  before_columns_ = make_columns(parts);
  show(before_columns_, before_);
  batch_.before = &before_;
}

JoinOutput::Columns JoinOutput::make_columns(const JoinParts& parts) const {
  Columns columns(parts.schema->columns.size());
  for (const JoinParts::Side* side : {&parts.left, &parts.right})
    for (std::size_t i = 0; i < side->places.size(); ++i)
      columns[side->places[i]] = std::make_unique<data::Column>(side->types[i + 1]);
  return columns;
}

void JoinOutput::show(const Columns& columns, data::Batch& batch) {
  for (const auto& column : columns) batch.columns.push_back(column.get());
  if (key_column_) batch.columns.back() = &key_;
}

void JoinOutput::add(const JoinInput& by, JoinRow left, JoinRow right,
                     data::TimestampMs timestamp_ms, data::RowKind kind) {
  rows_.push_back({by.key, std::move(left), std::move(right), timestamp_ms, kind, by.origin, {}});
}

void JoinOutput::add_stored(ByteView key, JoinRow left, JoinRow right,
                            data::TimestampMs timestamp_ms) {
  rows_.push_back({to_buffer(key),
                   std::move(left),
                   std::move(right),
                   timestamp_ms,
                   data::RowKind::insert,
                   {0, data::RowOrigin::kNone},
                   {}});
}

Result<Flow> JoinOutput::emit(Emitter& out) {
  Flow flow = Flow::more;
  for (std::size_t first = 0; first < rows_.size() && flow == Flow::more;) {
    const std::size_t count = std::min(rows_.size() - first, kEmittedRowsMax);
    fill(std::span(rows_).subspan(first, count), out.arena());
    flow = TRY(out.emit(batch_));
    first += count;
  }
  rows_.clear();
  return flow;
}

void JoinOutput::fill(std::span<const Row> rows, data::Arena& arena) {
  for (data::Column* column : batch_.columns)
    if (column != nullptr) column->reset(rows.size());
  key_.reset(rows.size());
  times_.clear();
  kinds_.clear();
  origins_.clear();
  windows_.clear();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Row& row = rows[i];
    ByteView key = row.key;
    CHECK(data::take_cell_bytes(key, key_, i, arena));
    if (window_) {
      data::WindowBounds& window = windows_.emplace_back();
      CHECK(take_number(key, window.start));
      if (window_->size_ms)
        window.end = window.start + *window_->size_ms;
      else
        CHECK(take_number(key, window.end));
    }
    fill_side(columns_, left_places_, row.left, i, arena);
    fill_side(columns_, right_places_, row.right, i, arena);
    times_.push_back(row.timestamp_ms);
    kinds_.push_back(row.kind);
    origins_.push_back(row.origin);
  }
  batch_.rows = rows.size();
  batch_.selection.resize(rows.size());
  std::iota(batch_.selection.begin(), batch_.selection.end(), data::RowIndex{0});
  batch_.timestamps_ms = times_;
  const bool changes =
      std::ranges::any_of(kinds_, [](data::RowKind kind) { return kind != data::RowKind::insert; });
  batch_.kinds =
      changes ? std::span<const data::RowKind>(kinds_) : std::span<const data::RowKind>();
  batch_.origins = origins_;
  batch_.windows = windows_;
  if (batch_.before != nullptr) fill_before(rows, arena);
}

void JoinOutput::fill_before(std::span<const Row> rows, data::Arena& arena) {
  for (const auto& column : before_columns_)
    if (column != nullptr) column->reset(rows.size());
  before_kinds_.clear();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Row::Was& was = rows[i].was;
    fill_side(before_columns_, left_places_, was.left, i, arena);
    fill_side(before_columns_, right_places_, was.right, i, arena);
    before_kinds_.push_back(was.there ? data::RowKind::insert : data::RowKind::tombstone);
  }
  before_.rows = rows.size();
  before_.kinds = before_kinds_;
}

void JoinOutput::fill_side(const Columns& columns, const std::vector<std::size_t>& places,
                           const JoinRow& row, std::size_t at, data::Arena& arena) {
  ByteView cells = row != nullptr ? ByteView(*row) : ByteView();
  for (const std::size_t place : places) {
    if (row != nullptr)
      CHECK(data::take_cell_bytes(cells, *columns[place], at, arena));
    else
      columns[place]->set_null(at);
  }
}

std::size_t JoinOutput::memory_bytes() const {
  std::size_t bytes = key_.memory_bytes();
  for (const Columns* columns : {&columns_, &before_columns_})
    for (const auto& column : *columns) bytes += column != nullptr ? column->memory_bytes() : 0;
  return bytes;
}

}  // namespace penstock::engine
