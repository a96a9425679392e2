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

// Forgets positions and state of the tasks 0 to tasks - 1 of a query that does not run, in all its
// stages, and removes the topics between them.
Result<> forget_tasks(topics::Log& log, const QueryId& id, std::int32_t tasks);

// Replaces whatever is stored of the first stage's tasks named, and of all tasks of the others,
// which go on behind what lies between the stages. They do not run.
Result<> reset_stages(topics::Log& log, const QueryStages& stages,
                      const std::vector<ResetPosition>& positions);

// Removes the topics between the stages; none is not an error.
Result<> remove_exchanges(topics::Log& log, const QueryId& id);

// Replaces whatever is stored of these tasks. They do not run.
Result<> reset_tasks(topics::Log& log, const Query& query,
                     const std::vector<ResetPosition>& positions);

}  // namespace penstock::engine
