#include "sql/coercion.h"

#include "base/check.h"

namespace penstock::sql {
namespace {

using data::Type;
using data::TypeKind;

Type integer_decimal(int precision) {
  auto type = Type::decimal(precision, 0);
  CHECK(type.has_value());
  return *std::move(type);
}

int digits_of(std::int64_t value) {
  int digits = 1;
  while (value <= -10 || value >= 10) {
    value /= 10;
    ++digits;
  }
  return digits;
}

}  // namespace

ExprPtr make_literal(Type type, data::Value value, SourceSpan span) {
  auto expr = std::make_unique<Expr>();
  expr->type = std::move(type);
  expr->node = LiteralExpr{std::move(value)};
  expr->span = span;
  return expr;
}

const LiteralExpr* literal_of(const Expr& expr) {
  return std::get_if<LiteralExpr>(&expr.node);
}

bool is_string_literal(const Bound& bound) {
  return !bound.untyped_null && bound.expr->type.kind() == TypeKind::string &&
         literal_of(*bound.expr) != nullptr &&
         std::holds_alternative<std::string>(literal_of(*bound.expr)->value);
}

Type exact_decimal_for(const Expr& expr) {
  if (const LiteralExpr* literal = literal_of(expr)) {
    if (const auto* value = std::get_if<std::int32_t>(&literal->value))
      return integer_decimal(digits_of(*value));
    if (const auto* value = std::get_if<std::int64_t>(&literal->value))
      return integer_decimal(digits_of(*value));
  }
  return decimal_for(expr.type);
}

}  // namespace penstock::sql
