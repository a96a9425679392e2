// A plan as stages: each reads one topic (with joins: several), runs operators and writes one topic
// (or to a client). Stages meet in exchange topics, where rows have to move to other partitions. A
// task is (query, stage, partition).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/query_id.h"
#include "sql/plan.h"

namespace penstock::engine {

// Where rows of two sides meet. Rows of either: what they are joined by, then columns of the
// output.
struct JoinParts {
  struct Side {
    std::shared_ptr<const JoinParts> join;  // what its rows come from; null: an input of the stage
    std::vector<const sql::PlanNode*> steps;  // from there to the rows that are joined
    std::vector<data::Type> types;            // of these rows' columns, the key first
    std::vector<std::size_t> places;          // in the output, of each behind the key
  };
  const sql::JoinStep* step = nullptr;
  Side left, right;
  const data::Schema* schema = nullptr;   // of what comes out
  std::optional<sql::WindowInfo> window;  // keys belong to windows; the left source's
  std::size_t left_keys = 0;              // by a foreign key: of the left table's key columns
};

struct StageInput {
  const sql::SourceStep* source = nullptr;
  const data::Schema* schema = nullptr;
};

// A stage of a plan; steps belong to the plan or to `made`, which live as long as this does.
struct PlanParts {
  const sql::SourceStep* source = nullptr;
  const data::Schema* source_schema = nullptr;
  std::vector<StageInput> others;           // with joins: inputs 1 and on, in their order
  std::shared_ptr<const JoinParts> join;    // null: one input
  bool table = false;                       // what the steps begin with are changes of a table
  std::vector<std::size_t> keys;            // of what they begin with: the key's columns
  std::vector<const sql::PlanNode*> steps;  // in the order of the data
  const sql::SinkStep* sink = nullptr;      // null: rows go to a client
  const data::Schema* schema = nullptr;     // of what comes out
  std::vector<std::shared_ptr<const sql::PlanNode>> made;
};

// What a stage reads, by number of the input: one source; with joins several.
std::vector<const sql::SourceInfo*> sources_of(const PlanParts& parts);

// Stages in the order of the data. `plan` outlives them. unsupported: shapes that this engine does
// not run (LIMIT before a sink).
Result<std::vector<PlanParts>> take_apart(const QueryId& id, const sql::PlanNode& plan);

// The same for one client, who gets the rows of all partitions in one thread: one stage.
Result<PlanParts> take_apart_whole(const sql::PlanNode& plan);

// What the stage of this number writes for a later one: "_<query id>.<stage>-repartition", around
// joins by foreign keys "...-foreign-key".
enum class ExchangeKind : std::uint8_t { repartition, foreign_key };
inline constexpr ExchangeKind kExchangeKinds[] = {ExchangeKind::repartition,
                                                  ExchangeKind::foreign_key};
std::string exchange_topic(const QueryId& id, std::size_t stage,
                           ExchangeKind kind = ExchangeKind::repartition);

// Those of a query; none when it has one stage, or cannot be run.
std::vector<std::string> exchange_topics(const QueryId& id, const sql::PlanNode& plan);

}  // namespace penstock::engine
