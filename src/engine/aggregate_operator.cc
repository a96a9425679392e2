#include "engine/aggregate_operator.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "data/cell.h"
#include "data/cell_bytes.h"

namespace penstock::engine {
namespace {

constexpr std::uint32_t kNoGroup = ~0U;

void put_u32(ByteBuffer& out, std::size_t at, std::size_t value) {
  const auto number = static_cast<std::uint32_t>(value);
  std::memcpy(out.data() + at, &number, sizeof number);
}

}  // namespace

AggregateOperator::AggregateOperator(std::vector<data::Type> keys, std::vector<Call> calls,
                                     Options options)
    : key_types_(std::move(keys)),
      calls_(std::move(calls)),
      options_(std::move(options)),
      failures_(options_.rule, "aggregate") {
  for (std::vector<data::Column>* columns : {&columns_, &before_columns_}) {
    for (const data::Type& type : key_types_) columns->emplace_back(type);
    for (const Call& call : calls_) columns->emplace_back(call.result);
  }
}

// A stored entry: the keys' bytes; time (8 bytes), then each call's state after its length.
Result<> AggregateOperator::open(StateReader& state) {
  std::size_t malformed = 0;
  TRY(state.each([&](ByteView key, ByteView value) { malformed += !load(key, value); }));
  if (malformed > 0)
    return fail(ErrorCode::corrupt,
                fmt::format("{} groups of the aggregation's state cannot be read", malformed));
  return {};
}

bool AggregateOperator::load(ByteView key, ByteView value) {
  const std::uint32_t group = group_at(key);
  Group& known = groups_[group];
  known.is_new = false;
  if (value.size() < sizeof known.timestamp_ms) return false;
  std::memcpy(&known.timestamp_ms, value.data(), sizeof known.timestamp_ms);
  value = value.subspan(sizeof known.timestamp_ms);
  for (const Call& call : calls_) {
    std::uint32_t size = 0;
    if (value.size() < sizeof size) return false;
    std::memcpy(&size, value.data(), sizeof size);
    value = value.subspan(sizeof size);
    if (value.size() < size || !call.states->load(group, value.first(size))) return false;
    value = value.subspan(size);
  }
  return value.empty();
}

std::uint32_t AggregateOperator::group_at(ByteView key) {
  const std::uint32_t group = table_.find_or_add(key);
  if (group < groups_.size()) return group;
  groups_.push_back({.timestamp_ms = std::numeric_limits<data::TimestampMs>::min()});
  for (const Call& call : calls_) call.states->grow(groups_.size());
  return group;
}

Result<Flow> AggregateOperator::process(const data::Batch& batch, Emitter& out) {
  assign_groups(batch);
  const bool changes = std::ranges::any_of(
      batch.kinds, [](data::RowKind kind) { return kind == data::RowKind::retraction; });
  if (!options_.each_change && !changes) return take_rows(batch, rows_, out);
  for (const data::RowIndex row : rows_) {
    one_.assign(1, row);
    const Flow flow = TRY(take_rows(batch, one_, out));
    if (flow == Flow::done) return flow;
  }
  return Flow::more;
}

// Fills rows_ with those that belong to a group, and group_of_.
void AggregateOperator::assign_groups(const data::Batch& batch) {
  rows_.clear();
  group_of_.resize(batch.rows);
  for (const data::RowIndex row : batch.selection) {
    group_of_[row] = kNoGroup;
    if (batch.kind(row) == data::RowKind::tombstone) continue;
    bytes_.clear();
    bool null = false;
    for (std::size_t i = 0; i < key_types_.size(); ++i) {
      null = null || batch.columns[i]->is_null(row);
      data::append_cell_bytes(bytes_, *batch.columns[i], row);
    }
    if (null) continue;
    group_of_[row] = group_at(bytes_);
    rows_.push_back(row);
  }
}

Result<Flow> AggregateOperator::take_rows(const data::Batch& batch, data::Selection rows,
                                          Emitter& out) {
  if (rows.empty()) return Flow::more;
  touch_groups(batch, rows);
  if (options_.before) {
    fill(batch, before_, before_columns_, out.arena());
    before_kinds_.assign(touched_.size(), data::RowKind::insert);
    for (std::size_t i = 0; i < touched_.size(); ++i)
      if (groups_[touched_[i]].is_new) before_kinds_[i] = data::RowKind::tombstone;
    before_.kinds = before_kinds_;
  }
  TRY(add_rows(batch, rows, out));
  return emit_touched(batch, out);
}

// Fills touched_ in the order of the last rows.
void AggregateOperator::touch_groups(const data::Batch& batch, data::Selection rows) {
  touched_.clear();
  touched_row_.clear();
  for (auto row = rows.rbegin(); row != rows.rend(); ++row) {
    Group& group = groups_[group_of_[*row]];
    group.timestamp_ms = std::max(group.timestamp_ms, batch.timestamps_ms[*row]);
    if (std::exchange(group.touched_at, 1) != 0) continue;
    touched_.push_back(group_of_[*row]);
    touched_row_.push_back(*row);
  }
  std::ranges::reverse(touched_);
  std::ranges::reverse(touched_row_);
  for (const std::uint32_t group : touched_) {
    groups_[group].touched_at = 0;
    if (!std::exchange(groups_[group].dirty, true)) changed_.push_back(group);
  }
}

Result<> AggregateOperator::add_rows(const data::Batch& batch, data::Selection rows, Emitter& out) {
  failures_.begin(batch.rows);
  const bool retracts = batch.kind(rows.front()) == data::RowKind::retraction;
  for (const Call& call : calls_) {
    args_.clear();
    for (const std::size_t column : call.args)
      args_.push_back(column == kNoColumn ? nullptr : batch.columns[column]);
    errors_.clear();
    const sql::AggregateRows taken{args_, rows, group_of_, errors_};
    retracts ? call.states->undo(taken) : call.states->add(taken);
    if (!errors_.empty()) TRY(failures_.settle(batch, errors_, out));
  }
  return {};
}

// The touched groups as they are now.
void AggregateOperator::fill(const data::Batch& batch, data::Batch& to,
                             std::vector<data::Column>& columns, data::Arena& arena) {
  to.rows = touched_.size();
  to.columns.clear();
  for (std::size_t i = 0; i < columns.size(); ++i) {
    data::Column& column = columns[i];
    if (i < key_types_.size()) {
      data::gather(*batch.columns[i], touched_row_, column);
    } else {
      column.reset(touched_.size());
      calls_[i - key_types_.size()].states->results(touched_, column, arena);
    }
    to.columns.push_back(&column);
  }
}

Result<Flow> AggregateOperator::emit_touched(const data::Batch& batch, Emitter& out) {
  fill(batch, output_, columns_, out.arena());
  times_.clear();
  output_.selection.clear();
  for (const std::uint32_t group : touched_) {
    times_.push_back(groups_[group].timestamp_ms);
    output_.selection.push_back(static_cast<data::RowIndex>(output_.selection.size()));
    groups_[group].is_new = false;
  }
  origins_.assign(touched_.size(), {0, data::RowOrigin::kNone});
  output_.timestamps_ms = times_;
  output_.origins = origins_;
  output_.before = options_.before ? &before_ : nullptr;
  return out.emit(output_);
}

Result<> AggregateOperator::on_commit(topics::StateWrites& state) {
  for (const std::uint32_t group : changed_) {
    Group& known = groups_[group];
    known.dirty = false;
    bytes_.resize(sizeof known.timestamp_ms);
    std::memcpy(bytes_.data(), &known.timestamp_ms, sizeof known.timestamp_ms);
    for (const Call& call : calls_) {
      const std::size_t at = bytes_.size();
      bytes_.resize(at + sizeof(std::uint32_t));
      call.states->save(group, bytes_);
      put_u32(bytes_, at, bytes_.size() - at - sizeof(std::uint32_t));
    }
    state.put(table_.key(group), bytes_);
  }
  changed_.clear();
  return {};
}

std::size_t AggregateOperator::memory_bytes() const {
  std::size_t bytes = table_.memory_bytes() + groups_.capacity() * sizeof(Group);
  for (const Call& call : calls_) bytes += call.states->memory_bytes();
  for (const data::Column& column : columns_) bytes += column.memory_bytes();
  return bytes;
}

}  // namespace penstock::engine
