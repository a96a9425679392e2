#include "engine/table_join.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "engine/number_bytes.h"

namespace penstock::engine {

TableJoin::TableJoin(const JoinParts& parts, std::string store, bool before)
    : kind_(parts.step->kind),
      tables_(parts.step->shape == sql::JoinShape::table_table),
      store_(std::move(store)),
      types_({std::vector(parts.right.types.begin() + 1, parts.right.types.end()),
              std::vector(parts.left.types.begin() + 1, parts.left.types.end())}),
      output_(parts, before && tables_) {}

// A stored entry: the side (1: left), the key's bytes; the row's time, its cells.
Result<> TableJoin::open(StateReader& state) {
  std::size_t malformed = 0;
  TRY(state.each([&](ByteView key, ByteView value) { malformed += !load(key, value); }));
  if (malformed == 0) return {};
  return fail(ErrorCode::corrupt,
              fmt::format("{} rows of the join's state cannot be read", malformed));
}

bool TableJoin::load(ByteView key, ByteView value) {
  std::uint8_t left = 0;
  KeptRow kept;
  if (!take_number(key, left) || left > 1 || !take_number(value, kept.timestamp_ms) ||
      !is_join_row(value, types_[left]))
    return false;
  kept.row = std::make_shared<const ByteBuffer>(to_buffer(value));
  rows_[left].load(to_buffer(key), std::move(kept));
  return true;
}

Result<Flow> TableJoin::process(bool left, const data::Batch& batch, Emitter& out) {
  for (const data::RowIndex row : batch.selection) {
    const std::optional<JoinInput> input = output_.input(batch, row, out);
    if (!input) continue;
    if (left && !tables_) {
      if (input->row != nullptr) look_up(*input);
      continue;
    }
    const JoinRow was = put(left, *input);
    if (tables_) change(left, *input, was);
  }
  return output_.emit(out);
}

JoinRow TableJoin::put(bool left, const JoinInput& input) {
  KeptEntries<KeptRow>& rows = rows_[left];
  const KeptRow* kept = rows.find(input.key);
  JoinRow was = kept != nullptr ? kept->row : nullptr;
  if (input.row == nullptr)
    rows.erase(input.key);
  else
    rows.put(input.key, {input.row, input.timestamp_ms});
  return was;
}

void TableJoin::look_up(const JoinInput& input) {
  if (const KeptRow* found = rows_[false].find(input.key))
    output_.add(input, input.row, found->row, input.timestamp_ms);
  else if (kind_ == sql::JoinKind::left)
    output_.add(input, input.row, nullptr, input.timestamp_ms);
}

bool TableJoin::is_joined(bool left, bool right) const {
  switch (kind_) {
    case sql::JoinKind::inner:
      return left && right;
    case sql::JoinKind::left:
      return left;
    case sql::JoinKind::right:
      return right;
    case sql::JoinKind::full:
      break;
  }
  return left || right;
}

// The joined row as it is now; when it goes, a tombstone. As in Kafka Streams a change that leaves
// nothing to see on a side that the join asks for says nothing, unless something was there.
void TableJoin::change(bool left, const JoinInput& input, const JoinRow& was) {
  const KeptRow* found = rows_[!left].find(input.key);
  const bool is_there = found != nullptr;
  const JoinRow other = is_there ? found->row : nullptr;
  const data::TimestampMs time =
      is_there ? std::max(input.timestamp_ms, found->timestamp_ms) : input.timestamp_ms;
  const auto joined = [&](bool mine) {
    return left ? is_joined(mine, is_there) : is_joined(is_there, mine);
  };
  const bool was_joined = joined(was != nullptr);
  if (joined(input.row != nullptr))
    output_.add(input, left ? input.row : other, left ? other : input.row, time);
  else if (was_joined || (is_there && kind_ == sql::JoinKind::inner))
    output_.add(input, nullptr, nullptr, time, data::RowKind::tombstone);
  else
    return;
  if (was_joined) output_.replaces(left ? was : other, left ? other : was);
}

Result<> TableJoin::on_commit(topics::StateWrites& state) {
  ByteBuffer key, value;
  for (const std::uint8_t left : {0, 1}) {
    rows_[left].take_changes([&](const ByteBuffer& of, const KeptRow* kept) {
      key.assign(1, left);
      key.insert(key.end(), of.begin(), of.end());
      if (kept == nullptr) return state.erase(key);
      value.clear();
      append_number(value, kept->timestamp_ms);
      value.insert(value.end(), kept->row->begin(), kept->row->end());
      state.put(key, value);
    });
  }
  return {};
}

std::size_t TableJoin::memory_bytes() const {
  return rows_[0].memory_bytes() + rows_[1].memory_bytes() + output_.memory_bytes();
}

}  // namespace penstock::engine
