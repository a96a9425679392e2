// Which of several inputs goes on, so that their rows meet in the order of time.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "base/error.h"
#include "data/batch.h"

namespace penstock::engine {

class SourceEdge;

struct InputTurn {
  std::size_t input = 0;
  data::TimestampMs until_ms = 0;  // for SourceEdge::next()
};

// The input whose next record is the oldest, up to where the others' next ones lie; of the same
// time the last input first, so that a stream finds what its table has. None: nothing is at hand,
// or something has yet to come that is known to be there. What they brought before is released.
Result<std::optional<InputTurn>> next_in_time(std::span<SourceEdge* const> inputs);

}  // namespace penstock::engine
