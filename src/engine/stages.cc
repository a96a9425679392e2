#include "engine/stages.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "base/check.h"
#include "engine/stage_cutting.h"
#include "sql/expr_tools.h"

namespace penstock::engine {

using data::ColumnRole;
using Item = sql::ProjectStep::Item;

sql::ExprPtr column_expr(const data::Type& type, std::size_t index) {
  auto expr = std::make_unique<sql::Expr>();
  expr->type = type;
  expr->node = sql::ColumnExpr{index};
  return expr;
}

std::shared_ptr<sql::PlanNode> made_node(decltype(sql::PlanNode::step) step, data::Schema schema) {
  auto made = std::make_shared<sql::PlanNode>();
  made->step = std::move(step);
  made->schema = std::move(schema);
  return made;
}

namespace {

std::vector<std::size_t> key_places(const data::Schema& schema) {
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < schema.columns.size(); ++i)
    if (schema.columns[i].role == ColumnRole::key) places.push_back(i);
  return places;
}

}  // namespace

PlanParts parts_of_source(const sql::SourceStep& source, const data::Schema& schema) {
  PlanParts parts;
  parts.source = &source;
  parts.source_schema = parts.schema = &schema;
  parts.table = source.stream.is_table();
  parts.keys = key_places(source.stream.schema);
  return parts;
}

Exchange::Exchange(const Cutting& cutting, data::Schema schema, sql::SourceKind kind,
                   ExchangeKind what) {
  const QueryId& id = *cutting.id;
  sql::SourceInfo info;
  info.name = fmt::format("between stages of {}", id.value());
  info.topic = exchange_topic(id, cutting.stages.size(), what);
  info.kind = kind;
  info.schema = std::move(schema);
  info.exchange = true;
  info.headers = sql::HeaderRule::drop;
  info.on_error = cutting.on_error;
  const std::vector<bool> used(info.schema.columns.size(), true);
  source = made_node(sql::SourceStep{info, used, {}}, info.schema);
  sink = made_node(sql::SinkStep{.stream = info}, info.schema);
}

void Exchange::end(PlanParts& stage) const {
  stage.sink = &std::get<sql::SinkStep>(sink->step);
  stage.schema = &sink->schema;
  stage.made.push_back(sink);
}

PlanParts Exchange::begin() const {
  PlanParts parts = parts_of_source(std::get<sql::SourceStep>(source->step), source->schema);
  parts.made.push_back(source);
  return parts;
}

// A table's key is read whether the query names it or not: its changes are found by it.
void read_key(PlanParts& parts) {
  if (!parts.source->stream.is_table() || parts.join) return;
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

namespace {

// Walks down to what is read, and back. Parts without synthesised steps, but for joins.
Result<PlanParts> chain_of(Cutting& cutting, const sql::PlanNode& plan) {
  const sql::SinkStep* sink = nullptr;
  std::vector<const sql::PlanNode*> steps;
  const sql::PlanNode* node = &plan;
  for (; node->inputs.size() == 1; node = node->inputs.front().get()) {
    if (const auto* found = std::get_if<sql::SinkStep>(&node->step)) {
      CHECK(node == &plan);
      sink = found;
      cutting.on_error = sink->stream.on_error;
      continue;
    }
    if (sink != nullptr && std::holds_alternative<sql::LimitStep>(node->step))
      return fail(ErrorCode::unsupported,
                  fmt::format("LIMIT in a query that writes to stream {}: only queries whose rows "
                              "go to a client can end by a count",
                              sink->stream.name));
    steps.push_back(node);
  }
  std::optional<Keyed> keyed;
  PlanParts parts = TRY(rows_of(cutting, *node, keyed));
  parts.sink = sink;
  parts.schema = &plan.schema;
  parts.steps.insert(parts.steps.end(), steps.rbegin(), steps.rend());
  return parts;
}

// What stands before an aggregation: its keys and arguments as columns, and the aggregation over
// these.
class AggregateCut {
 public:
  AggregateCut(const PlanParts& parts, std::size_t at) : parts_(parts), node_(*parts.steps[at]) {}

  // Project, Changes (over a table), Aggregate.
  std::vector<std::shared_ptr<const sql::PlanNode>> steps() {
    const auto& step = std::get<sql::AggregateStep>(node_.step);
    const bool table = parts_.table;
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
    made.push_back(made_node(std::move(project_), projected_));
    if (table)
      made.push_back(made_node(sql::ChangesStep{types_of(projected_), key_of_table}, over_));
    made.push_back(made_node(std::move(over), node_.schema));
    return made;
  }

  // Whether rows stay where they are: the groups are the records' keys.
  bool stays() const {
    if (parts_.table || parts_.join || parts_.source->stream.exchange) return false;
    const auto& step = std::get<sql::AggregateStep>(node_.step);
    std::vector<std::size_t> grouped;
    for (const Item& key : step.keys) {
      const auto* column = std::get_if<sql::ColumnExpr>(&key.expr->node);
      if (column == nullptr) return false;
      grouped.push_back(column->index);
    }
    return grouped == parts_.keys;
  }

 private:
  void add_table_keys() {
    const auto& columns = node_.inputs.front()->schema.columns;
    for (const std::size_t i : parts_.keys) {
      projected_.columns.push_back({columns[i].name, columns[i].type, ColumnRole::key});
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
  const PlanParts& parts_;
  const sql::PlanNode& node_;
  sql::ProjectStep project_;
  data::Schema projected_, over_;  // what the projection gives, what the aggregation reads
};

std::optional<std::size_t> aggregation_in(const PlanParts& parts) {
  for (std::size_t i = 0; i < parts.steps.size(); ++i)
    if (std::holds_alternative<sql::AggregateStep>(parts.steps[i]->step)) return i;
  return std::nullopt;
}

// Ends the stage at an exchange in place of the aggregation; returns the one behind it.
PlanParts cut(Cutting& cutting, PlanParts whole, std::size_t at,
              std::vector<std::shared_ptr<const sql::PlanNode>> made) {
  const std::shared_ptr<const sql::PlanNode> aggregate = std::move(made.back());
  made.pop_back();
  data::Schema schema = made.back()->schema;
  const std::size_t keys = std::get<sql::AggregateStep>(aggregate->step).keys.size();
  for (std::size_t i = 0; i < keys; ++i) schema.columns[i].role = ColumnRole::key;
  const Exchange exchange(cutting, std::move(schema), sql::SourceKind::stream,
                          ExchangeKind::repartition);

  PlanParts second = exchange.begin();
  second.steps = {aggregate.get()};
  second.steps.insert(second.steps.end(), whole.steps.begin() + static_cast<std::ptrdiff_t>(at + 1),
                      whole.steps.end());
  second.sink = whole.sink;
  second.schema = whole.schema;
  second.made.push_back(aggregate);

  whole.steps.resize(at);
  for (const auto& step : made) whole.steps.push_back(step.get());
  whole.made.insert(whole.made.end(), made.begin(), made.end());
  exchange.end(whole);
  cutting.stages.push_back(std::move(whole));
  return second;
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
  Cutting cutting{.id = &id, .stages = {}};
  PlanParts last = TRY(chain_of(cutting, plan));
  if (const auto at = aggregation_in(last)) {
    read_key(last);
    AggregateCut aggregation(last, *at);
    const bool stays = aggregation.stays();
    auto made = aggregation.steps();
    last = stays ? uncut(std::move(last), *at, std::move(made))
                 : cut(cutting, std::move(last), *at, std::move(made));
  }
  cutting.stages.push_back(std::move(last));
  return std::move(cutting.stages);
}

Result<PlanParts> take_apart_whole(const sql::PlanNode& plan) {
  Cutting cutting{.id = nullptr, .stages = {}};
  PlanParts whole = TRY(chain_of(cutting, plan));
  const auto at = aggregation_in(whole);
  if (!at) return whole;
  read_key(whole);
  auto made = AggregateCut(whole, *at).steps();
  return uncut(std::move(whole), *at, std::move(made));
}

std::vector<const sql::SourceInfo*> sources_of(const PlanParts& parts) {
  std::vector<const sql::SourceInfo*> sources = {&parts.source->stream};
  for (const StageInput& other : parts.others) sources.push_back(&other.source->stream);
  return sources;
}

std::string exchange_topic(const QueryId& id, std::size_t stage, ExchangeKind kind) {
  return fmt::format("_{}.{}-{}", id.value(), stage,
                     kind == ExchangeKind::repartition ? "repartition" : "foreign-key");
}

std::vector<std::string> exchange_topics(const QueryId& id, const sql::PlanNode& plan) {
  std::vector<std::string> topics;
  const auto stages = take_apart(id, plan);
  for (std::size_t i = 0; stages && i + 1 < stages->size(); ++i)
    topics.push_back((*stages)[i].sink->stream.topic);
  return topics;
}

}  // namespace penstock::engine
