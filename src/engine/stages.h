// A plan as stages: each reads one topic, runs a chain of operators and writes one topic (or to a
// client). Stages meet in exchange topics, where rows have to move to other partitions. A task is
// (query, stage, partition).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/query_id.h"
#include "sql/plan.h"

namespace penstock::engine {

// A stage of a plan; steps belong to the plan or to `made`, which live as long as this does.
struct PlanParts {
  const sql::SourceStep* source = nullptr;
  const data::Schema* source_schema = nullptr;
  std::vector<const sql::PlanNode*> steps;  // in the order of the data
  const sql::SinkStep* sink = nullptr;      // null: rows go to a client
  const data::Schema* schema = nullptr;     // of what comes out
  std::vector<std::shared_ptr<const sql::PlanNode>> made;
};

// Stages in the order of the data. `plan` outlives them. unsupported: shapes that this engine does
// not run (several inputs, windows, LIMIT before a sink).
Result<std::vector<PlanParts>> take_apart(const QueryId& id, const sql::PlanNode& plan);

// The same for one client, who gets the rows of all partitions in one thread: one stage.
Result<PlanParts> take_apart_whole(const sql::PlanNode& plan);

// "_<query id>.<stage>-repartition": what the stage of this number writes for the next one.
std::string exchange_topic(const QueryId& id, std::size_t stage);

// Those of a query; none when it has one stage, or cannot be run.
std::vector<std::string> exchange_topics(const QueryId& id, const sql::PlanNode& plan);

}  // namespace penstock::engine
