// Walks over bound expressions.
#pragma once

#include <vector>

#include "sql/expr.h"

namespace penstock::sql {

// The same tree with the same types, wherever it was written.
bool same_expr(const Expr& a, const Expr& b);
ExprPtr clone(const Expr& expr);

// Calls visit(index) for every column that is read.
template <typename Visit>
void for_each_column(const Expr& expr, Visit&& visit) {
  if (const auto* column = std::get_if<ColumnExpr>(&expr.node)) visit(column->index);
  for_each_child(expr, [&](const Expr& child) { for_each_column(child, visit); });
}

// All columns that an expression names become this one, which has their type.
void point_at(Expr& expr, std::size_t column);
// Replaces the numbers of all columns.
void renumber(Expr& expr, const std::vector<std::size_t>& places);

}  // namespace penstock::sql
