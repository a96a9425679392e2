// INSERT INTO.
#include <algorithm>
#include <variant>

#include <fmt/format.h>

#include "data/time.h"
#include "sql/constant.h"
#include "sql/nearest.h"
#include "sql/statement_binder.h"
#include "sql/stream_settings.h"
#include "sql/type_rules.h"

namespace penstock::sql {
namespace {

using data::Type;
using data::TypeKind;

std::string names_text(const data::Schema& schema) {
  std::string text;
  for (const data::ColumnSchema& column : schema.columns)
    text += (text.empty() ? "" : ", ") + column.name;
  return text;
}

// Columns to fill, in the order of the values; nullopt stands for ROWTIME.
using Places = std::vector<std::optional<std::size_t>>;

Parsed<Places> places_of(const ast::InsertValues& insert, const StreamInfo& target) {
  Places places;
  const auto& columns = target.schema.columns;
  if (insert.columns.empty()) {
    for (std::size_t i = 0; i < columns.size(); ++i) places.emplace_back(i);
    return places;
  }
  for (const ast::Identifier& name : insert.columns) {
    const auto index = target.schema.find(name.text);
    if (!index && name.text != "ROWTIME") {
      std::vector<std::string> candidates;
      for (const data::ColumnSchema& column : columns) candidates.push_back(column.name);
      candidates.emplace_back("ROWTIME");
      const std::string hint = did_you_mean(name.text, candidates);
      return problem(
          name.span,
          fmt::format("Column name `{}` does not exist in {}.{}", name.text, target.name,
                      hint.empty() ? fmt::format(" It has {}.", names_text(target.schema)) : hint));
    }
    if (std::find(places.begin(), places.end(), index) != places.end()) {
      return problem(name.span, fmt::format("Column {} is given twice.", name.text));
    }
    places.push_back(index);
  }
  return places;
}

// The constant in the column's type, or the expression of that type; the message names both types,
// never the value.
using Given = std::variant<data::Value, ExprPtr>;
Parsed<Given> value_for(ExpressionBinder& binder, const FunctionCatalogue& functions,
                        const ast::Expression& expression, const Type& type,
                        std::string_view column) {
  Bound bound = TRY(binder.bind(expression));
  if (bound.untyped_null) return Given(data::Null{});
  const Type from = bound.expr->type;
  const bool needs_quotes = type.kind() == TypeKind::string && from.kind() != TypeKind::string;
  if (const LiteralExpr* literal = literal_of(*bound.expr); literal != nullptr && !needs_quotes) {
    auto value = widen_constant(functions, literal->value, from, type);
    if (value) return Given(*std::move(value));
  }
  const bool fits = from == type || type.is_nested() || widens_to(from, type);
  if (literal_of(*bound.expr) == nullptr && !needs_quotes && fits) {
    auto brought = binder.bring_to(std::move(bound), type);
    if (brought) return Given(*std::move(brought));
  }
  if (type.kind() == TypeKind::bytes) {
    return problem(expression.span, fmt::format("Column {} is BYTES: TO_BYTES('...', 'utf8') or "
                                                "another encoding makes them of a text.",
                                                column));
  }
  return problem(expression.span,
                 fmt::format("Expected type {} for field `{}` but this {} does not fit it.",
                             type.text(), column, from.text()));
}

// A table's row is of a key.
Parsed<void> check_primary_key(const InsertValues& row, SourceSpan span) {
  if (!row.target.is_table()) return {};
  const auto& columns = row.target.schema.columns;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const bool given =
        !std::holds_alternative<data::Null>(row.values[i]) || row.computed.contains(i);
    if (columns[i].role == data::ColumnRole::key && !given) {
      return problem(span, fmt::format("Failed to insert values into '{}'. Value for primary key "
                                       "column(s) {} is required for tables.",
                                       row.target.name, columns[i].name));
    }
  }
  return {};
}

// Header columns and read-only sources are not written.
Parsed<void> check_target(const SourceInfo& target, const ast::Identifier& name) {
  if (target.read_only) {
    return problem(name.span, fmt::format("Cannot insert values into read-only {}: {}.",
                                          target.is_table() ? "table" : "stream", target.name));
  }
  if (!target.header_columns.empty()) {
    return problem(name.span, fmt::format("Cannot insert into {} because it has header columns.",
                                          target.name));
  }
  return {};
}

}  // namespace

Parsed<StatementBinder::Node> StatementBinder::bind_node(ast::InsertSelect& insert) {
  const SourceInfo* target = TRY(find_source(context_, insert.target));
  auto settings = TRY(read_query_settings(insert.properties));
  TRY(check_target(*target, insert.target));
  if (target->is_table()) {
    return problem(
        insert.target.span,
        fmt::format("INSERT INTO can only be used to insert into a stream. {} is a table.",
                    target->name));
  }
  auto planner = TRY(QueryPlanner::make(context_, insert.query));
  TRY(planner->derive(insert.target));
  if (planner->kind() == SourceKind::table) {
    return problem(insert.query.items.front().span,
                   "INSERT INTO can only take rows of a stream, but this SELECT produces a TABLE.");
  }
  TRY(planner->match(target->schema, insert.target.span));
  for (const SourceInfo* source : planner->sources())
    TRY(check_no_loop(*source, *target, insert.target.span));
  auto plan = TRY(planner->finish(*target));
  return InsertSelect{.target = insert.target.text,
                      .query_id = std::move(settings.query_id),
                      .plan = std::move(plan),
                      .on_change = settings.on_change};
}

Parsed<StatementBinder::Node> StatementBinder::bind_node(ast::InsertValues& insert) {
  const SourceInfo* target = TRY(find_source(context_, insert.target));
  TRY(check_target(*target, insert.target));
  if (target->window)
    return problem(insert.target.span, fmt::format("Cannot insert values into windowed {}: a row "
                                                   "of VALUES has no window.",
                                                   target->is_table() ? "table" : "stream"));
  const Places places = TRY(places_of(insert, *target));
  if (places.size() != insert.values.size()) {
    return problem(
        insert.values_span,
        fmt::format("Expected a value for each column: {} columns ({}) but {} values.",
                    places.size(), insert.columns.empty() ? names_text(target->schema) : "as named",
                    insert.values.size()));
  }
  ExpressionBinder binder(context_.functions, &context_.catalogue, nullptr, context_.text);
  InsertValues result{.target = *target, .values = {}, .computed = {}, .timestamp_ms = {}};
  result.values.assign(target->schema.columns.size(), data::Null{});
  for (std::size_t i = 0; i < places.size(); ++i) {
    const bool of_column = places[i].has_value();
    const data::ColumnSchema* column = of_column ? &target->schema.columns[*places[i]] : nullptr;
    Given given = TRY(value_for(binder, context_.functions, *insert.values[i],
                                of_column ? column->type : Type(TypeKind::bigint),
                                of_column ? column->name : "ROWTIME"));
    if (auto* expr = std::get_if<ExprPtr>(&given)) {
      if (!of_column)
        return problem(insert.values[i]->span, "ROWTIME is a number of milliseconds, written out.");
      result.computed[*places[i]] = std::move(*expr);
      continue;
    }
    data::Value& value = std::get<data::Value>(given);
    if (of_column) {
      result.values[*places[i]] = std::move(value);
    } else if (const auto* ms = std::get_if<std::int64_t>(&value)) {
      if (*ms < 0 || *ms > data::kTimeMax_ms)
        return problem(
            insert.values[i]->span,
            fmt::format("ROWTIME is a number of milliseconds from 0 to {}.", data::kTimeMax_ms));
      result.timestamp_ms = *ms;
    }
  }
  TRY(check_primary_key(result, insert.values_span));
  return result;
}

}  // namespace penstock::sql
