#include "engine/foreign_rows.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "data/cell_bytes.h"
#include "engine/kept_limits.h"
#include "engine/number_bytes.h"

namespace penstock::engine {
namespace {

constexpr std::uint8_t kCountKey = 0, kRowKey = 1;  // first bytes of ForeignChanges' stored keys
// Output columns of ForeignChanges before the table's key, and behind it.
constexpr std::size_t kAnswer = 1, kFirstKey = 2;
constexpr std::size_t kNumber = 0, kThere = 1;  // behind the keys

void append_keys(ByteBuffer& out, const data::Batch& batch, std::size_t first, std::size_t keys,
                 data::RowIndex row) {
  for (std::size_t i = first; i < first + keys; ++i)
    data::append_cell_bytes(out, *batch.columns[i], row);
}

bool is_cell(ByteView bytes, const data::Type& type) {
  return data::skip_cell_bytes(bytes, type) && bytes.empty();
}

}  // namespace

ForeignChangesOperator::ForeignChangesOperator(const sql::ForeignChangesStep& step,
                                               std::string store)
    : keys_(step.keys), store_(std::move(store)) {
  const data::Type boolean(data::TypeKind::boolean), number(data::TypeKind::bigint);
  columns_.emplace_back(step.types[0]);
  columns_.emplace_back(boolean);
  for (std::size_t i = 1; i <= keys_; ++i) columns_.emplace_back(step.types[i]);
  columns_.emplace_back(number);
  columns_.emplace_back(boolean);
  for (std::size_t i = keys_ + 1; i < step.types.size(); ++i) columns_.emplace_back(step.types[i]);
}

// Stored: the number of changes; of each row its key's cells, and the cell of what it refers to.
Result<> ForeignChangesOperator::open(StateReader& state) {
  std::size_t malformed = 0;
  TRY(state.each([&](ByteView key, ByteView value) {
    std::uint8_t kind = 0;
    const bool known = take_number(key, kind) && kind <= kRowKey;
    if (known && kind == kCountKey && key.empty() && value.size() == sizeof changes_) {
      take_number(value, changes_);
    } else if (known && kind == kRowKey && is_cell(value, columns_[0].type())) {
      foreign_.load(to_buffer(key), to_buffer(value));
    } else {
      ++malformed;
    }
  }));
  if (malformed == 0) return {};
  return fail(ErrorCode::corrupt,
              fmt::format("{} entries of the foreign keys' state cannot be read", malformed));
}

Result<Flow> ForeignChangesOperator::process(const data::Batch& batch, Emitter& out) {
  said_.clear();
  for (const data::RowIndex row : batch.selection) take(batch, row, out);
  if (said_.empty()) return Flow::more;
  fill(batch, out.arena());
  return out.emit(output_);
}

void ForeignChangesOperator::take(const data::Batch& batch, data::RowIndex row, Emitter& out) {
  ByteBuffer key, foreign;
  append_keys(key, batch, 1, keys_, row);
  const bool there = batch.kind(row) == data::RowKind::insert && !batch.columns[0]->is_null(row);
  if (there) data::append_cell_bytes(foreign, *batch.columns[0], row);
  // The join's store has them both in its keys.
  if (const std::string_view why = why_not_kept(key.size() + foreign.size()); !why.empty())
    return out.reject(batch.origin(row), why);
  const ByteBuffer* before = foreign_.find(key);
  if (before != nullptr && (!there || *before != foreign))
    said_.push_back({row, *before, /*answer=*/!there, /*there=*/false});
  if (there) {
    said_.push_back({row, foreign, /*answer=*/before != nullptr, /*there=*/true});
    foreign_.put(std::move(key), std::move(foreign));
  } else {
    foreign_.erase(key);
  }
}

void ForeignChangesOperator::copy_cell(const data::Column& from, std::size_t row, data::Column& to,
                                       std::size_t at, data::Arena& arena) {
  cell_.clear();
  data::append_cell_bytes(cell_, from, row);
  ByteView cell = cell_;
  CHECK(data::take_cell_bytes(cell, to, at, arena));
}

void ForeignChangesOperator::fill(const data::Batch& batch, data::Arena& arena) {
  output_.columns.clear();
  for (data::Column& column : columns_) {
    column.reset(said_.size());
    output_.columns.push_back(&column);
  }
  times_.clear();
  origins_.clear();
  const std::size_t behind = kFirstKey + keys_;
  for (std::size_t at = 0; at < said_.size(); ++at) {
    const Change& change = said_[at];
    ByteView foreign = change.foreign;
    CHECK(data::take_cell_bytes(foreign, columns_[0], at, arena));
    columns_[kAnswer].values<std::uint8_t>()[at] = change.answer ? 1 : 0;
    for (std::size_t i = 0; i < keys_; ++i)
      copy_cell(*batch.columns[1 + i], change.row, columns_[kFirstKey + i], at, arena);
    columns_[behind + kNumber].values<std::int64_t>()[at] = ++changes_;
    columns_[behind + kThere].values<std::uint8_t>()[at] = change.there ? 1 : 0;
    for (std::size_t i = keys_ + 1; i < batch.columns.size(); ++i) {
      data::Column& column = columns_[behind + 1 + i - keys_];
      if (change.there)
        copy_cell(*batch.columns[i], change.row, column, at, arena);
      else
        column.set_null(at);
    }
    times_.push_back(batch.timestamps_ms[change.row]);
    origins_.push_back(batch.origin(change.row));
  }
  output_.rows = said_.size();
  output_.selection.resize(said_.size());
  std::iota(output_.selection.begin(), output_.selection.end(), data::RowIndex{0});
  output_.timestamps_ms = times_;
  output_.origins = origins_;
}

Result<> ForeignChangesOperator::on_commit(topics::StateWrites& state) {
  if (!foreign_.has_changed()) return {};
  ByteBuffer key, count;
  append_number(count, changes_);
  state.put(ByteView(&kCountKey, 1), count);
  foreign_.take_changes([&](const ByteBuffer& of, const ByteBuffer* foreign) {
    key.assign(1, kRowKey);
    key.insert(key.end(), of.begin(), of.end());
    foreign != nullptr ? state.put(key, *foreign) : state.erase(key);
  });
  return {};
}

std::size_t ForeignChangesOperator::memory_bytes() const {
  return foreign_.memory_bytes();
}

ForeignResultOperator::ForeignResultOperator(const sql::ForeignResultStep& step,
                                             std::size_t columns, std::string store)
    : keys_(step.keys), places_(step.places), store_(std::move(store)) {
  output_.columns.resize(columns);
}

// Stored: the key's cells; the number.
Result<> ForeignResultOperator::open(StateReader& state) {
  std::size_t malformed = 0;
  TRY(state.each([&](ByteView key, ByteView value) {
    std::int64_t number = 0;
    if (!take_number(value, number) || !value.empty()) {
      ++malformed;
      return;
    }
    newest_.load(to_buffer(key), number);
  }));
  if (malformed == 0) return {};
  return fail(ErrorCode::corrupt,
              fmt::format("{} entries of the answers' state cannot be read", malformed));
}

bool ForeignResultOperator::is_newest(const data::Batch& batch, data::RowIndex row) {
  key_.clear();
  append_keys(key_, batch, 0, keys_, row);
  const std::int64_t number = batch.columns[keys_ + kNumber]->values<std::int64_t>()[row];
  const std::int64_t* newest = newest_.find(key_);
  if (newest != nullptr && number < *newest) return false;
  if (newest == nullptr || number > *newest) newest_.put(key_, number);
  return true;
}

Result<Flow> ForeignResultOperator::process(const data::Batch& batch, Emitter& out) {
  output_.selection.clear();
  kinds_.assign(batch.rows, data::RowKind::insert);
  const auto there = batch.columns[keys_ + kThere]->values<std::uint8_t>();
  bool changes = false;
  for (const data::RowIndex row : batch.selection) {
    if (!is_newest(batch, row)) continue;
    output_.selection.push_back(row);
    if (there[row] != 0) continue;
    kinds_[row] = data::RowKind::tombstone;
    changes = true;
  }
  if (output_.selection.empty()) return Flow::more;
  for (std::size_t i = 0; i < places_.size(); ++i)
    output_.columns[places_[i]] = batch.columns[i < keys_ ? i : i + kThere + 1];
  output_.rows = batch.rows;
  output_.timestamps_ms = batch.timestamps_ms;
  output_.kinds =
      changes ? std::span<const data::RowKind>(kinds_) : std::span<const data::RowKind>();
  output_.origins = batch.origins;
  return out.emit(output_);
}

Result<> ForeignResultOperator::on_commit(topics::StateWrites& state) {
  ByteBuffer number;
  newest_.take_changes([&](const ByteBuffer& key, const std::int64_t* newest) {
    number.clear();
    append_number(number, *newest);  // none ever goes
    state.put(key, number);
  });
  return {};
}

std::size_t ForeignResultOperator::memory_bytes() const {
  return newest_.memory_bytes();
}

}  // namespace penstock::engine
