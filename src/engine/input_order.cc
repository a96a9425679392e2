#include "engine/input_order.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "engine/source_edge.h"

namespace penstock::engine {

Result<std::optional<InputTurn>> next_in_time(std::span<SourceEdge* const> inputs) {
  std::vector<std::optional<data::TimestampMs>> heads;
  std::optional<std::size_t> oldest;
  bool waits = false;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    heads.push_back(TRY(inputs[i]->peek()));
    if (!heads[i]) waits = waits || inputs[i]->position() < inputs[i]->reader().known_end();
    if (heads[i] && (!oldest || *heads[i] <= *heads[*oldest])) oldest = i;
  }
  if (!oldest || waits) return std::nullopt;
  InputTurn turn{.input = *oldest, .until_ms = std::numeric_limits<data::TimestampMs>::max()};
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (i != *oldest && heads[i])
      turn.until_ms = std::min(turn.until_ms, *heads[i] - (i > *oldest ? 1 : 0));
  return turn;
}

}  // namespace penstock::engine
