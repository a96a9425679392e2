#include "sql/query_planner.h"

#include <algorithm>

#include <fmt/format.h>

#include "sql/constant.h"
#include "sql/expr_tools.h"
#include "sql/limits.h"
#include "sql/name_text.h"
#include "sql/nearest.h"

namespace penstock::sql {

using data::ColumnRole;

Parsed<const SourceInfo*> find_source(const BindContext& context, const ast::Identifier& name) {
  if (const SourceInfo* source = context.catalogue.find(name.text)) return source;
  const std::vector<std::string> names = context.catalogue.names();
  const std::string hint = did_you_mean(name.text, names);
  return problem(
      name.span,
      fmt::format("{} does not exist.{}", name_text(name.text),
                  hint.empty() ? " SHOW STREAMS and SHOW TABLES list what is there." : hint));
}

Parsed<std::unique_ptr<QueryPlanner>> QueryPlanner::make(const BindContext& context,
                                                         const ast::Query& query) {
  std::unique_ptr<QueryPlanner> planner(new QueryPlanner(context, query));
  TRY(planner->open());
  return planner;
}

Parsed<void> QueryPlanner::open() {
  std::vector<Scope::Part> parts;
  std::vector<const ast::Source*> named = {&query_.source};
  for (const ast::Join& join : query_.joins) named.push_back(&join.source);
  for (const ast::Source* one : named) {
    Scope::Part part{.source = TRY(find_source(context_, one->name)),
                     .alias = one->alias ? one->alias->text : one->name.text,
                     .pseudo = {}};
    for (const Scope::Part& other : parts) {
      if (other.source == part.source) {
        return problem(one->name.span,
                       fmt::format("N-way joins do not support multiple occurrences of the same "
                                   "source. Source: '{}'.",
                                   part.source->name));
      }
      if (other.alias == part.alias)
        return problem(one->alias ? one->alias->span : one->name.span,
                       fmt::format("Two sources are named {}: give one an alias.", part.alias));
    }
    parts.push_back(std::move(part));
  }
  scope_ = std::make_unique<Scope>(std::move(parts));
  binder_ = std::make_unique<ExpressionBinder>(context_.functions, &context_.catalogue,
                                               scope_.get(), context_.text);
  binder_->fail_whole(!context_.defaults.nested_errors_null);
  if (scope_->is_join()) joins_ = TRY(bind_joins(query_, *scope_, *binder_));
  return {};
}

Parsed<void> QueryPlanner::bind(bool persistent) {
  TRY(check_clauses());
  if (persistent) {
    for (const SourceInfo* source : sources()) {
      if (source->is_table() && source->window)
        return problem(query_.source.name.span,
                       "KSQL does not support persistent queries on windowed tables.");
    }
  }
  TRY(bind_where());
  const QueryFacts facts{
      .over_table = kind_after(*scope_, joins_.joins, joins_.joins.size()) == SourceKind::table,
      .table_functions = true};
  table_rule_ = std::make_unique<TableFunctionRule>(*binder_, facts);
  if (query_.group_by_span.end > 0) TRY(bind_groups());
  TRY(bind_partition_by());
  TRY(bind_outputs(persistent));
  TRY(bind_having());
  if (grouped() && !group_rule_->has_aggregates()) {
    return problem(query_.group_by_span,
                   "GROUP BY requires aggregate functions in either the SELECT or HAVING clause.");
  }
  return {};
}

Parsed<PlanPtr> QueryPlanner::plan_push() {
  TRY(bind(false));
  TRY(check_names());
  mark_keys_for_client();
  PlanPtr plan = steps();
  if (!query_.limit) return plan;
  auto limit = std::make_unique<PlanNode>();
  limit->step = LimitStep{*query_.limit};
  limit->schema = plan->schema;
  limit->inputs.push_back(std::move(plan));
  return limit;
}

Parsed<data::Schema> QueryPlanner::derive(const ast::Identifier& sink) {
  if (query_.limit) {
    return problem(query_.limit_span,
                   "LIMIT cannot stand in a query that feeds a stream or table: it runs until it "
                   "is terminated.");
  }
  TRY(bind(true));
  TRY(mark_keys(sink));
  TRY(check_names());
  const bool no_values =
      std::all_of(outputs_.begin(), outputs_.end(), [](const Output& o) { return o.key; });
  if (no_values)
    return problem(query_.items.front().span, "The projection contains no value columns.");
  return output_schema();
}

SourceKind QueryPlanner::kind() const {
  if (grouped()) return SourceKind::table;
  return kind_after(*scope_, joins_.joins, joins_.joins.size());
}

std::optional<WindowInfo> QueryPlanner::window() const {
  if (query_.window) {
    const WindowSpec& spec = query_.window->spec;
    WindowInfo info{.kind = spec.kind, .size_ms = spec.size_ms};
    if (spec.kind == WindowKind::session) info.size_ms.reset();
    return info;
  }
  if (grouped()) return std::nullopt;
  return first_source().window;
}

std::vector<const SourceInfo*> QueryPlanner::sources() const {
  std::vector<const SourceInfo*> out;
  for (const Scope::Part& part : scope_->parts()) out.push_back(part.source);
  return out;
}

Parsed<void> QueryPlanner::check_clauses() const {
  const bool groups = query_.group_by_span.end > 0;
  const bool table = kind_after(*scope_, joins_.joins, joins_.joins.size()) == SourceKind::table;
  if (query_.window && !groups)
    return problem(query_.window->span, "WINDOW clause requires a GROUP BY clause.");
  if (query_.window && table)
    return problem(query_.window->span,
                   "WINDOW clause is not supported on tables, only on streams.");
  if (query_.having && !groups)
    return problem(query_.having->span, "HAVING clause requires a GROUP BY clause.");
  if (groups && query_.group_by.empty())
    return problem(query_.group_by_span, "GROUP BY needs an expression.");
  if (query_.emit_final && !query_.window)
    return problem(query_.emit_span, "EMIT FINAL is only supported for windowed aggregations.");
  if (query_.emit_final && !context_.defaults.emits_final)
    return problem(query_.emit_span,
                   "Suppression is currently disabled. You can enable it by setting "
                   "ksql.suppress.enabled to true.");
  const bool partitions = query_.partition_by_span.end > 0;
  if (partitions && groups) {
    return problem(query_.partition_by_span,
                   "PARTITION BY and GROUP BY exclude each other: the groups are the key.");
  }
  if (partitions && table)
    return problem(query_.partition_by_span,
                   "PARTITION BY is not supported on tables: their key is what they are.");
  if (partitions && query_.partition_by.empty())
    return problem(query_.partition_by_span, "PARTITION BY needs an expression.");
  return {};
}

// A constant among the outputs of an INSERT counts for a DECIMAL that it fits as it is.
void QueryPlanner::fit_constants(const data::Schema& target) {
  for (std::size_t i = 0; i < std::min(outputs_.size(), target.columns.size()); ++i) {
    const auto* literal = std::get_if<LiteralExpr>(&outputs_[i].expr->node);
    const data::Type& from = outputs_[i].expr->type;
    const data::Type& to = target.columns[i].type;
    if (literal == nullptr || to.kind() != data::TypeKind::decimal || !from.is_numeric()) continue;
    const FunctionCatalogue& functions = binder_->calls().functions();
    auto fitted = widen_constant(functions, literal->value, from, to);
    if (!fitted && from.kind() == data::TypeKind::double_) {
      fitted = cast_constant(functions, literal->value, from, to);
      if (fitted && cast_constant(functions, *fitted, to, from) != literal->value) fitted.reset();
    }
    if (fitted) outputs_[i].expr = make_literal(to, *std::move(fitted), outputs_[i].span);
  }
}

Parsed<void> QueryPlanner::match(const data::Schema& target, SourceSpan span) {
  fit_constants(target);
  const data::Schema result = output_schema();
  bool fits = target.columns.size() == result.columns.size();
  for (std::size_t i = 0; fits && i < target.columns.size(); ++i) {
    const data::ColumnSchema& to = target.columns[i];
    const data::ColumnSchema& from = result.columns[i];
    fits = to.name == from.name && to.role == from.role && widens_to(from.type, to.type);
  }
  if (!fits) {
    return problem(
        span,
        fmt::format("Incompatible schema between results and sink.\nResult schema is {}\nSink "
                    "schema is {}\nColumns match by position, name and type.",
                    result.text(), target.text()));
  }
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    Bound value{std::move(outputs_[i].expr)};
    outputs_[i].expr = TRY(binder_->calls().coerce(std::move(value), target.columns[i].type));
  }
  return {};
}

Parsed<PlanPtr> QueryPlanner::finish(SourceInfo sink) {
  const bool moves = rekeys();
  PlanPtr plan = steps();
  const auto wrap = [&](decltype(PlanNode::step) step, data::Schema schema) {
    auto node = std::make_unique<PlanNode>();
    node->step = std::move(step);
    node->schema = std::move(schema);
    node->inputs.push_back(std::move(plan));
    plan = std::move(node);
  };
  if (moves) wrap(RekeyStep{}, plan->schema);
  data::Schema schema = sink.schema;
  const bool keeps_key = !grouped() && !scope_->is_join() && !moves;
  wrap(SinkStep{.stream = std::move(sink), .keeps_key = keeps_key}, std::move(schema));
  return plan;
}

Parsed<void> QueryPlanner::bind_where() {
  if (!query_.where) return {};
  TableFunctionRule rule(*binder_, {});
  binder_->set_rule(&rule);
  auto bound = binder_->bind_predicate(*query_.where, "WHERE");
  binder_->set_rule(nullptr);
  where_ = TRY(std::move(bound));
  return {};
}

Parsed<void> QueryPlanner::bind_partition_by() {
  for (const ast::ExpressionPtr& expression : query_.partition_by) {
    TableFunctionRule rule(*binder_, {});
    binder_->set_rule(&rule);
    auto tried = binder_->bind(*expression);
    binder_->set_rule(nullptr);
    Bound bound = TRY(std::move(tried));
    const bool is_null = literal_of(*bound.expr) != nullptr &&
                         std::holds_alternative<data::Null>(literal_of(*bound.expr)->value);
    if (is_null && query_.partition_by.size() == 1) {
      drops_key_ = true;
      break;
    }
    if (is_null)
      return problem(expression->span, "NULL cannot be one of several PARTITION BY expressions.");
    const bool twice = std::ranges::any_of(
        partition_by_, [&](const ExprPtr& other) { return same_expr(*other, *bound.expr); });
    if (twice) return problem(expression->span, "PARTITION BY names this twice.");
    partition_by_.push_back(std::move(bound.expr));
  }
  if (first_source().window && rekeys()) {
    return problem(query_.partition_by_span,
                   "Repartitioning of windowed sources is not supported: their windows are part of "
                   "the key.");
  }
  return {};
}

Parsed<void> QueryPlanner::bind_groups() {
  const QueryFacts facts{.over_table = kind_after(*scope_, joins_.joins, joins_.joins.size()) ==
                                       SourceKind::table};
  group_rule_ = std::make_unique<GroupRule>(*binder_, *scope_, query_.window.has_value(), facts);
  return group_rule_->bind_keys(query_.group_by);
}

// A PARTITION BY that names the present key moves nothing.
bool QueryPlanner::rekeys() const {
  std::vector<std::size_t> present;
  const auto& columns = first_source().schema.columns;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].role == ColumnRole::key) present.push_back(i);
  }
  if (drops_key_) return !present.empty() || scope_->is_join();
  if (partition_by_.empty()) return false;
  if (scope_->is_join()) return true;
  std::vector<std::size_t> wanted;
  for (const ExprPtr& partition : partition_by_) {
    const auto* column = std::get_if<ColumnExpr>(&partition->node);
    if (column == nullptr) return true;
    wanted.push_back(column->index);
  }
  return wanted != present;
}

data::Schema QueryPlanner::output_schema() const {
  data::Schema schema;
  for (const Output& output : outputs_) {
    schema.columns.push_back(
        {output.name, output.expr->type, output.key ? ColumnRole::key : ColumnRole::value});
  }
  return schema;
}

}  // namespace penstock::sql
