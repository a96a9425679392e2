#include "engine/state.h"

#include <fmt/format.h>

namespace penstock::engine {

ByteBuffer operator_prefix(std::size_t operator_index) {
  return {kOperatorState, static_cast<std::uint8_t>(operator_index >> 8),
          static_cast<std::uint8_t>(operator_index)};
}

Result<StoredState> StoredState::load(topics::Writer& writer, const topics::TaskId& task) {
  StoredState state;
  std::size_t unknown = 0;
  state.checkpoint_ = TRY(writer.restore(task, [&](ByteView key, ByteView value) {
    if (!state.take(key, value)) ++unknown;
  }));
  if (unknown > 0)
    return fail(
        ErrorCode::corrupt,
        fmt::format("stored state of task '{}': {} entries belong to no step; was the folder "
                    "written by a newer version?",
                    task.value(), unknown));
  return state;
}

bool StoredState::take(ByteView key, ByteView value) {
  if (key.empty()) return false;
  if (key[0] == kGuardState) {
    guards_.push_back({to_buffer(key.subspan(1)), to_buffer(value)});
    return true;
  }
  if (key[0] == kSealState) {
    seal_.push_back({to_buffer(key.subspan(1)), to_buffer(value)});
    return true;
  }
  if (key[0] != kOperatorState || key.size() < 3) return false;
  std::size_t index = std::size_t{key[1]} << 8 | key[2];
  operators_[index].push_back({to_buffer(key.subspan(3)), to_buffer(value)});
  return true;
}

const std::vector<StoredState::Entry>& StoredState::of_operator(std::size_t index) const {
  static const std::vector<Entry> kNone;
  auto found = operators_.find(index);
  return found == operators_.end() ? kNone : found->second;
}

}  // namespace penstock::engine
