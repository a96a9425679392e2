#include "engine/session_operator.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "data/cell_bytes.h"
#include "engine/functions/limits.h"
#include "engine/kept_limits.h"
#include "engine/limits.h"
#include "engine/number_bytes.h"

namespace penstock::engine {
namespace {

constexpr data::TimestampMs kNoTimeYet = std::numeric_limits<data::TimestampMs>::min();

}  // namespace

SessionOperator::SessionOperator(std::vector<data::Type> keys,
                                 std::vector<AggregateOperatorCall> calls, Options options)
    : key_types_(std::move(keys)),
      calls_(std::move(calls), options.rule),
      options_(std::move(options)),
      time_ms_(kNoTimeYet) {
  grace_ms_ = sql::grace_of(options_.window);
  for (const data::Type& type : key_types_) columns_.emplace_back(type);
  for (std::size_t i = 0; i < calls_.size(); ++i) columns_.emplace_back(calls_.result_type(i));
  for (int bound = 0; bound < 2; ++bound) columns_.emplace_back(data::Type(data::TypeKind::bigint));
}

// A stored entry: the keys' bytes, the start, the end (8 bytes each); then the calls' states.
Result<> SessionOperator::open(StateReader& state) {
  std::size_t malformed = 0;
  TRY(state.each([&](ByteView key, ByteView value) { malformed += !load(key, value); }));
  if (malformed > 0)
    return fail(ErrorCode::corrupt,
                fmt::format("{} sessions of the aggregation's state cannot be read", malformed));
  return {};
}

bool SessionOperator::load(ByteView key, ByteView value) {
  constexpr std::size_t kBounds = 2 * sizeof(data::TimestampMs);
  if (key.size() < kBounds) return false;
  ByteView bounds = key.last(kBounds);
  data::TimestampMs start = 0, end = 0;
  take_number(bounds, start);
  take_number(bounds, end);
  const Id id = add_session(keys_.find_or_add(key.first(key.size() - kBounds)), start, end);
  sessions_[id].emitted = !options_.emit_final;
  return calls_.load(id, value);
}

SessionOperator::Id SessionOperator::add_session(std::uint32_t key, data::TimestampMs start,
                                                 data::TimestampMs end) {
  Id id = 0;
  if (free_.empty()) {
    id = static_cast<Id>(sessions_.size());
    sessions_.emplace_back();
    calls_.grow(sessions_.size());
  } else {
    id = free_.back();
    free_.pop_back();
  }
  sessions_[id] = {.start = start, .end = end, .key = key, .there = true};
  if (key >= of_key_.size()) of_key_.resize(key + 1);
  std::vector<Id>& mine = of_key_[key];
  const auto starts = [this](Id one) { return sessions_[one].start; };
  mine.insert(std::ranges::lower_bound(mine, start, {}, starts), id);
  by_end_.emplace(end, id);
  return id;
}

// The id is free again, the key's bytes stay as long as it has a session.
void SessionOperator::remove_session(Id id) {
  Session& session = sessions_[id];
  std::vector<Id>& mine = of_key_[session.key];
  std::erase(mine, id);
  by_end_.erase({session.end, id});
  if (mine.empty()) keys_.erase(session.key);
  session = {};  // not dirty any more: on_commit passes it over
  calls_.clear(id);
  free_.push_back(id);
}

void SessionOperator::append_state_key(const Session& session, ByteBuffer& out) const {
  const ByteView key = keys_.key(session.key);
  out.insert(out.end(), key.begin(), key.end());
  append_number(out, session.start);
  append_number(out, session.end);
}

bool SessionOperator::is_closed(data::TimestampMs end_ms) const {
  return end_ms < time_ms_ - options_.window.size_ms - grace_ms_;
}

Result<Flow> SessionOperator::process(const data::Batch& batch, Emitter& out) {
  group_of_.resize(batch.rows);
  for (const data::RowIndex row : batch.selection) {
    if (batch.kind(row) != data::RowKind::insert) continue;
    TRY(take_row(batch, row, out));
    if (!options_.each_change) continue;
    const Flow flow = TRY(emit_changes(out));
    if (flow == Flow::done) return flow;
  }
  return emit_changes(out);
}

Result<> SessionOperator::take_row(const data::Batch& batch, data::RowIndex row, Emitter& out) {
  const data::TimestampMs time_ms = batch.timestamps_ms[row];
  time_ms_ = std::max(time_ms_, time_ms);
  bytes_.clear();
  for (std::size_t i = 0; i < key_types_.size(); ++i) {
    if (batch.columns[i]->is_null(row)) return {};
    data::append_cell_bytes(bytes_, *batch.columns[i], row);
  }
  if (const std::string_view why = why_not_kept(bytes_.size()); !why.empty()) {
    out.reject(batch.origin(row), why);
    return {};
  }
  const std::uint32_t key = keys_.find_or_add(bytes_);
  if (key >= of_key_.size()) of_key_.resize(key + 1);
  const Id id = join_sessions(key, time_ms, out);
  if (!sessions_[id].there) return {};
  group_of_[row] = id;
  TRY(calls_.add(batch, {&row, 1}, group_of_, out));
  touch(id);
  return {};
}

SessionOperator::Id SessionOperator::join_sessions(std::uint32_t key, data::TimestampMs time_ms,
                                                   Emitter& out) {
  const data::TimestampMs gap = options_.window.size_ms;
  data::TimestampMs start = time_ms, end = time_ms;
  std::vector<Id> met;
  for (const Id id : of_key_[key]) {
    const Session& one = sessions_[id];
    if (one.end < time_ms - gap || one.start > time_ms + gap || is_closed(one.end)) continue;
    met.push_back(id);
    start = std::min(start, one.start);
    end = std::max(end, one.end);
  }
  // Of one moment only, which was there: nothing about it changes but its values.
  const bool same = met.size() == 1 && start == end;
  if (same && !(options_.before && sessions_[met.front()].emitted)) return met.front();
  const Id made = add_session(key, start, end);
  for (const Id id : met) {
    if (!calls_.merge(id, made)) out.note_failure("aggregate", functions::kGroupTooLarge);
    absorb(id);
  }
  if (is_closed(end)) remove_session(made);
  return made;
}

void SessionOperator::touch(Id id) {
  Session& session = sessions_[id];
  if (!std::exchange(session.touched, true)) touched_.push_back(id);
  if (std::exchange(session.dirty, true)) return;
  changed_.push_back(id);
  changed_bytes_ += keys_.key(session.key).size() + calls_.state_bytes(id);
}

// Its values are needed until the next output when a tombstone is due.
void SessionOperator::absorb(Id id) {
  Session& session = sessions_[id];
  forgotten_.emplace_back();
  append_state_key(session, forgotten_.back());
  if (!session.emitted) {
    std::erase(touched_, id);
    return remove_session(id);
  }
  session.there = session.touched = session.dirty = false;
  std::erase(of_key_[session.key], id);
  by_end_.erase({session.end, id});
  absorbed_.push_back(id);
}

Result<Flow> SessionOperator::emit_changes(Emitter& out) {
  std::erase_if(touched_, [this](Id id) { return !sessions_[id].touched; });
  Flow flow = Flow::more;
  if (!options_.emit_final) {
    if (!absorbed_.empty()) flow = TRY(emit(absorbed_, data::RowKind::tombstone, out));
    if (flow != Flow::done && !touched_.empty())
      flow = TRY(emit(touched_, data::RowKind::insert, out));
  }
  for (const Id id : touched_) {
    sessions_[id].touched = false;
    sessions_[id].emitted = !options_.emit_final;
  }
  touched_.clear();
  for (const Id id : absorbed_) {
    sessions_[id] = {};
    calls_.clear(id);
    free_.push_back(id);
  }
  absorbed_.clear();
  return flow;
}

// Keys out of their own bytes, then results and bounds.
void SessionOperator::fill(const std::vector<Id>& sessions, Emitter& out) {
  output_.columns.clear();
  for (data::Column& column : columns_) {
    column.reset(sessions.size());
    output_.columns.push_back(&column);
  }
  output_.rows = sessions.size();
  output_.selection.clear();
  times_.clear();
  windows_.clear();
  const std::size_t keys = key_types_.size();
  for (std::size_t row = 0; row < sessions.size(); ++row) {
    const Session& session = sessions_[sessions[row]];
    ByteView key = keys_.key(session.key);
    for (std::size_t i = 0; i < keys; ++i)
      CHECK(data::take_cell_bytes(key, columns_[i], row, out.arena()));
    columns_[keys + calls_.size()].values<std::int64_t>()[row] = session.start;
    columns_[keys + calls_.size() + 1].values<std::int64_t>()[row] = session.end;
    times_.push_back(session.end);
    windows_.push_back({session.start, session.end});
    output_.selection.push_back(static_cast<data::RowIndex>(row));
  }
  for (std::size_t call = 0; call < calls_.size(); ++call)
    calls_.results(call, sessions, columns_[keys + call], out.arena());
}

// What stood before: of a tombstone what it takes back, else nothing.
Result<Flow> SessionOperator::emit(const std::vector<Id>& sessions, data::RowKind kind,
                                   Emitter& out) {
  fill(sessions, out);
  kinds_.assign(sessions.size(), kind);
  origins_.assign(sessions.size(), {0, data::RowOrigin::kNone});
  output_.timestamps_ms = times_;
  output_.origins = origins_;
  output_.windows = windows_;
  output_.kinds = kinds_;
  output_.before = nullptr;
  if (options_.before) {
    const bool takes_back = kind == data::RowKind::tombstone;
    before_kinds_.assign(sessions.size(),
                         takes_back ? data::RowKind::insert : data::RowKind::tombstone);
    before_.rows = output_.rows;
    before_.columns = output_.columns;
    before_.timestamps_ms = times_;
    before_.kinds = before_kinds_;
    output_.before = &before_;
  }
  return out.emit(output_);
}

Result<Flow> SessionOperator::on_stream_time(data::TimestampMs now_ms, Emitter& out) {
  time_ms_ = std::max(time_ms_, now_ms);
  while (!by_end_.empty() && is_closed(by_end_.begin()->first)) {
    std::vector<Id> closing;
    for (const auto& [end, id] : by_end_) {
      if (!is_closed(end) || closing.size() == kEmittedRowsMax) break;
      closing.push_back(id);
    }
    std::ranges::sort(closing, [this](Id a, Id b) {
      const Session &one = sessions_[a], &other = sessions_[b];
      if (one.end != other.end) return one.end < other.end;
      return std::ranges::lexicographical_compare(keys_.key(one.key), keys_.key(other.key));
    });
    Flow flow = Flow::more;
    if (options_.emit_final) flow = TRY(emit(closing, data::RowKind::insert, out));
    for (const Id id : closing) {
      forgotten_.emplace_back();
      append_state_key(sessions_[id], forgotten_.back());
      remove_session(id);
    }
    if (flow != Flow::more) return flow;
  }
  return Flow::more;
}

Result<> SessionOperator::on_commit(topics::StateWrites& state) {
  for (const ByteBuffer& key : forgotten_) state.erase(key);
  forgotten_.clear();
  for (const Id id : changed_) {
    if (!std::exchange(sessions_[id].dirty, false)) continue;
    ByteBuffer key, value;
    append_state_key(sessions_[id], key);
    calls_.save(id, value);
    state.put(key, value);
  }
  changed_.clear();
  changed_bytes_ = 0;
  return {};
}

std::size_t SessionOperator::memory_bytes() const {
  constexpr std::size_t kNodeBytes = 64;  // of by_end_
  std::size_t bytes = keys_.memory_bytes() + sessions_.capacity() * sizeof(Session) +
                      by_end_.size() * kNodeBytes + calls_.memory_bytes();
  for (const std::vector<Id>& ids : of_key_) bytes += sizeof ids + ids.capacity() * sizeof(Id);
  for (const data::Column& column : columns_) bytes += column.memory_bytes();
  return bytes;
}

}  // namespace penstock::engine
