#include "sql/query_planner.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "sql/limits.h"
#include "sql/name_text.h"
#include "sql/nearest.h"

namespace penstock::sql {
namespace {

using data::ColumnRole;

PlanPtr make_node(decltype(PlanNode::step) step, data::Schema schema, PlanPtr input) {
  auto node = std::make_unique<PlanNode>();
  node->step = std::move(step);
  node->schema = std::move(schema);
  if (input) node->inputs.push_back(std::move(input));
  return node;
}

// Marks the columns that the expression reads.
void collect(const Expr& expr, std::vector<bool>& used) {
  if (const auto* column = std::get_if<ColumnExpr>(&expr.node)) used[column->index] = true;
  for_each_child(expr, [&](const Expr& child) { collect(child, used); });
}

bool is_value_copy(const ast::Expression& expression) {
  const auto* call = std::get_if<ast::Call>(&expression.node);
  return call != nullptr && call->name.text == "AS_VALUE";
}

std::string column_name(const ast::Expression& expression) {
  const auto* column = std::get_if<ast::ColumnName>(&expression.node);
  return column == nullptr ? std::string() : column->column.text;
}

ExprPtr planned_column(std::size_t index, const data::Type& type, SourceSpan span) {
  auto expr = std::make_unique<Expr>();
  expr->type = type;
  expr->node = ColumnExpr{index};
  expr->span = span;
  return expr;
}

}  // namespace

Parsed<const StreamInfo*> find_stream(const BindContext& context, const ast::Identifier& name) {
  if (const StreamInfo* stream = context.catalogue.find(name.text)) return stream;
  const std::vector<std::string> names = context.catalogue.names();
  const std::string hint = did_you_mean(name.text, names);
  return problem(name.span, fmt::format("Stream '{}' does not exist.{}", name.text,
                                        hint.empty() ? " SHOW STREAMS lists them." : hint));
}

QueryPlanner::QueryPlanner(const BindContext& context, const ast::Query& query,
                           const StreamInfo& source)
    : query_(query),
      scope_(source, query.alias ? query.alias->text : source.name),
      binder_(context.functions, &scope_, context.text) {}

Parsed<PlanPtr> QueryPlanner::plan_push() {
  TRY(bind_where());
  TRY(bind_partition_by());
  TRY(bind_outputs(false));
  TRY(check_names());
  PlanPtr plan = steps();
  if (!query_.limit) return plan;
  data::Schema schema = plan->schema;
  return make_node(LimitStep{*query_.limit}, std::move(schema), std::move(plan));
}

Parsed<data::Schema> QueryPlanner::derive(const ast::Identifier& sink) {
  if (query_.limit) {
    return problem(query_.limit_span,
                   "LIMIT cannot stand in a query that feeds a stream: it runs until it is "
                   "terminated.");
  }
  TRY(bind_where());
  TRY(bind_partition_by());
  TRY(bind_outputs(true));
  TRY(mark_keys(sink));
  TRY(check_names());
  const bool no_values =
      std::all_of(outputs_.begin(), outputs_.end(), [](const Output& o) { return o.key; });
  if (no_values)
    return problem(query_.items.front().span, "The projection contains no value columns.");
  return output_schema();
}

Parsed<void> QueryPlanner::match(const data::Schema& target, SourceSpan span) {
  const data::Schema result = output_schema();
  bool fits = target.columns.size() == result.columns.size();
  for (std::size_t i = 0; fits && i < target.columns.size(); ++i) {
    const data::ColumnSchema& to = target.columns[i];
    const data::ColumnSchema& from = result.columns[i];
    fits = to.name == from.name && to.role == from.role && widens_to(from.type, to.type);
  }
  if (!fits) {
    return problem(
        span, fmt::format("Incompatible schema between results and sink. Result schema is {}; sink "
                          "schema is {}. Columns match by position, name and type.",
                          result.text(), target.text()));
  }
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    Bound value{std::move(outputs_[i].expr)};
    outputs_[i].expr = TRY(binder_.calls().coerce(std::move(value), target.columns[i].type));
  }
  return {};
}

Parsed<PlanPtr> QueryPlanner::finish(StreamInfo sink) {
  PlanPtr plan = steps();
  if (rekeys()) {
    data::Schema schema = plan->schema;
    plan = make_node(RekeyStep{}, std::move(schema), std::move(plan));
  }
  data::Schema schema = sink.schema;
  return make_node(SinkStep{std::move(sink)}, std::move(schema), std::move(plan));
}

Parsed<void> QueryPlanner::bind_where() {
  if (query_.where) where_ = TRY(binder_.bind_predicate(*query_.where, "WHERE"));
  return {};
}

Parsed<void> QueryPlanner::bind_partition_by() {
  std::set<std::string> seen;
  for (const ast::ExpressionPtr& expression : query_.partition_by) {
    Bound bound = TRY(binder_.bind(*expression));
    const bool is_null = literal_of(*bound.expr) != nullptr &&
                         std::holds_alternative<data::Null>(literal_of(*bound.expr)->value);
    if (is_null && query_.partition_by.size() == 1) {
      drops_key_ = true;
      return {};
    }
    if (is_null)
      return problem(expression->span, "NULL cannot be one of several PARTITION BY expressions.");
    if (!seen.insert(text_of_expr(*bound.expr)).second) {
      return problem(expression->span, "PARTITION BY names this twice.");
    }
    partition_by_.push_back(std::move(bound.expr));
  }
  return {};
}

Parsed<void> QueryPlanner::bind_outputs(bool persistent) {
  for (const ast::SelectItem& item : query_.items) {
    if (item.expression) {
      TRY(add_expression(item, persistent));
    } else {
      if (item.star_source) TRY(scope_.check_qualifier(*item.star_source));
      TRY(expand_star(item));
    }
    if (outputs_.size() > kColumnsMax) {
      return too_much(item.span, fmt::format("A SELECT gives at most {} columns.", kColumnsMax));
    }
  }
  return {};
}

// Without PARTITION BY the stream's columns as they are; with it the new key first and columns of
// the old one last, as ksqlDB orders them.
Parsed<void> QueryPlanner::expand_star(const ast::SelectItem& item) {
  const auto& columns = scope_.stream().schema.columns;
  std::set<std::size_t> done;
  for (std::size_t i = 0; i < partition_by_.size(); ++i) {
    if (const auto* column = std::get_if<ColumnExpr>(&partition_by_[i]->node)) {
      done.insert(column->index);
      add_column(column->index, item.span);
      continue;
    }
    Bound again = TRY(binder_.bind(*query_.partition_by[i]));
    outputs_.push_back(
        {.name = next_generated_name(), .expr = std::move(again.expr), .span = item.span});
  }
  const auto add_all = [&](std::optional<ColumnRole> role) {
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (role && columns[i].role != *role) continue;
      if (done.insert(i).second) add_column(i, item.span);
    }
  };
  if (!partition_by_.empty()) add_all(ColumnRole::value);
  add_all(std::nullopt);
  return {};
}

void QueryPlanner::add_column(std::size_t index, SourceSpan span) {
  outputs_.push_back({.name = std::string(scope_.name_at(index)),
                      .expr = planned_column(index, scope_.type_at(index), span),
                      .span = span});
}

Parsed<void> QueryPlanner::add_expression(const ast::SelectItem& item, bool persistent) {
  Bound bound = TRY(binder_.bind(*item.expression));
  if (bound.untyped_null) {
    return problem(item.span,
                   "Can't infer a type of null. Please explicitly cast it to a required type, e.g. "
                   "CAST(null AS VARCHAR).");
  }
  Output output{.name = {},
                .expr = std::move(bound.expr),
                .value_copy = is_value_copy(*item.expression),
                .span = item.span};
  output.name = item.alias ? item.alias->text : column_name(*item.expression);
  if (output.name.empty()) output.name = next_generated_name();
  if (persistent && is_reserved_column(output.name)) {
    return problem(
        item.alias ? item.alias->span : item.span,
        fmt::format("Reserved column name in select: `{}`. Please remove or alias the column.",
                    output.name));
  }
  outputs_.push_back(std::move(output));
  return {};
}

std::string QueryPlanner::next_generated_name() {
  const auto taken = [&](const std::string& name) {
    const bool alias = std::any_of(
        query_.items.begin(), query_.items.end(),
        [&](const ast::SelectItem& item) { return item.alias && item.alias->text == name; });
    return alias || scope_.stream().schema.find(name).has_value();
  };
  for (;;) {
    std::string name = fmt::format("KSQL_COL_{}", generated_++);
    if (!taken(name)) return name;
  }
}

Parsed<void> QueryPlanner::check_names() const {
  std::set<std::string_view> seen;
  for (const Output& output : outputs_) {
    if (seen.insert(output.name).second) continue;
    return problem(
        output.span,
        fmt::format("Duplicate value columns found in schema: `{}` {}. Give one of them an "
                    "alias.",
                    output.name, output.expr->type.text()));
  }
  return {};
}

std::vector<QueryPlanner::Key> QueryPlanner::wanted_keys() const {
  std::vector<Key> keys;
  if (drops_key_) return keys;
  for (const ExprPtr& partition : partition_by_) {
    const std::string text = text_of_expr(*partition);
    const bool column = std::holds_alternative<ColumnExpr>(partition->node);
    keys.push_back({text, column ? fmt::format("{}.{}", name_text(scope_.alias()), text) : text});
  }
  if (!partition_by_.empty()) return keys;
  for (const data::ColumnSchema& column : scope_.stream().schema.columns) {
    if (column.role == ColumnRole::key)
      keys.push_back({name_text(column.name), name_text(column.name)});
  }
  return keys;
}

Parsed<void> QueryPlanner::mark_keys(const ast::Identifier& sink) {
  std::vector<Output> ordered;
  const std::vector<std::string> names = scope_.column_names();
  std::vector<std::string> texts;  // of the outputs; empty: never a key
  for (const Output& output : outputs_) {
    texts.push_back(output.value_copy ? std::string() : to_text(*output.expr, names));
  }
  for (const Key& key : wanted_keys()) {
    Output* found = nullptr;
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
      Output& output = outputs_[i];
      if (!output.expr || texts[i] != key.text) continue;
      if (found != nullptr) {
        return problem(
            output.span,
            fmt::format("The projection contains a key column more than once: `{}` and `{}`. "
                        "Wrap the copy in AS_VALUE(...).",
                        found->name, output.name));
      }
      found = &output;
    }
    if (found == nullptr) {
      return problem(
          query_.items.front().span,
          fmt::format(
              "The query used to build `{}` must include the {} {} in its projection (eg, SELECT "
              "{}...).",
              sink.text, partition_by_.empty() ? "key column" : "partitioning expression",
              key.shown, key.shown));
    }
    found->key = true;
    ordered.push_back(std::move(*found));
  }
  for (Output& output : outputs_) {
    if (output.expr) ordered.push_back(std::move(output));
  }
  outputs_ = std::move(ordered);
  return {};
}

// A PARTITION BY that names the present key moves nothing.
bool QueryPlanner::rekeys() const {
  std::vector<std::size_t> present;
  const auto& columns = scope_.stream().schema.columns;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].role == ColumnRole::key) present.push_back(i);
  }
  if (drops_key_) return !present.empty();
  if (partition_by_.empty()) return false;
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

PlanPtr QueryPlanner::steps() {
  SourceStep source{.stream = scope_.stream(), .used = {}, .pseudo = scope_.pseudo()};
  const data::Schema input = scope_.schema();
  source.used.assign(input.columns.size(), false);
  if (where_) collect(*where_, source.used);
  for (const Output& output : outputs_) collect(*output.expr, source.used);
  if (source.stream.timestamp_column) {
    if (const auto index = source.stream.schema.find(*source.stream.timestamp_column))
      source.used[*index] = true;
  }
  PlanPtr plan = make_node(std::move(source), input, nullptr);
  if (where_) plan = make_node(FilterStep{std::move(where_)}, input, std::move(plan));
  ProjectStep project;
  data::Schema schema = output_schema();
  for (Output& output : outputs_)
    project.items.push_back({std::move(output.name), std::move(output.expr)});
  return make_node(std::move(project), std::move(schema), std::move(plan));
}

}  // namespace penstock::sql
