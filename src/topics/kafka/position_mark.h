// What is stored beside a position that the group's offsets mirror. The checkpoint is the truth;
// mirrors are for the usual tools, and tell that a task has run before when its changelog is gone.
#pragma once

#include <optional>
#include <string>

#include "topics/names.h"

namespace penstock::topics::kafka {

struct PositionMark {
  std::int32_t task = 0;     // number of the task of the group's name
  std::uint64_t commit = 0;  // of its checkpoint; 0: the task was forgotten
};

// "penstock2 <task> <commit>": at most 60 bytes.
std::string to_text(const PositionMark& mark);
// Nothing: somebody else has set this position (kafka-consumer-groups --reset-offsets, say).
std::optional<PositionMark> parse_mark(std::string_view text);

}  // namespace penstock::topics::kafka
