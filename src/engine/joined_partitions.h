// The one rule about partitions of what is joined: asked when a statement is accepted, and again
// when its query starts.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "base/error.h"
#include "sql/plan.h"
#include "topics/log.h"

namespace penstock::engine {

// Of a source's topic; absent: nobody knows yet.
using CountPartitions =
    std::function<Result<std::optional<std::int32_t>>(const sql::SourceInfo& source)>;

// As the log has them; it outlives this.
CountPartitions partitions_in(topics::Log& log);

// failed_precondition: sources that a plan joins by their keys have different numbers of
// partitions, so that equal keys do not meet. As in ksqlDB also where rows are moved for the join.
// Sources whose number nobody knows are passed over.
Result<> check_joined_partitions(const sql::PlanNode& plan, const CountPartitions& count);

}  // namespace penstock::engine
