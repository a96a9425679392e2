#include "engine/stream_join.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "engine/number_bytes.h"

namespace penstock::engine {
namespace {

constexpr data::TimestampMs kLongAgo = std::numeric_limits<data::TimestampMs>::min() / 4;

}  // namespace

StreamJoin::StreamJoin(const JoinParts& parts, std::string store)
    : kind_(parts.step->kind),
      store_(std::move(store)),
      types_({std::vector(parts.right.types.begin() + 1, parts.right.types.end()),
              std::vector(parts.left.types.begin() + 1, parts.left.types.end())}),
      before_ms_(*parts.step->before_ms),
      after_ms_(*parts.step->after_ms),
      defers_(parts.step->grace_ms.has_value()),
      grace_ms_(sql::grace_of(*parts.step)),
      retention_ms_(before_ms_ + after_ms_ + grace_ms_),
      time_ms_(kLongAgo),
      output_(parts) {
  for (Side& side : sides_) side.newest_ms = kLongAgo;
}

bool StreamJoin::is_outer(bool left) const {
  return kind_ == sql::JoinKind::full ||
         kind_ == (left ? sql::JoinKind::left : sql::JoinKind::right);
}

// A stored entry: the side (1: left), time, arrival; whether it waits, the key's bytes after their
// number, the row's cells.
Result<> StreamJoin::open(StateReader& state) {
  std::size_t malformed = 0;
  TRY(state.each([&](ByteView key, ByteView value) { malformed += !load(key, value); }));
  if (malformed == 0) return {};
  return fail(ErrorCode::corrupt,
              fmt::format("{} rows of the join's state cannot be read", malformed));
}

bool StreamJoin::load(ByteView key, ByteView value) {
  std::uint8_t left = 0, waits = 0;
  Place place;
  std::uint32_t key_bytes = 0;
  if (!take_number(key, left) || left > 1 || !take_number(key, place.first) ||
      !take_number(key, place.second) || !key.empty())
    return false;
  if (!take_number(value, waits) || !take_number(value, key_bytes) || value.size() < key_bytes)
    return false;
  ByteBuffer of = to_buffer(value.first(key_bytes));
  value = value.subspan(key_bytes);
  if (!is_join_row(value, types_[left])) return false;
  Side& side = sides_[left];
  side.newest_ms = std::max(side.newest_ms, place.first);
  arrivals_ = std::max(arrivals_, place.second + 1);
  bytes_ += key_bytes + value.size();
  if (waits != 0) waiting_.emplace(place.first, left != 0, of, place.second);
  side.by_time.emplace(place, of);
  side.rows[std::move(of)].emplace(
      place, Kept{std::make_shared<const ByteBuffer>(to_buffer(value)), waits != 0});
  return true;
}

Result<Flow> StreamJoin::process(bool left, const data::Batch& batch, Emitter& out) {
  for (const data::RowIndex row : batch.selection) {
    const data::TimestampMs time_ms = batch.timestamps_ms[row];
    Side& side = sides_[left];
    const bool newest = time_ms >= time_ms_;
    time_ms_ = std::max(time_ms_, time_ms);
    const std::optional<JoinInput> input = output_.input(batch, row, out);
    if (!input || input->row == nullptr) continue;
    side.newest_ms = std::max(side.newest_ms, time_ms);
    if (newest) emit_alone();
    take(left, *input);
    drop_old(side);
  }
  return output_.emit(out);
}

void StreamJoin::take(bool left, const JoinInput& input) {
  const data::TimestampMs to_ms =
      std::max<data::TimestampMs>(0, input.timestamp_ms + after_ms(left));
  bool waits = false;
  if (!match(left, input) && is_outer(left)) {
    waits = defers_ && to_ms >= time_ms_;
    if (!waits)
      output_.add(input, left ? input.row : nullptr, left ? nullptr : input.row,
                  input.timestamp_ms);
  }
  keep(left, input, waits);
}

// With all rows of the other side that lie near enough.
bool StreamJoin::match(bool left, const JoinInput& input) {
  Side& other = sides_[!left];
  const auto found = other.rows.find(input.key);
  if (found == other.rows.end()) return false;
  const data::TimestampMs from_ms =
      std::max({data::TimestampMs{0}, input.timestamp_ms - after_ms(!left), live_from(other)});
  const data::TimestampMs to_ms = input.timestamp_ms + after_ms(left);
  auto& rows = found->second;
  bool any = false;
  for (auto at = rows.lower_bound({from_ms, 0}); at != rows.end() && at->first.first <= to_ms;
       ++at) {
    auto& [place, kept] = *at;
    any = true;
    output_.add(input, left ? input.row : kept.row, left ? kept.row : input.row,
                std::max(input.timestamp_ms, place.first));
    if (!std::exchange(kept.waits, false)) continue;
    waiting_.erase({place.first, !left, input.key, place.second});
    other.changed.insert(place);
    changed_bytes_ += input.key.size() + kept.row->size();
  }
  return any;
}

data::TimestampMs StreamJoin::live_from(const Side& side) const {
  return side.newest_ms - retention_ms_ + 1;
}

void StreamJoin::keep(bool left, const JoinInput& input, bool waits) {
  Side& side = sides_[left];
  if (input.timestamp_ms < live_from(side)) return;
  const Place place{input.timestamp_ms, arrivals_++};
  if (waits) waiting_.emplace(place.first, left, input.key, place.second);
  side.by_time.emplace(place, input.key);
  side.rows[input.key].emplace(place, Kept{input.row, waits});
  side.changed.insert(place);
  bytes_ += input.key.size() + input.row->size();
  changed_bytes_ += input.key.size() + input.row->size();
}

// What nothing can find any more, unless it has still to go out.
void StreamJoin::drop_old(Side& side) {
  while (!side.by_time.empty() && side.by_time.begin()->first.first < live_from(side)) {
    const auto oldest = side.by_time.begin();
    const auto of = side.rows.find(oldest->second);
    const auto kept = of->second.find(oldest->first);
    if (kept->second.waits) return;
    bytes_ -= oldest->second.size() + kept->second.row->size();
    side.changed.erase(oldest->first);
    side.gone.insert(oldest->first);
    of->second.erase(kept);
    if (of->second.empty()) side.rows.erase(of);
    side.by_time.erase(oldest);
  }
}

// Those whose time is over.
void StreamJoin::emit_alone() {
  bool left_open = false, right_open = false;
  for (auto at = waiting_.begin(); at != waiting_.end() && !(left_open && right_open);) {
    const auto& [time, left, key, arrival] = *at;
    if (time + after_ms(left) + grace_ms_ >= time_ms_) {
      (left ? left_open : right_open) = true;
      ++at;
      continue;
    }
    Side& side = sides_[left];
    Kept& kept = side.rows.find(key)->second.find({time, arrival})->second;
    kept.waits = false;
    side.changed.insert({time, arrival});
    output_.add_stored(key, left ? kept.row : nullptr, left ? nullptr : kept.row, time);
    at = waiting_.erase(at);
  }
}

Result<> StreamJoin::on_commit(topics::StateWrites& state) {
  ByteBuffer key, value;
  const auto key_of = [&key](bool left, const Place& place) {
    key.assign(1, left ? 1 : 0);
    append_number(key, place.first);
    append_number(key, place.second);
  };
  for (const bool left : {false, true}) {
    Side& side = sides_[left];
    for (const Place& place : side.gone) {
      key_of(left, place);
      state.erase(key);
    }
    for (const Place& place : side.changed) {
      const ByteBuffer& of = side.by_time.find(place)->second;
      const Kept& kept = side.rows.find(of)->second.find(place)->second;
      key_of(left, place);
      value.assign(1, kept.waits ? 1 : 0);
      append_number(value, static_cast<std::uint32_t>(of.size()));
      value.insert(value.end(), of.begin(), of.end());
      value.insert(value.end(), kept.row->begin(), kept.row->end());
      state.put(key, value);
    }
    side.gone.clear();
    side.changed.clear();
  }
  changed_bytes_ = 0;
  return {};
}

std::size_t StreamJoin::memory_bytes() const {
  constexpr std::size_t kEntryBytes = 320;  // of nodes, buffers and counters
  return bytes_ + kEntryBytes * (sides_[0].by_time.size() + sides_[1].by_time.size()) +
         output_.memory_bytes();
}

}  // namespace penstock::engine
