// New positions for a query whose tasks are stopped.
#pragma once

#include <vector>

#include "engine/query.h"

namespace penstock::engine {

struct ResetPosition {
  std::int32_t partition;
  topics::Offset offset;
};

// By partition. invalid_argument: no such partition, or an offset that the topic does not hold.
Result<std::vector<ResetPosition>> positions_after_reset(topics::Log& log, const Query& query,
                                                         const ResetTo& to);

// Forgets positions and state of the tasks 0 to tasks - 1 of a query that does not run.
Result<> forget_tasks(topics::Log& log, const QueryId& id, std::int32_t tasks);

// Replaces whatever is stored of these tasks. They do not run.
Result<> reset_tasks(topics::Log& log, const Query& query,
                     const std::vector<ResetPosition>& positions);

}  // namespace penstock::engine
