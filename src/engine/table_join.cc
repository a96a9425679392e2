#include "engine/table_join.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "engine/number_bytes.h"

namespace penstock::engine {

TableJoin::TableJoin(const JoinParts& parts, std::string store)
    : kind_(parts.step->kind),
      tables_(parts.step->shape == sql::JoinShape::table_table),
      store_(std::move(store)),
      types_({std::vector(parts.right.types.begin() + 1, parts.right.types.end()),
              std::vector(parts.left.types.begin() + 1, parts.left.types.end())}),
      output_(parts) {}

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
  Present present{};
  if (!take_number(key, left) || left > 1 || !take_number(value, present.timestamp_ms) ||
      !is_join_row(value, types_[left]))
    return false;
  present.row = std::make_shared<const ByteBuffer>(to_buffer(value));
  bytes_ += key.size() + value.size();
  rows_[left].insert_or_assign(to_buffer(key), std::move(present));
  return true;
}

Result<Flow> TableJoin::process(bool left, const data::Batch& batch, Emitter& out) {
  for (const data::RowIndex row : batch.selection) {
    const std::optional<JoinInput> input = join_input(batch, row);
    if (!input) continue;
    if (left && !tables_) {
      if (input->row != nullptr) look_up(*input);
      continue;
    }
    const Present before = put(left, *input);
    if (tables_) change(left, *input, before);
  }
  return output_.emit(out);
}

TableJoin::Present TableJoin::put(bool left, const JoinInput& input) {
  Rows& rows = rows_[left];
  Present before{};
  const auto found = rows.find(input.key);
  if (found != rows.end()) {
    before = found->second;
    bytes_ -= input.key.size() + before.row->size();
  }
  if (input.row == nullptr && found == rows.end()) return before;
  changed_[left].insert(input.key);
  if (input.row == nullptr) {
    rows.erase(found);
    return before;
  }
  bytes_ += input.key.size() + input.row->size();
  rows.insert_or_assign(input.key, Present{input.row, input.timestamp_ms});
  return before;
}

void TableJoin::look_up(const JoinInput& input) {
  const auto found = rows_[false].find(input.key);
  if (found != rows_[false].end())
    output_.add(input, input.row, found->second.row, input.timestamp_ms);
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
void TableJoin::change(bool left, const JoinInput& input, const Present& before) {
  const auto found = rows_[!left].find(input.key);
  const bool is_there = found != rows_[!left].end();
  const JoinRow other = is_there ? found->second.row : nullptr;
  const data::TimestampMs time =
      is_there ? std::max(input.timestamp_ms, found->second.timestamp_ms) : input.timestamp_ms;
  const auto joined = [&](bool mine) {
    return left ? is_joined(mine, is_there) : is_joined(is_there, mine);
  };
  if (joined(input.row != nullptr)) {
    output_.add(input, left ? input.row : other, left ? other : input.row, time);
    return;
  }
  if (joined(before.row != nullptr) || (is_there && kind_ == sql::JoinKind::inner))
    output_.add(input, nullptr, nullptr, time, data::RowKind::tombstone);
}

Result<> TableJoin::on_commit(topics::StateWrites& state) {
  ByteBuffer key, value;
  for (const std::uint8_t left : {0, 1}) {
    for (const ByteBuffer& changed : changed_[left]) {
      key.assign(1, left);
      key.insert(key.end(), changed.begin(), changed.end());
      const auto found = rows_[left].find(changed);
      if (found == rows_[left].end()) {
        state.erase(key);
        continue;
      }
      value.clear();
      append_number(value, found->second.timestamp_ms);
      value.insert(value.end(), found->second.row->begin(), found->second.row->end());
      state.put(key, value);
    }
    changed_[left].clear();
  }
  return {};
}

std::size_t TableJoin::memory_bytes() const {
  constexpr std::size_t kEntryBytes = 128;  // of a node, its buffers and counters
  return bytes_ + kEntryBytes * (rows_[0].size() + rows_[1].size()) + output_.memory_bytes();
}

}  // namespace penstock::engine
