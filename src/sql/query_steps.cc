// The steps of a bound query.
#include <algorithm>

#include <fmt/format.h>

#include "sql/expr_tools.h"
#include "sql/query_planner.h"

namespace penstock::sql {
namespace {

constexpr std::string_view kJoinKey = "KSQL_JOIN_KEY";

PlanPtr make_node(decltype(PlanNode::step) step, data::Schema schema, PlanPtr input) {
  auto node = std::make_unique<PlanNode>();
  node->step = std::move(step);
  node->schema = std::move(schema);
  if (input) node->inputs.push_back(std::move(input));
  return node;
}

// An expression over the whole scope as one over a single part of it.
ExprPtr rebased(const Expr& expr, std::size_t base, std::size_t columns) {
  ExprPtr own = clone(expr);
  std::vector<std::size_t> places(columns, 0);
  for (std::size_t i = base; i < columns; ++i) places[i] = i - base;
  renumber(*own, places);
  return own;
}

void renumber_from(Expr& expr, std::size_t first, std::size_t to) {
  if (auto* column = std::get_if<ColumnExpr>(&expr.node)) {
    if (column->index >= first) column->index = column->index - first + to;
  }
  for_each_child(expr,
                 [&](const Expr& child) { renumber_from(const_cast<Expr&>(child), first, to); });
}

}  // namespace

// Table functions' columns stand behind those of the input, a window's bounds behind the
// aggregates.
void QueryPlanner::place_late_columns(std::size_t input_columns) {
  const std::size_t first =
      grouped() ? GroupRule::kWindowStart : std::size_t{TableFunctionRule::kFirst};
  const std::size_t to =
      grouped() ? group_rule_->keys().size() + group_rule_->aggregates().size() : input_columns;
  for (Output& output : outputs_) renumber_from(*output.expr, first, to);
  if (having_) renumber_from(*having_, first, to);
}

PlanPtr QueryPlanner::source_steps() {
  std::vector<bool> used(scope_->size(), false);
  const auto mark = [&](const ExprPtr& expr) {
    if (!expr) return;
    for_each_column(*expr, [&](std::size_t index) {
      if (index < used.size()) used[index] = true;
    });
  };
  mark(where_);
  for (const BoundJoin& join : joins_.joins) {
    if (!join.keeps_key) mark(join.step.left);
    mark(join.step.right);
  }
  for (const ExprPtr& call : table_rule_->calls()) mark(call);
  if (grouped()) {
    for (const ExprPtr& key : group_rule_->keys()) mark(key);
    for (const ExprPtr& aggregate : group_rule_->aggregates()) mark(aggregate);
  } else {
    for (const Output& output : outputs_) mark(output.expr);
  }
  std::vector<PlanPtr> sources;
  for (const Scope::Part& part : scope_->parts()) {
    SourceStep step{.stream = *part.source, .used = {}, .pseudo = part.pseudo};
    step.stream.strict_time = context_.defaults.strict_time;
    const auto begin = used.begin() + static_cast<std::ptrdiff_t>(part.base);
    step.used.assign(begin, begin + static_cast<std::ptrdiff_t>(part.size()));
    if (part.source->timestamp_column) {
      if (const auto index = part.source->schema.find(*part.source->timestamp_column))
        step.used[*index] = true;
    }
    sources.push_back(make_node(std::move(step), Scope::schema_of(part), nullptr));
  }
  PlanPtr plan = std::move(sources[0]);
  const std::size_t columns = scope_->size();
  const data::Schema named = scope_->schema();  // by the sources' aliases
  bool carries_key = false;                     // the rows so far, as their last column
  for (BoundJoin& join : joins_.joins) {
    const std::size_t base = scope_->parts()[join.part].base;
    const auto& all = named.columns;
    data::Schema schema;
    schema.columns.assign(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(
                                                         base + scope_->parts()[join.part].size()));
    if (join.keeps_key)
      join.step.left =
          make_column(plan->schema.columns.size() - 1, join.step.left->type, join.step.left->span);
    // A foreign key's rows keep what key they had.
    std::optional<data::Type> key;
    if (join.step.shape != JoinShape::foreign_key)
      key = join.step.left->type;
    else if (carries_key)
      key = plan->schema.columns.back().type;
    carries_key = join.step.key_column = key.has_value();
    const bool named_here = &join == &joins_.joins.back() && scope_->key_column();
    if (key)
      schema.columns.push_back(
          {named_here ? scope_->key_name() : std::string(kJoinKey), *key, data::ColumnRole::value});
    join.step.right = rebased(*join.step.right, base, columns);
    plan = make_node(std::move(join.step), std::move(schema), std::move(plan));
    plan->inputs.push_back(std::move(sources[join.part]));
  }
  return plan;
}

PlanPtr QueryPlanner::aggregate_step(PlanPtr plan) {
  AggregateStep step;
  data::Schema schema;
  const auto add = [&](std::vector<ExprPtr>& from, std::vector<ProjectStep::Item>& to,
                       std::string_view name) {
    for (std::size_t i = 0; i < from.size(); ++i) {
      schema.columns.push_back(
          {fmt::format("{}_{}", name, i), from[i]->type, data::ColumnRole::value});
      to.push_back({schema.columns.back().name, std::move(from[i])});
    }
  };
  add(group_rule_->keys(), step.keys, "KSQL_KEY");
  add(group_rule_->aggregates(), step.aggregates, "KSQL_AGG_VARIABLE");
  if (query_.window) {
    step.window = query_.window->spec;
    for (const PseudoColumn bound : {PseudoColumn::windowstart, PseudoColumn::windowend})
      schema.columns.push_back(
          {std::string(name_of(bound)), type_of(bound), data::ColumnRole::value});
  }
  step.emit_final = query_.emit_final;
  step.limits = context_.defaults.limits;
  return make_node(std::move(step), std::move(schema), std::move(plan));
}

PlanPtr QueryPlanner::steps() {
  PlanPtr plan = source_steps();
  const std::size_t input_columns = plan->schema.columns.size();
  place_late_columns(input_columns);
  if (where_) {
    data::Schema schema = plan->schema;
    plan = make_node(FilterStep{std::move(where_)}, std::move(schema), std::move(plan));
  }
  if (!table_rule_->calls().empty()) {
    ExplodeStep explode;
    data::Schema schema = plan->schema;
    for (ExprPtr& call : table_rule_->calls()) {
      const std::string name = fmt::format("KSQL_SYNTH_{}", explode.calls.size());
      schema.columns.push_back({name, call->type, data::ColumnRole::value});
      explode.calls.push_back({name, std::move(call)});
    }
    plan = make_node(std::move(explode), std::move(schema), std::move(plan));
  }
  data::Schema schema = output_schema();
  if (grouped()) {
    plan = aggregate_step(std::move(plan));
    if (having_) {
      data::Schema grouped_schema = plan->schema;
      plan = make_node(FilterStep{std::move(having_)}, std::move(grouped_schema), std::move(plan));
    }
  }
  ProjectStep project;
  const bool join_keys = scope_->is_join() && !grouped() && partition_by_.empty() &&
                         joins_.joins.back().step.key_column;
  for (Output& output : outputs_) {
    // On either side it may be missing; what was joined by is always there.
    if (output.key && join_keys) point_at(*output.expr, input_columns - 1);
    project.items.push_back({std::move(output.name), std::move(output.expr)});
  }
  return make_node(std::move(project), std::move(schema), std::move(plan));
}

}  // namespace penstock::sql
