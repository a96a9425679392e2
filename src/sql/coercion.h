// Implicit conversions: INTEGER -> BIGINT -> DECIMAL -> DOUBLE. Private to sql.
#pragma once

#include <optional>

#include "sql/expr.h"
#include "sql/type_rules.h"

namespace penstock::sql {

// A bound expression whose type may still be open.
struct Bound {
  ExprPtr expr;
  bool untyped_null = false;  // NULL as written: takes any type that its place wants
};

ExprPtr make_literal(data::Type type, data::Value value, SourceSpan span);
const LiteralExpr* literal_of(const Expr& expr);  // nullptr: not a literal
bool is_string_literal(const Bound& bound);

// The decimal that holds just this literal.
data::Type exact_decimal_for(const Expr& expr);

}  // namespace penstock::sql
