// The SELECT's items: stars, expressions, names.
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "sql/limits.h"
#include "sql/name_text.h"
#include "sql/query_planner.h"

namespace penstock::sql {

using data::ColumnRole;
using data::TypeKind;

Parsed<void> QueryPlanner::bind_outputs(bool persistent) {
  for (const ast::SelectItem& item : query_.items) {
    if (item.struct_star) {
      TRY(expand_struct(item));
    } else if (item.expression) {
      TRY(add_expression(item, persistent));
    } else {
      TRY(expand_star(item));
    }
    if (outputs_.size() > kColumnsMax) {
      return too_much(item.span, fmt::format("A SELECT gives at most {} columns.", kColumnsMax));
    }
  }
  return {};
}

Parsed<void> QueryPlanner::bind_having() {
  if (!query_.having) return {};
  group_rule_->set_place("HAVING", *query_.having);
  binder_->set_rule(group_rule_.get());
  auto bound = binder_->bind_predicate(*query_.having, "HAVING");
  binder_->set_rule(nullptr);
  having_ = TRY(std::move(bound));
  return {};
}

Parsed<Bound> QueryPlanner::bind_output(const ast::Expression& expression) {
  NodeRule* rule = table_rule_.get();
  if (grouped()) {
    group_rule_->set_place("SELECT", expression);
    rule = group_rule_.get();
  }
  binder_->set_rule(rule);
  auto bound = binder_->bind(expression);
  binder_->set_rule(nullptr);
  return bound;
}

// The new key first, as ksqlDB orders columns.
Parsed<void> QueryPlanner::expand_partition_keys(const ast::SelectItem& item,
                                                 std::vector<std::size_t>& done) {
  for (std::size_t i = 0; i < partition_by_.size(); ++i) {
    if (const auto* column = std::get_if<ColumnExpr>(&partition_by_[i]->node)) {
      done.push_back(column->index);
      TRY(add_column(column->index, item.span));
      continue;
    }
    Bound again = TRY(binder_->bind(*query_.partition_by[i]));
    std::string name;
    if (const auto* field = std::get_if<ast::Field>(&query_.partition_by[i]->node))
      name = next_field_name(field->name.text);
    if (name.empty()) name = next_generated_name();
    outputs_.push_back({.name = std::move(name), .expr = std::move(again.expr), .span = item.span});
  }
  return {};
}

// Each source's key, its window's bounds where their names tell them apart (in a join), and the
// rest. Behind the new key of PARTITION BY the old one comes last.
Parsed<void> QueryPlanner::expand_star(const ast::SelectItem& item) {
  const Scope::Part* only = nullptr;
  if (item.star_source) only = TRY(scope_->find_part(*item.star_source));
  std::vector<std::size_t> done;
  const bool moves = query_.partition_by_span.end > 0;
  if (!partition_by_.empty()) TRY(expand_partition_keys(item, done));
  if (only == nullptr && scope_->key_column()) TRY(add_column(*scope_->key_column(), item.span));
  for (const Scope::Part& part : scope_->parts()) {
    if (only != nullptr && only != &part) continue;
    const bool keys_last = moves && only == nullptr;
    if (!keys_last) TRY(expand_columns(part, ColumnRole::key, item.span, done));
    if (scope_->is_join()) TRY(expand_window(part, item.span));
    TRY(expand_columns(part, ColumnRole::value, item.span, done));
    if (keys_last) TRY(expand_columns(part, ColumnRole::key, item.span, done));
  }
  return {};
}

Parsed<void> QueryPlanner::expand_columns(const Scope::Part& part, ColumnRole role, SourceSpan span,
                                          std::vector<std::size_t>& done) {
  const auto& columns = part.source->schema.columns;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const std::size_t index = part.base + i;
    if ((columns[i].role == ColumnRole::key) != (role == ColumnRole::key)) continue;
    if (std::ranges::find(done, index) != done.end()) continue;
    done.push_back(index);
    TRY(add_column(index, span));
  }
  return {};
}

Parsed<void> QueryPlanner::expand_window(const Scope::Part& part, SourceSpan span) {
  if (!part.source->window) return {};
  const std::size_t first = part.base + part.source->schema.columns.size();
  for (std::size_t i = 0; i < part.pseudo.size(); ++i)
    if (sql::is_window_bound(part.pseudo[i])) TRY(add_column(first + i, span));
  return {};
}

Parsed<void> QueryPlanner::expand_struct(const ast::SelectItem& item) {
  Bound probe = TRY(bind_output(*item.expression));
  if (probe.expr->type.kind() != TypeKind::struct_) {
    return problem(item.span, fmt::format("'->*' takes the fields of a STRUCT, but this is {}.",
                                          probe.expr->type.text()));
  }
  const auto fields = probe.expr->type.fields();
  for (std::size_t i = 0; i < fields.size(); ++i) {
    Bound from = TRY(bind_output(*item.expression));
    FieldExpr field{.from = std::move(from.expr), .field = i};
    outputs_.push_back({.name = fields[i].name,
                        .expr = make_expr(fields[i].type, std::move(field), item.span),
                        .span = item.span});
  }
  return {};
}

// A column of the sources, by what names it in the query: of GROUP BY it must be one of the groups.
Parsed<void> QueryPlanner::add_column(std::size_t index, SourceSpan span) {
  const bool key = scope_->key_column() == index;
  std::string name = scope_->name_at(index);
  const std::string own = name;
  if (scope_->is_join() && !key) name = fmt::format("{}_{}", scope_->part_of(index).alias, name);
  ExprPtr expr = make_column(index, scope_->type_at(index), span);
  if (grouped()) {
    ast::Expression written;
    written.span = span;
    ast::ColumnName column;
    if (!key) column.source = ast::Identifier{scope_->part_of(index).alias, span};
    column.column = ast::Identifier{own, span};
    written.node = std::move(column);
    expr = TRY(bind_output(written)).expr;
  }
  outputs_.push_back({.name = std::move(name), .expr = std::move(expr), .span = span});
  return {};
}

Parsed<void> QueryPlanner::add_expression(const ast::SelectItem& item, bool persistent) {
  Bound bound = TRY(bind_output(*item.expression));
  if (bound.untyped_null) {
    return problem(item.span,
                   "Can't infer a type of null. Please explicitly cast it to a required type, e.g. "
                   "CAST(null AS VARCHAR).");
  }
  Output output{.name = name_of_item(item), .expr = std::move(bound.expr), .span = item.span};
  if (persistent && is_reserved_column(output.name)) {
    return problem(
        item.alias ? item.alias->span : item.span,
        fmt::format("Reserved column name in select: `{}`. Please remove or alias the column.",
                    output.name));
  }
  outputs_.push_back(std::move(output));
  return {};
}

std::string QueryPlanner::name_of_item(const ast::SelectItem& item) {
  if (item.alias) return item.alias->text;
  if (const auto* column = std::get_if<ast::ColumnName>(&item.expression->node)) {
    if (column->source && scope_->clashes(column->column.text))
      return fmt::format("{}_{}", column->source->text, column->column.text);
    return column->column.text;
  }
  if (const auto* field = std::get_if<ast::Field>(&item.expression->node))
    return next_field_name(field->name.text);
  return next_generated_name();
}

bool QueryPlanner::is_taken(const std::string& name) const {
  const bool alias = std::ranges::any_of(query_.items, [&](const ast::SelectItem& item) {
    return item.alias && item.alias->text == name;
  });
  return alias || std::ranges::any_of(scope_->parts(), [&](const Scope::Part& part) {
           return part.source->schema.find(name).has_value();
         });
}

std::string QueryPlanner::next_generated_name() {
  for (;;) {
    std::string name = fmt::format("KSQL_COL_{}", generated_++);
    if (!is_taken(name)) return name;
  }
}

// FIELD, FIELD_1, FIELD_2, ...: the first that nothing else is named.
std::string QueryPlanner::next_field_name(const std::string& field) {
  const auto used = [&](const std::string& name) {
    return is_taken(name) || std::ranges::find(outputs_, name, &Output::name) != outputs_.end();
  };
  if (!used(field)) return field;
  for (int n = 1;; ++n) {
    std::string name = fmt::format("{}_{}", field, n);
    if (!used(name)) return name;
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

}  // namespace penstock::sql
