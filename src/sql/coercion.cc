#include "sql/coercion.h"

#include <algorithm>

#include "base/check.h"
#include "data/decimal.h"

namespace penstock::sql {
namespace {

using data::Type;
using data::TypeKind;

constexpr int kIntegerDigits = 10;
constexpr int kBigintDigits = 19;

std::optional<int> rank(TypeKind kind) {
  switch (kind) {
    case TypeKind::integer:
      return 0;
    case TypeKind::bigint:
      return 1;
    case TypeKind::decimal:
      return 2;
    case TypeKind::double_:
      return 3;
    default:
      return std::nullopt;
  }
}

Type decimal_type(int precision, int scale) {
  auto type = Type::decimal(precision, scale);
  CHECK(type.has_value());
  return *std::move(type);
}

std::optional<Type> common_decimal(const Type& a, const Type& b) {
  const int scale = std::max(a.scale(), b.scale());
  const int precision = std::max(a.precision() - a.scale(), b.precision() - b.scale()) + scale;
  if (precision > data::kDecimalDigitsMax) return std::nullopt;
  return decimal_type(precision, scale);
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

std::optional<int> widening_steps(TypeKind from, TypeKind to) {
  if (from == to) return 0;
  const auto from_rank = rank(from);
  const auto to_rank = rank(to);
  if (!from_rank || !to_rank || *from_rank > *to_rank) return std::nullopt;
  return *to_rank - *from_rank;
}

Type decimal_for(const Type& type) {
  if (type.kind() == TypeKind::decimal) return type;
  return decimal_type(type.kind() == TypeKind::integer ? kIntegerDigits : kBigintDigits, 0);
}

Type exact_decimal_for(const Expr& expr) {
  if (const LiteralExpr* literal = literal_of(expr)) {
    if (const auto* value = std::get_if<std::int32_t>(&literal->value))
      return decimal_type(digits_of(*value), 0);
    if (const auto* value = std::get_if<std::int64_t>(&literal->value))
      return decimal_type(digits_of(*value), 0);
  }
  return decimal_for(expr.type);
}

std::optional<Type> common_type(const Type& a, const Type& b) {
  if (a == b) return a;
  const auto a_rank = rank(a.kind());
  const auto b_rank = rank(b.kind());
  if (!a_rank || !b_rank) return std::nullopt;
  const TypeKind wider = *a_rank > *b_rank ? a.kind() : b.kind();
  if (wider == TypeKind::decimal) return common_decimal(decimal_for(a), decimal_for(b));
  return Type(wider);
}

bool widens_to(const Type& from, const Type& to) {
  if (from == to) return true;
  if (!widening_steps(from.kind(), to.kind())) return false;
  if (to.kind() != TypeKind::decimal) return true;
  const auto common = common_decimal(decimal_for(from), to);
  return common && *common == to;
}

bool castable(const Type& from, const Type& to) {
  if (from == to) return true;
  if (from.is_nested() || to.is_nested()) return false;
  if (from.is_numeric() && to.is_numeric()) return true;
  if (from.kind() == TypeKind::bytes || to.kind() == TypeKind::bytes) return false;
  if (from.kind() == TypeKind::string || to.kind() == TypeKind::string) return true;
  if (from.kind() == TypeKind::timestamp)
    return to.kind() == TypeKind::date || to.kind() == TypeKind::time;
  return from.kind() == TypeKind::date && to.kind() == TypeKind::timestamp;
}

}  // namespace penstock::sql
