#include "engine/stages.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"
#include "sql/expr_tools.h"

namespace penstock::engine {
namespace {

using data::ColumnRole;
using Item = sql::ProjectStep::Item;

sql::ExprPtr column_expr(const data::Type& type, std::size_t index) {
  auto expr = std::make_unique<sql::Expr>();
  expr->type = type;
  expr->node = sql::ColumnExpr{index};
  return expr;
}

// Walks down to the source. Parts without synthesised steps, whole.
Result<PlanParts> chain_of(const sql::PlanNode& plan) {
  PlanParts parts;
  parts.schema = &plan.schema;
  for (const sql::PlanNode* node = &plan;; node = node->inputs.front().get()) {
    if (const auto* source = std::get_if<sql::SourceStep>(&node->step)) {
      CHECK(node->inputs.empty());
      parts.source = source;
      parts.source_schema = &node->schema;
      break;
    }
    if (node->inputs.size() != 1)
      return fail(ErrorCode::unsupported,
                  fmt::format("a step of the plan reads {} inputs: only one is possible yet",
                              node->inputs.size()));
    if (const auto* sink = std::get_if<sql::SinkStep>(&node->step)) {
      CHECK(node == &plan);
      parts.sink = sink;
      continue;
    }
    if (parts.sink != nullptr && std::holds_alternative<sql::LimitStep>(node->step))
      return fail(ErrorCode::unsupported,
                  fmt::format("LIMIT in a query that writes to stream {}: only queries whose rows "
                              "go to a client can end by a count",
                              parts.sink->stream.name));
    parts.steps.push_back(node);
  }
  std::ranges::reverse(parts.steps);
  return parts;
}

// What stands before an aggregation: its keys and arguments as columns, and the aggregation over
// these.
class AggregateCut {
 public:
  AggregateCut(const PlanParts& parts, std::size_t at)
      : source_(*parts.source), node_(*parts.steps[at]) {}

  // Project, Changes (over a table), Aggregate.
  std::vector<std::shared_ptr<const sql::PlanNode>> steps() {
    const auto& step = std::get<sql::AggregateStep>(node_.step);
    const bool table = source_.stream.is_table();
    if (table) add_table_keys();
    const std::size_t key_of_table = project_.items.size();
    sql::AggregateStep over;
    over.window = step.window;
    over.emit_final = step.emit_final;
    over.limits = step.limits;
    for (const Item& key : step.keys) {
      over.keys.push_back({key.name, column_expr(key.expr->type, over_.columns.size())});
      add(key.name, *key.expr, ColumnRole::key);
    }
    for (const Item& call : step.aggregates)
      over.aggregates.push_back({call.name, over_columns(*call.expr)});
    std::vector<std::shared_ptr<const sql::PlanNode>> made;
    made.push_back(node(std::move(project_), projected_));
    if (table) made.push_back(node(sql::ChangesStep{types_of(projected_), key_of_table}, over_));
    made.push_back(node(std::move(over), node_.schema));
    return made;
  }

  // Whether rows stay where they are: the groups are the records' keys.
  bool stays() const {
    if (source_.stream.is_table()) return false;
    const auto& step = std::get<sql::AggregateStep>(node_.step);
    std::vector<std::size_t> grouped, present;
    for (const Item& key : step.keys) {
      const auto* column = std::get_if<sql::ColumnExpr>(&key.expr->node);
      if (column == nullptr) return false;
      grouped.push_back(column->index);
    }
    const auto& columns = source_.stream.schema.columns;
    for (std::size_t i = 0; i < columns.size(); ++i)
      if (columns[i].role == ColumnRole::key) present.push_back(i);
    return grouped == present;
  }

 private:
  void add_table_keys() {
    const auto& columns = source_.stream.schema.columns;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (columns[i].role != ColumnRole::key) continue;
      projected_.columns.push_back(columns[i]);
      project_.items.push_back({columns[i].name, column_expr(columns[i].type, i)});
    }
  }
  void add(const std::string& name, const sql::Expr& expr, ColumnRole role) {
    projected_.columns.push_back({name, expr.type, ColumnRole::value});
    over_.columns.push_back({name, expr.type, role});
    project_.items.push_back({name, sql::clone(expr)});
  }
  // The call with each argument that is no literal a column.
  sql::ExprPtr over_columns(const sql::Expr& expr) {
    sql::ExprPtr out = sql::clone(expr);
    for (sql::ExprPtr& arg : std::get<sql::CallExpr>(out->node).args) {
      if (std::holds_alternative<sql::LiteralExpr>(arg->node)) continue;
      const std::size_t place = over_.columns.size();
      add(fmt::format("ARGUMENT_{}", place), *arg, ColumnRole::value);
      arg = column_expr(arg->type, place);
    }
    return out;
  }
  static std::vector<data::Type> types_of(const data::Schema& schema) {
    std::vector<data::Type> types;
    for (const data::ColumnSchema& column : schema.columns) types.push_back(column.type);
    return types;
  }
  static std::shared_ptr<const sql::PlanNode> node(decltype(sql::PlanNode::step) step,
                                                   data::Schema schema) {
    auto made = std::make_shared<sql::PlanNode>();
    made->step = std::move(step);
    made->schema = std::move(schema);
    return made;
  }

  const sql::SourceStep& source_;
  const sql::PlanNode& node_;
  sql::ProjectStep project_;
  data::Schema projected_, over_;  // what the projection gives, what the aggregation reads
};

std::optional<std::size_t> aggregation_in(const PlanParts& parts) {
  for (std::size_t i = 0; i < parts.steps.size(); ++i)
    if (std::holds_alternative<sql::AggregateStep>(parts.steps[i]->step)) return i;
  return std::nullopt;
}

// The stage up to an exchange, and the one behind it.
std::vector<PlanParts> cut(const QueryId& id, PlanParts whole, std::size_t at,
                           std::vector<std::shared_ptr<const sql::PlanNode>> made) {
  const std::shared_ptr<const sql::PlanNode> aggregate = std::move(made.back());
  made.pop_back();
  auto sink = std::make_shared<sql::PlanNode>();
  auto source = std::make_shared<sql::PlanNode>();
  sql::SourceInfo exchange;
  exchange.name = fmt::format("between stages of {}", id.value());
  exchange.topic = exchange_topic(id, 0);
  exchange.schema = made.back()->schema;
  exchange.exchange = true;
  exchange.headers = sql::HeaderRule::drop;
  if (whole.sink != nullptr) exchange.on_error = whole.sink->stream.on_error;
  source->schema = sink->schema = exchange.schema;
  const std::size_t keys = std::get<sql::AggregateStep>(aggregate->step).keys.size();
  for (std::size_t i = 0; i < keys; ++i) exchange.schema.columns[i].role = ColumnRole::key;
  source->step =
      sql::SourceStep{exchange, std::vector<bool>(exchange.schema.columns.size(), true), {}};
  sink->step = sql::SinkStep{std::move(exchange)};

  PlanParts first, second;
  first.source = whole.source;
  first.source_schema = whole.source_schema;
  first.steps.assign(whole.steps.begin(), whole.steps.begin() + static_cast<std::ptrdiff_t>(at));
  for (const auto& step : made) first.steps.push_back(step.get());
  first.sink = &std::get<sql::SinkStep>(sink->step);
  first.schema = &sink->schema;
  first.made = std::move(whole.made);
  first.made.insert(first.made.end(), made.begin(), made.end());
  first.made.push_back(std::move(sink));

  second.source = &std::get<sql::SourceStep>(source->step);
  second.source_schema = &source->schema;
  second.steps = {aggregate.get()};
  second.steps.insert(second.steps.end(), whole.steps.begin() + static_cast<std::ptrdiff_t>(at + 1),
                      whole.steps.end());
  second.sink = whole.sink;
  second.schema = whole.schema;
  second.made = {std::move(source), aggregate};
  std::vector<PlanParts> stages;
  stages.push_back(std::move(first));
  stages.push_back(std::move(second));
  return stages;
}

// A table's key is read whether the query names it or not: its changes are found by it.
void read_key(PlanParts& parts) {
  if (!parts.source->stream.is_table()) return;
  auto node = std::make_shared<sql::PlanNode>();
  sql::SourceStep step = *parts.source;
  for (std::size_t i = 0; i < step.stream.schema.columns.size(); ++i)
    if (step.stream.schema.columns[i].role == ColumnRole::key) step.used[i] = true;
  node->schema = *parts.source_schema;
  node->step = std::move(step);
  parts.source = &std::get<sql::SourceStep>(node->step);
  parts.source_schema = &node->schema;
  parts.made.push_back(std::move(node));
}

// All in one: the made steps in place of the aggregation.
PlanParts uncut(PlanParts whole, std::size_t at,
                std::vector<std::shared_ptr<const sql::PlanNode>> made) {
  std::vector<const sql::PlanNode*> steps;
  for (std::size_t i = 0; i < whole.steps.size(); ++i) {
    if (i != at) {
      steps.push_back(whole.steps[i]);
      continue;
    }
    for (const auto& step : made) steps.push_back(step.get());
  }
  whole.steps = std::move(steps);
  whole.made.insert(whole.made.end(), made.begin(), made.end());
  return whole;
}

}  // namespace

Result<std::vector<PlanParts>> take_apart(const QueryId& id, const sql::PlanNode& plan) {
  PlanParts whole = TRY(chain_of(plan));
  std::vector<PlanParts> stages;
  const auto at = aggregation_in(whole);
  if (!at) {
    stages.push_back(std::move(whole));
    return stages;
  }
  read_key(whole);
  AggregateCut aggregation(whole, *at);
  const bool stays = aggregation.stays();
  auto made = aggregation.steps();
  if (!stays) return cut(id, std::move(whole), *at, std::move(made));
  stages.push_back(uncut(std::move(whole), *at, std::move(made)));
  return stages;
}

Result<PlanParts> take_apart_whole(const sql::PlanNode& plan) {
  PlanParts whole = TRY(chain_of(plan));
  const auto at = aggregation_in(whole);
  if (!at) return whole;
  read_key(whole);
  auto made = AggregateCut(whole, *at).steps();
  return uncut(std::move(whole), *at, std::move(made));
}

std::string exchange_topic(const QueryId& id, std::size_t stage) {
  return fmt::format("_{}.{}-repartition", id.value(), stage);
}

std::vector<std::string> exchange_topics(const QueryId& id, const sql::PlanNode& plan) {
  std::vector<std::string> topics;
  const auto stages = take_apart(id, plan);
  for (std::size_t i = 0; stages && i + 1 < stages->size(); ++i)
    topics.push_back(exchange_topic(id, i));
  return topics;
}

}  // namespace penstock::engine
