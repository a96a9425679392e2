#include "engine/aggregate_operator.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "data/cell.h"
#include "data/cell_bytes.h"
#include "engine/kept_limits.h"
#include "engine/limits.h"
#include "engine/number_bytes.h"

namespace penstock::engine {
namespace {

constexpr data::TimestampMs kNoTime = std::numeric_limits<data::TimestampMs>::min();
constexpr std::string_view kWindowDropped = "window_beyond_retention";

}  // namespace

AggregateOperator::AggregateOperator(std::vector<data::Type> keys, std::vector<Call> calls,
                                     Options options)
    : key_types_(std::move(keys)),
      calls_(std::move(calls), options.rule),
      options_(std::move(options)),
      time_ms_(kNoTime),
      newest_window_ms_(0) {
  if (options_.window) {
    grace_ms_ = sql::grace_of(*options_.window);
    retention_ms_ = options_.window->retention_ms.value_or(options_.window->size_ms + grace_ms_);
  }
  for (std::vector<data::Column>* columns : {&columns_, &before_columns_}) {
    for (const data::Type& type : key_types_) columns->emplace_back(type);
    for (std::size_t i = 0; i < calls_.size(); ++i) columns->emplace_back(calls_.result_type(i));
    for (int bound = 0; bound < 2 && options_.window; ++bound)
      columns->emplace_back(data::Type(data::TypeKind::bigint));
  }
}

// A stored entry: the keys' bytes, of windows then the start (8 bytes); the group's time (8), then
// each call's state after its length.
Result<> AggregateOperator::open(StateReader& state) {
  std::size_t malformed = 0;
  TRY(state.each([&](ByteView key, ByteView value) { malformed += !load(key, value); }));
  if (malformed > 0)
    return fail(ErrorCode::corrupt,
                fmt::format("{} groups of the aggregation's state cannot be read", malformed));
  return {};
}

bool AggregateOperator::load(ByteView key, ByteView value) {
  data::TimestampMs window_ms = 0;
  if (options_.window) {
    if (key.size() < sizeof window_ms) return false;
    ByteView start = key.last(sizeof window_ms);
    take_number(start, window_ms);
  }
  const std::uint32_t group = group_at(key, window_ms);
  Group& known = groups_[group];
  known.is_new = false;
  if (!take_number(value, known.timestamp_ms)) return false;
  return calls_.load(group, value);
}

std::uint32_t AggregateOperator::group_at(ByteView key, data::TimestampMs window_ms) {
  const std::uint32_t group = table_.find_or_add(key);
  if (group >= groups_.size()) {
    groups_.resize(group + 1);
    calls_.grow(groups_.size());
  }
  if (groups_[group].there) return group;
  groups_[group] = {.timestamp_ms = kNoTime, .window_ms = window_ms, .there = true};
  if (options_.window) open_windows_[window_ms].push_back(group);
  return group;
}

data::TimestampMs AggregateOperator::closes_at(data::TimestampMs window_ms) const {
  return window_ms + options_.window->size_ms + grace_ms_;
}

Result<Flow> AggregateOperator::process(const data::Batch& batch, Emitter& out) {
  if (options_.window && options_.emit_final) return process_final(batch, out);
  find_members(batch, out);
  const bool changes = std::ranges::any_of(
      batch.kinds, [](data::RowKind kind) { return kind == data::RowKind::retraction; });
  if (!options_.each_change && !changes) return take(batch, members_, out);
  for (std::size_t i = 0; i < members_.size();) {
    const std::size_t count = is_one_change(batch, i) ? 2 : 1;
    const Flow flow = TRY(take(batch, std::span(members_).subspan(i, count), out));
    if (flow == Flow::done) return flow;
    i += count;
  }
  return Flow::more;
}

// A table's row that stays in its group: it goes and comes in one.
bool AggregateOperator::is_one_change(const data::Batch& batch, std::size_t member) const {
  if (member + 1 == members_.size()) return false;
  const Member &from = members_[member], &to = members_[member + 1];
  return from.group == to.group && batch.kind(from.row) == data::RowKind::retraction &&
         batch.kind(to.row) == data::RowKind::insert;
}

// Which windows are dropped is decided at each row that closes some, when all rows before it are
// in.
Result<Flow> AggregateOperator::process_final(const data::Batch& batch, Emitter& out) {
  members_.clear();
  group_of_.resize(batch.rows);
  for (const data::RowIndex row : batch.selection) {
    const data::TimestampMs before_ms = time_ms_;
    const data::TimestampMs now_ms = std::max(before_ms, batch.timestamps_ms[row]);
    const auto closes = [&](data::TimestampMs window_ms) {
      return closes_at(window_ms) > before_ms && closes_at(window_ms) <= now_ms;
    };
    const bool some_close =
        now_ms > before_ms &&
        std::ranges::any_of(open_windows_, [&](auto& one) { return closes(one.first); });
    if (some_close) {
      TRY(take(batch, members_, out));
      members_.clear();
    }
    find_groups(batch, row, out);
    if (some_close) drop_windows(before_ms, out);
  }
  return take(batch, members_, out);
}

void AggregateOperator::drop_windows(data::TimestampMs closed_after_ms, Emitter& out) {
  for (auto at = open_windows_.begin(); at != open_windows_.end();) {
    const auto& [window_ms, groups] = *at;
    if (window_ms >= newest_window_ms_ - retention_ms_ || closes_at(window_ms) > time_ms_) return;
    if (closes_at(window_ms) <= closed_after_ms) {  // goes out with the rows that closed it
      ++at;
      continue;
    }
    for (const std::uint32_t group : groups) {
      out.note_failure("aggregate", kWindowDropped);
      forget(group);
    }
    at = open_windows_.erase(at);
  }
}

// Which rows belong to which groups, in the order of the rows.
void AggregateOperator::find_members(const data::Batch& batch, Emitter& out) {
  members_.clear();
  group_of_.resize(batch.rows);
  for (const data::RowIndex row : batch.selection) find_groups(batch, row, out);
}

void AggregateOperator::find_groups(const data::Batch& batch, data::RowIndex row, Emitter& out) {
  if (batch.kind(row) == data::RowKind::tombstone) return;
  const data::TimestampMs time_ms = batch.timestamps_ms[row];
  time_ms_ = std::max(time_ms_, time_ms);
  bytes_.clear();
  for (std::size_t i = 0; i < key_types_.size(); ++i) {
    if (batch.columns[i]->is_null(row)) return;
    data::append_cell_bytes(bytes_, *batch.columns[i], row);
  }
  if (const std::string_view why = why_not_kept(bytes_.size()); !why.empty())
    out.reject(batch.origin(row), why);
  else if (options_.window)
    find_windows(row, time_ms);
  else
    members_.push_back({row, group_at(bytes_, 0), 0});
}

// bytes_ has the row's key.
void AggregateOperator::find_windows(data::RowIndex row, data::TimestampMs time_ms) {
  const sql::WindowSpec& window = *options_.window;
  const data::TimestampMs advance = window.advance_ms > 0 ? window.advance_ms : window.size_ms;
  const std::size_t key_bytes = bytes_.size();
  data::TimestampMs start =
      std::max<data::TimestampMs>(0, time_ms - window.size_ms + advance) / advance * advance;
  for (std::uint32_t pass = 0; start <= time_ms; start += advance, ++pass) {
    if (closes_at(start) <= time_ms_) continue;  // too late for it
    bytes_.resize(key_bytes);
    append_number(bytes_, start);
    newest_window_ms_ = std::max(newest_window_ms_, start);
    members_.push_back({row, group_at(bytes_, start), pass});
  }
}

Result<Flow> AggregateOperator::take(const data::Batch& batch, std::span<const Member> members,
                                     Emitter& out) {
  if (members.empty()) return Flow::more;
  touch_groups(batch, members);
  if (options_.before) {
    copy_keys(batch, before_columns_);
    fill(before_, before_columns_, out.arena());
    before_kinds_.assign(touched_.size(), data::RowKind::insert);
    for (std::size_t i = 0; i < touched_.size(); ++i)
      if (groups_[touched_[i]].is_new) before_kinds_[i] = data::RowKind::tombstone;
    before_.kinds = before_kinds_;
  }
  TRY(add_members(batch, members, out));
  mark_changed();
  if (options_.emit_final) return Flow::more;
  copy_keys(batch, columns_);
  return emit_touched(out);
}

// Fills touched_ in the order of the last rows.
void AggregateOperator::touch_groups(const data::Batch& batch, std::span<const Member> members) {
  touched_.clear();
  touched_row_.clear();
  for (auto member = members.rbegin(); member != members.rend(); ++member) {
    Group& group = groups_[member->group];
    group.timestamp_ms = std::max(group.timestamp_ms, batch.timestamps_ms[member->row]);
    if (std::exchange(group.touched, true)) continue;
    touched_.push_back(member->group);
    touched_row_.push_back(member->row);
  }
  std::ranges::reverse(touched_);
  std::ranges::reverse(touched_row_);
  for (const std::uint32_t group : touched_) groups_[group].touched = false;
}

void AggregateOperator::mark_changed() {
  for (const std::uint32_t group : touched_) {
    if (std::exchange(groups_[group].dirty, true)) continue;
    changed_.push_back(group);
    changed_bytes_ += table_.key(group).size() + calls_.state_bytes(group);
  }
}

// A row stands once in each pass, so that one group per row is enough to say.
Result<> AggregateOperator::add_members(const data::Batch& batch, std::span<const Member> members,
                                        Emitter& out) {
  std::uint32_t first = members.front().pass, last = first;
  for (const Member& member : members) {
    first = std::min(first, member.pass);
    last = std::max(last, member.pass);
  }
  for (std::uint32_t pass = first; pass <= last; ++pass) {
    rows_.clear();
    for (const Member& member : members) {
      if (member.pass != pass) continue;
      if (!rows_.empty() && batch.kind(rows_.back()) != batch.kind(member.row)) {
        TRY(calls_.add(batch, rows_, group_of_, out));
        rows_.clear();
      }
      rows_.push_back(member.row);
      group_of_[member.row] = member.group;
    }
    if (!rows_.empty()) TRY(calls_.add(batch, rows_, group_of_, out));
  }
  return {};
}

void AggregateOperator::copy_keys(const data::Batch& batch, std::vector<data::Column>& columns) {
  for (std::size_t i = 0; i < key_types_.size(); ++i)
    data::gather(*batch.columns[i], touched_row_, columns[i]);
}

// Out of the groups' own bytes: there is no batch.
void AggregateOperator::read_keys(std::vector<data::Column>& columns, data::Arena& arena) {
  for (std::size_t i = 0; i < key_types_.size(); ++i) columns[i].reset(touched_.size());
  for (std::size_t row = 0; row < touched_.size(); ++row) {
    ByteView key = table_.key(touched_[row]);
    for (std::size_t i = 0; i < key_types_.size(); ++i)
      CHECK(data::take_cell_bytes(key, columns[i], row, arena));
  }
}

void AggregateOperator::fill(data::Batch& to, std::vector<data::Column>& columns,
                             data::Arena& arena) {
  to.rows = touched_.size();
  to.columns.clear();
  for (std::size_t i = 0; i < columns.size(); ++i) {
    data::Column& column = columns[i];
    to.columns.push_back(&column);
    if (i < key_types_.size()) continue;
    column.reset(touched_.size());
    const std::size_t call = i - key_types_.size();
    if (call < calls_.size()) {
      calls_.results(call, touched_, column, arena);
      continue;
    }
    const std::int64_t size = call == calls_.size() ? 0 : options_.window->size_ms;
    for (std::size_t row = 0; row < touched_.size(); ++row)
      column.values<std::int64_t>()[row] = groups_[touched_[row]].window_ms + size;
  }
}

Result<Flow> AggregateOperator::emit_touched(Emitter& out) {
  fill(output_, columns_, out.arena());
  times_.clear();
  windows_.clear();
  output_.selection.clear();
  for (const std::uint32_t group : touched_) {
    Group& known = groups_[group];
    times_.push_back(known.timestamp_ms);
    if (options_.window)
      windows_.push_back({known.window_ms, known.window_ms + options_.window->size_ms});
    output_.selection.push_back(static_cast<data::RowIndex>(output_.selection.size()));
    known.is_new = false;
  }
  origins_.assign(touched_.size(), {0, data::RowOrigin::kNone});
  output_.timestamps_ms = times_;
  output_.origins = origins_;
  output_.windows = windows_;
  output_.before = options_.before && !options_.emit_final ? &before_ : nullptr;
  return out.emit(output_);
}

Result<Flow> AggregateOperator::on_stream_time(data::TimestampMs now_ms, Emitter& out) {
  time_ms_ = std::max(time_ms_, now_ms);
  while (!open_windows_.empty() && closes_at(open_windows_.begin()->first) <= time_ms_) {
    const Flow flow = TRY(close_windows(open_windows_.begin()->first, out));
    if (flow != Flow::more) return flow;
  }
  return Flow::more;
}

// The groups of one window, some at a time; what was emitted is forgotten in the same commit.
Result<Flow> AggregateOperator::close_windows(data::TimestampMs window_ms, Emitter& out) {
  std::vector<std::uint32_t>& closing = open_windows_[window_ms];
  std::ranges::sort(closing, [this](std::uint32_t a, std::uint32_t b) {
    return std::ranges::lexicographical_compare(table_.key(b), table_.key(a));  // the last is first
  });
  Flow flow = Flow::more;
  while (!closing.empty() && flow == Flow::more) {
    const std::size_t count = std::min(closing.size(), kEmittedRowsMax);
    touched_.assign(closing.rbegin(), closing.rbegin() + static_cast<std::ptrdiff_t>(count));
    if (options_.emit_final) {
      read_keys(columns_, out.arena());
      flow = TRY(emit_touched(out));
    }
    for (const std::uint32_t group : touched_) forget(group);
    closing.resize(closing.size() - count);
  }
  if (closing.empty()) open_windows_.erase(window_ms);
  return flow;
}

void AggregateOperator::forget(std::uint32_t group) {
  forgotten_.push_back(to_buffer(table_.key(group)));
  groups_[group] = {.timestamp_ms = kNoTime};  // not dirty any more: on_commit passes it over
  calls_.clear(group);
  table_.erase(group);
}

Result<> AggregateOperator::on_commit(topics::StateWrites& state) {
  for (const ByteBuffer& key : forgotten_) state.erase(key);
  forgotten_.clear();
  for (const std::uint32_t group : changed_) {
    Group& known = groups_[group];
    if (!std::exchange(known.dirty, false)) continue;
    bytes_.clear();
    append_number(bytes_, known.timestamp_ms);
    calls_.save(group, bytes_);
    state.put(table_.key(group), bytes_);
  }
  changed_.clear();
  changed_bytes_ = 0;
  return {};
}

std::size_t AggregateOperator::memory_bytes() const {
  std::size_t bytes =
      table_.memory_bytes() + groups_.capacity() * sizeof(Group) + calls_.memory_bytes();
  for (const data::Column& column : columns_) bytes += column.memory_bytes();
  return bytes;
}

}  // namespace penstock::engine
