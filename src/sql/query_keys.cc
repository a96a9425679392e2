// Which outputs are the key of what a query writes.
#include <algorithm>

#include <fmt/format.h>

#include "sql/expr_tools.h"
#include "sql/name_text.h"
#include "sql/query_planner.h"

namespace penstock::sql {

using data::ColumnRole;

std::vector<QueryPlanner::Key> QueryPlanner::wanted_keys() const {
  std::vector<Key> keys;
  const auto column_of = [&](std::size_t index) {
    return make_column(index, scope_->type_at(index), SourceSpan{});
  };
  const auto qualified = [&](std::size_t index) {
    if (scope_->key_column() == index) return name_text(scope_->name_at(index));
    return fmt::format("{}.{}", name_text(scope_->part_of(index).alias),
                       name_text(scope_->name_at(index)));
  };
  if (grouped()) {
    for (std::size_t i = 0; i < query_.group_by.size(); ++i) {
      Key key{.any_of = {}, .shown = ast::to_text(*query_.group_by[i])};
      key.any_of.push_back(make_column(i, group_rule_->keys()[i]->type, SourceSpan{}));
      keys.push_back(std::move(key));
    }
    return keys;
  }
  if (drops_key_) return keys;
  for (std::size_t i = 0; i < partition_by_.size(); ++i) {
    const auto* column = std::get_if<ColumnExpr>(&partition_by_[i]->node);
    Key key{.any_of = {},
            .shown = column != nullptr ? qualified(column->index)
                                       : ast::to_text(*query_.partition_by[i])};
    key.any_of.push_back(clone(*partition_by_[i]));
    keys.push_back(std::move(key));
  }
  if (!partition_by_.empty()) return keys;
  if (scope_->is_join()) {
    for (const std::vector<std::size_t>& alternatives : joins_.keys) {
      Key& key = keys.emplace_back();
      for (const std::size_t index : alternatives) {
        key.shown += (key.shown.empty() ? "" : " or ") + qualified(index);
        key.any_of.push_back(column_of(index));
      }
    }
    if (const auto own = scope_->key_column()) {
      Key& key = keys.emplace_back();
      key.shown = qualified(*own);
      key.any_of.push_back(column_of(*own));
    }
    return keys;
  }
  const auto& columns = first_source().schema.columns;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].role != ColumnRole::key) continue;
    Key key{.any_of = {}, .shown = name_text(columns[i].name)};
    key.any_of.push_back(column_of(i));
    keys.push_back(std::move(key));
  }
  return keys;
}

std::string QueryPlanner::key_words(std::size_t keys) const {
  const std::string_view many = keys == 1 ? "" : "s";
  if (grouped()) return fmt::format("grouping expression{}", many);
  if (!partition_by_.empty()) return fmt::format("partitioning expression{}", many);
  if (scope_->is_join()) {
    const bool one = joins_.keys.empty() || (joins_.keys.size() == 1 && joins_.keys[0].size() == 1);
    return fmt::format("join expression{}", one ? "" : "s");
  }
  return fmt::format("key column{}", many);
}

Parsed<void> QueryPlanner::mark_keys(const ast::Identifier& sink) {
  std::vector<Output> ordered;
  const std::vector<Key> wanted = wanted_keys();
  std::string all, example;
  for (const Key& key : wanted) {
    all += (all.empty() ? "" : " and ") + key.shown;
    example += (example.empty() ? "" : ", ") + key.shown.substr(0, key.shown.find(" or "));
  }
  for (const Key& key : wanted) {
    Output* found = nullptr;
    for (const ExprPtr& alternative : key.any_of) {
      for (Output& output : outputs_) {
        if (!output.expr || !same_expr(*output.expr, *alternative)) continue;
        if (found != nullptr) {
          return problem(
              output.span,
              fmt::format("The projection contains a key column more than once: `{}` and `{}`. "
                          "Wrap the copy in AS_VALUE(...).",
                          found->name, output.name));
        }
        found = &output;
      }
      if (found != nullptr) break;
    }
    if (found == nullptr) {
      return problem(query_.items.front().span,
                     fmt::format("The query used to build `{}` must include the {} {} in its "
                                 "projection (eg, SELECT {}...).",
                                 sink.text, key_words(wanted.size()), all, example));
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

void QueryPlanner::mark_keys_for_client() {
  if (kind() != SourceKind::table) return;
  for (const Key& key : wanted_keys())
    for (const ExprPtr& alternative : key.any_of)
      for (Output& output : outputs_) output.key |= same_expr(*output.expr, *alternative);
  for (Output& output : outputs_) output.key |= is_window_bound(*output.expr);
}

bool QueryPlanner::is_window_bound(const Expr& expr) const {
  const auto* column = std::get_if<ColumnExpr>(&expr.node);
  if (column == nullptr) return false;
  if (grouped())
    return column->index == GroupRule::kWindowStart || column->index == GroupRule::kWindowStart + 1;
  return scope_->is_pseudo(column->index) &&
         (scope_->name_at(column->index) == name_of(PseudoColumn::windowstart) ||
          scope_->name_at(column->index) == name_of(PseudoColumn::windowend));
}

}  // namespace penstock::sql
