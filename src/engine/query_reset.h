// New positions for a query whose tasks are stopped.
#pragma once

#include <vector>

#include "engine/query.h"

namespace penstock::engine {

// Where the tasks of one stage are to go on.
struct TaskReset {
  std::int32_t partition;
  std::vector<topics::TaskPosition> positions;  // of each of its inputs
};
using StagePositions = std::vector<TaskReset>;

// By stage: those that read the query's sources as is said, the others behind what lies between the
// stages. invalid_argument: no such partition, an offset that the topic does not hold, or offsets
// for a query that reads several topics.
Result<std::vector<StagePositions>> positions_after_reset(topics::Log& log,
                                                          const QueryStages& stages,
                                                          const ResetTo& to);

// Forgets positions and state of the tasks 0 to tasks - 1 of a query that does not run, in all its
// stages, and removes the topics between them.
Result<> forget_tasks(topics::Log& log, const QueryId& id, std::int32_t tasks);

// Replaces whatever is stored of the tasks named. They do not run.
Result<> reset_stages(topics::Log& log, const QueryStages& stages,
                      const std::vector<StagePositions>& positions);

// Removes the topics between the stages; none is not an error.
Result<> remove_exchanges(topics::Log& log, const QueryId& id);

}  // namespace penstock::engine
