#include "engine/table_changes.h"

#include <fmt/format.h>

#include "base/check.h"
#include "data/cell_bytes.h"
#include "engine/kept_limits.h"

namespace penstock::engine {

TableChangesOperator::TableChangesOperator(std::vector<data::Type> types, std::size_t keys,
                                           std::string store)
    : types_(std::move(types)), keys_(keys), store_(std::move(store)) {
  for (std::size_t i = keys_; i < types_.size(); ++i) columns_.emplace_back(types_[i]);
}

Result<> TableChangesOperator::open(StateReader& state) {
  std::size_t malformed = 0;
  TRY(state.each([&](ByteView key, ByteView value) {
    ByteView rest = value;
    bool good = true;
    for (std::size_t i = keys_; i < types_.size() && good; ++i)
      good = data::skip_cell_bytes(rest, types_[i]);
    malformed += !good || !rest.empty();
    rows_.load(to_buffer(key), to_buffer(value));
  }));
  if (malformed > 0)
    return fail(ErrorCode::corrupt,
                fmt::format("{} rows of the table's state cannot be read", malformed));
  return {};
}

void TableChangesOperator::begin_output(std::size_t rows) {
  times_.clear();
  kinds_.clear();
  origins_.clear();
  output_.selection.clear();
  output_.columns.clear();
  for (data::Column& column : columns_) {
    column.reset(2 * rows);  // at most: each row goes and comes
    output_.columns.push_back(&column);
  }
}

bool TableChangesOperator::add(ByteView row, data::RowKind kind, data::TimestampMs timestamp_ms,
                               data::RowOrigin origin, data::Arena& arena) {
  const std::size_t at = kinds_.size();
  for (data::Column& column : columns_)
    if (!data::take_cell_bytes(row, column, at, arena)) return false;
  kinds_.push_back(kind);
  times_.push_back(timestamp_ms);
  origins_.push_back(origin);
  output_.selection.push_back(static_cast<data::RowIndex>(at));
  return row.empty();
}

Result<Flow> TableChangesOperator::process(const data::Batch& batch, Emitter& out) {
  begin_output(batch.selection.size());
  for (const data::RowIndex row : batch.selection) {
    ByteBuffer key, now;
    for (std::size_t i = 0; i < keys_; ++i) data::append_cell_bytes(key, *batch.columns[i], row);
    const bool there = batch.kind(row) == data::RowKind::insert;
    for (std::size_t i = keys_; i < types_.size() && there; ++i)
      data::append_cell_bytes(now, *batch.columns[i], row);
    if (const std::string_view why = why_not_kept(key.size(), now.size()); !why.empty()) {
      out.reject(batch.origin(row), why);
      continue;
    }
    const data::TimestampMs time = batch.timestamps_ms[row];
    if (const ByteBuffer* before = rows_.find(key)) {
      CHECK(add(*before, data::RowKind::retraction, time, batch.origin(row), out.arena()));
      rows_.erase(key);
    }
    if (!there) continue;
    CHECK(add(now, data::RowKind::insert, time, batch.origin(row), out.arena()));
    rows_.put(std::move(key), std::move(now));
  }
  if (output_.selection.empty()) return Flow::more;
  output_.rows = kinds_.size();
  output_.timestamps_ms = times_;
  output_.kinds = kinds_;
  output_.origins = origins_;
  return out.emit(output_);
}

Result<> TableChangesOperator::on_commit(topics::StateWrites& state) {
  rows_.take_changes([&](const ByteBuffer& key, const ByteBuffer* row) {
    row != nullptr ? state.put(key, *row) : state.erase(key);
  });
  return {};
}

std::size_t TableChangesOperator::memory_bytes() const {
  return rows_.memory_bytes();
}

}  // namespace penstock::engine
