// What is stored beside a committed position: whose it is and what it was committed with.
#pragma once

#include <optional>
#include <string>

#include "topics/names.h"

namespace penstock::topics::kafka {

struct PositionMark {
  std::int32_t task = 0;            // number of the task of the group's name
  std::uint64_t state_commits = 0;  // of its changelog, with this commit
  std::string topic_id;             // of the topic that the position is in; "-": forgotten
};

// "penstock1 <task> <state commits> <topic id>": at most 100 bytes.
std::string to_text(const PositionMark& mark);
// Nothing: somebody else has set this position (kafka-consumer-groups --reset-offsets, say).
std::optional<PositionMark> parse_mark(std::string_view text);

}  // namespace penstock::topics::kafka
