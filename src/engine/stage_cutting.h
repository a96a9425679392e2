// How plans are cut into stages: what aggregations and joins share. Private to stages.cc and
// join_stages.cc.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/stages.h"
#include "sql/plan.h"

namespace penstock::engine {

sql::ExprPtr column_expr(const data::Type& type, std::size_t index);

std::shared_ptr<sql::PlanNode> made_node(decltype(sql::PlanNode::step) step, data::Schema schema);

PlanParts parts_of_source(const sql::SourceStep& source, const data::Schema& schema);

// A table's key is read whether the query names it or not: its changes are found by it.
void read_key(PlanParts& parts);

// Stages as they are found, in the order of the data.
struct Cutting {
  const QueryId* id;  // null: for a client, nothing can be cut
  sql::OnError on_error = sql::OnError::null_column;
  std::vector<PlanParts> stages;
};

// The topic behind the stage that is cut now; the schema's keys decide on partitions.
struct Exchange {
  std::shared_ptr<sql::PlanNode> source, sink;

  Exchange(const Cutting& cutting, data::Schema schema, sql::SourceKind kind, ExchangeKind what);
  void end(PlanParts& stage) const;  // makes the stage end here
  PlanParts begin() const;
};

// Rows that lie in the partitions where their key, as a record has it, puts them.
struct Keyed {
  std::vector<std::size_t> columns;  // any of which is the key
  sql::FormatKind format = sql::FormatKind::none;
};

// A source, or a join of what is before it.
Result<PlanParts> rows_of(Cutting& cutting, const sql::PlanNode& node, std::optional<Keyed>& keyed);

}  // namespace penstock::engine
