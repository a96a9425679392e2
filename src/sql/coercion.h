// Implicit conversions: INTEGER -> BIGINT -> DECIMAL -> DOUBLE. Private to sql.
#pragma once

#include <optional>

#include "data/type.h"
#include "sql/expr.h"

namespace penstock::sql {

// A bound expression whose type may still be open.
struct Bound {
  ExprPtr expr;
  bool untyped_null = false;  // NULL as written: takes any type that its place wants
};

ExprPtr make_literal(data::Type type, data::Value value, SourceSpan span);
const LiteralExpr* literal_of(const Expr& expr);  // nullptr: not a literal
bool is_string_literal(const Bound& bound);

// How far `from` widens to `to`'s kind: 0 for the same kind, up to 3; nullopt when it does not.
std::optional<int> widening_steps(data::TypeKind from, data::TypeKind to);

// The decimal that holds every value of an integer type; that holds just this literal.
data::Type decimal_for(const data::Type& type);
data::Type exact_decimal_for(const Expr& expr);

// The narrowest type that holds both; nullopt when there is none.
std::optional<data::Type> common_type(const data::Type& a, const data::Type& b);

// Whether values of `from` can be written as `to` without losing anything.
bool widens_to(const data::Type& from, const data::Type& to);

// What CAST accepts.
bool castable(const data::Type& from, const data::Type& to);

}  // namespace penstock::sql
