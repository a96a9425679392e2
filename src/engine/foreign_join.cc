#include "engine/foreign_join.h"

#include <algorithm>

#include <fmt/format.h>

#include "data/cell_bytes.h"
#include "engine/number_bytes.h"

namespace penstock::engine {
namespace {

constexpr std::uint8_t kRightEntry = 0, kLeftEntry = 1;  // first bytes of stored keys
// Columns of the left rows: what is referred to, whether an answer is wanted, then the row's.
constexpr std::size_t kWantsAnswer = 1, kRowBegins = 2;
constexpr std::uint8_t kFalseCell[] = {1, 0}, kNullCell[] = {0};

void append_bytes(ByteBuffer& out, ByteView bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

}  // namespace

ForeignJoin::ForeignJoin(const JoinParts& parts, std::string store)
    : outer_(parts.step->kind == sql::JoinKind::left),
      keys_(parts.left_keys),
      others_(parts.left.places.size() - keys_ - 2),
      store_(std::move(store)),
      left_types_(parts.left.types.begin() + 1, parts.left.types.end()),
      right_types_(parts.right.types.begin() + 1, parts.right.types.end()),
      output_(parts) {}

// The row's cells, and those of the same row when it is not there.
ForeignJoin::Referring ForeignJoin::referring_of(ByteView key_and_number, ByteView rest,
                                                 data::TimestampMs time_ms) const {
  auto row = std::make_shared<ByteBuffer>(to_buffer(key_and_number));
  auto gone = std::make_shared<ByteBuffer>(*row);
  append_bytes(*row, rest);
  append_bytes(*gone, kFalseCell);
  for (std::size_t i = 0; i < others_; ++i) append_bytes(*gone, kNullCell);
  return {std::move(row), std::move(gone), time_ms};
}

// Stored, right: the key; time, cells. Left: the key that is referred to after its length, the
// table's key; time, how long key and number are, cells.
Result<> ForeignJoin::open(StateReader& state) {
  std::size_t malformed = 0;
  TRY(state.each([&](ByteView key, ByteView value) { malformed += !load(key, value); }));
  if (malformed == 0) return {};
  return fail(ErrorCode::corrupt,
              fmt::format("{} rows of the join's state cannot be read", malformed));
}

bool ForeignJoin::load(ByteView key, ByteView value) {
  std::uint8_t kind = 0;
  data::TimestampMs time_ms = 0;
  if (!take_number(key, kind) || kind > kLeftEntry || !take_number(value, time_ms)) return false;
  if (kind == kRightEntry) {
    if (!is_join_row(value, right_types_)) return false;
    right_.load(to_buffer(key), {std::make_shared<const ByteBuffer>(to_buffer(value)), time_ms});
    return true;
  }
  std::uint32_t foreign_bytes = 0, number_ends = 0;
  if (!take_number(key, foreign_bytes) || key.size() < foreign_bytes ||
      !take_number(value, number_ends) || value.size() < number_ends ||
      !is_join_row(value, left_types_))
    return false;
  left_.load({to_buffer(key.first(foreign_bytes)), to_buffer(key.subspan(foreign_bytes))},
             referring_of(value.first(number_ends), value.subspan(number_ends), time_ms));
  return true;
}

Result<Flow> ForeignJoin::process(bool left, const data::Batch& batch, Emitter& out) {
  for (const data::RowIndex row : batch.selection) {
    if (left) {
      take_left(batch, row);
    } else if (const std::optional<JoinInput> input = output_.input(batch, row, out)) {
      take_right(*input);
    }
  }
  return output_.emit(out);
}

void ForeignJoin::take_left(const data::Batch& batch, data::RowIndex row) {
  JoinInput input{.key = {},
                  .row = nullptr,
                  .timestamp_ms = batch.timestamps_ms[row],
                  .origin = batch.origin(row)};
  data::append_cell_bytes(input.key, *batch.columns[0], row);
  const bool wants_answer = batch.columns[kWantsAnswer]->values<std::uint8_t>()[row] != 0;
  ByteBuffer key, key_and_number, rest;
  for (std::size_t i = 0; i < keys_; ++i)
    data::append_cell_bytes(key, *batch.columns[kRowBegins + i], row);
  key_and_number = key;
  std::size_t at = kRowBegins + keys_;
  data::append_cell_bytes(key_and_number, *batch.columns[at++], row);
  const bool there = batch.columns[at]->values<std::uint8_t>()[row] != 0;
  for (; at < batch.columns.size(); ++at) data::append_cell_bytes(rest, *batch.columns[at], row);
  const Referring referring = referring_of(key_and_number, rest, input.timestamp_ms);

  Place place{input.key, std::move(key)};
  if (!there) {
    left_.erase(place);
    if (wants_answer) output_.add(input, referring.gone, nullptr, input.timestamp_ms);
    return;
  }
  left_.put(std::move(place), referring);
  const KeptRow* found = right_.find(input.key);
  if (found != nullptr || outer_ || wants_answer) answer(input, referring, found);
}

void ForeignJoin::answer(const JoinInput& by, const Referring& left, const KeptRow* right) {
  const bool joined = right != nullptr || outer_;
  const data::TimestampMs time =
      std::max({by.timestamp_ms, left.timestamp_ms, right != nullptr ? right->timestamp_ms : 0});
  output_.add(by, joined ? left.row : left.gone, right != nullptr ? right->row : nullptr, time);
}

void ForeignJoin::take_right(const JoinInput& input) {
  const KeptRow* now = nullptr;
  if (input.row != nullptr)
    now = &right_.put(input.key, {input.row, input.timestamp_ms});
  else if (!right_.erase(input.key))
    return;
  const auto& left = left_.entries();
  for (auto at = left.lower_bound({input.key, {}});
       at != left.end() && at->first.first == input.key; ++at)
    answer(input, at->second, now);
}

Result<> ForeignJoin::on_commit(topics::StateWrites& state) {
  ByteBuffer key, value;
  right_.take_changes([&](const ByteBuffer& of, const KeptRow* right) {
    key.assign(1, kRightEntry);
    append_bytes(key, of);
    if (right == nullptr) return state.erase(key);
    value.clear();
    append_number(value, right->timestamp_ms);
    append_bytes(value, *right->row);
    state.put(key, value);
  });
  left_.take_changes([&](const Place& place, const Referring* left) {
    key.assign(1, kLeftEntry);
    append_number(key, static_cast<std::uint32_t>(place.first.size()));
    append_bytes(key, place.first);
    append_bytes(key, place.second);
    if (left == nullptr) return state.erase(key);
    value.clear();
    append_number(value, left->timestamp_ms);
    append_number(value, static_cast<std::uint32_t>(left->gone->size() - sizeof kFalseCell -
                                                    others_ * sizeof kNullCell));
    append_bytes(value, *left->row);
    state.put(key, value);
  });
  return {};
}

std::size_t ForeignJoin::memory_bytes() const {
  return left_.memory_bytes() + right_.memory_bytes() + output_.memory_bytes();
}

}  // namespace penstock::engine
