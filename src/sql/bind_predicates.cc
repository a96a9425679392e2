// Comparisons, BETWEEN, IN, LIKE, IS NULL, AND, OR.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/check.h"
#include "data/decimal.h"
#include "sql/constant.h"
#include "sql/expression_binder.h"
#include "sql/operator_names.h"

namespace penstock::sql {
namespace {

using ast::BinaryOperator;
using data::Type;
using data::TypeKind;

struct ComparisonRule {
  BinaryOperator op;
  std::string_view function;
  std::string_view name;  // as ksqlDB's messages have it
};
constexpr std::array<ComparisonRule, 7> kComparisons = {{
    {BinaryOperator::equal, op::kEqual, "EQUAL"},
    {BinaryOperator::not_equal, op::kNotEqual, "NOT_EQUAL"},
    {BinaryOperator::less, op::kLess, "LESS_THAN"},
    {BinaryOperator::less_equal, op::kLessEqual, "LESS_THAN_OR_EQUAL"},
    {BinaryOperator::greater, op::kGreater, "GREATER_THAN"},
    {BinaryOperator::greater_equal, op::kGreaterEqual, "GREATER_THAN_OR_EQUAL"},
    {BinaryOperator::is_distinct, op::kIsDistinct, "IS_DISTINCT_FROM"},
}};

bool ordered_only(BinaryOperator op) {
  return op >= BinaryOperator::less && op <= BinaryOperator::greater_equal;
}

std::size_t character_count(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

}  // namespace

Parsed<Bound> ExpressionBinder::bind_node(const ast::Logical& node, SourceSpan span) {
  std::vector<ExprPtr> terms;
  for (const ast::ExpressionPtr& term : node.terms) {
    terms.push_back(TRY(boolean(*term, node.conjunction ? "AND" : "OR")));
  }
  const auto kind =
      node.conjunction ? LogicalExpr::Kind::conjunction : LogicalExpr::Kind::disjunction;
  return Bound{logical(kind, std::move(terms), span)};
}

Parsed<Bound> ExpressionBinder::bind_node(const ast::Between& node, SourceSpan span) {
  std::vector<ExprPtr> terms;
  const std::array<std::pair<const ast::Expression*, BinaryOperator>, 2> bounds = {
      {{node.low.get(), BinaryOperator::greater_equal},
       {node.high.get(), BinaryOperator::less_equal}}};
  for (const auto& [bound, op] : bounds) {
    Bound value = TRY(bind(*node.value));
    Bound limit = TRY(bind(*bound));
    TRY(match_literals(value, limit, Literals::read_text));
    terms.push_back(TRY(comparison(op, std::move(value), std::move(limit), span)));
  }
  ExprPtr both = logical(LogicalExpr::Kind::conjunction, std::move(terms), span);
  return maybe_negated(std::move(both), node.negated, span);
}

Parsed<Bound> ExpressionBinder::bind_node(const ast::InList& node, SourceSpan span) {
  std::vector<ExprPtr> terms;
  for (const ast::ExpressionPtr& candidate : node.candidates) {
    terms.push_back(TRY(membership(*node.value, *candidate, span)));
  }
  ExprPtr any = terms.size() == 1 ? std::move(terms.front())
                                  : logical(LogicalExpr::Kind::disjunction, std::move(terms), span);
  return maybe_negated(std::move(any), node.negated, span);
}

Parsed<ExprPtr> ExpressionBinder::membership(const ast::Expression& value,
                                             const ast::Expression& candidate, SourceSpan span) {
  Bound left = TRY(bind(value));
  Bound right = TRY(bind(candidate));
  TRY(match_literals(left, right, Literals::either_way));
  const bool open = left.untyped_null || right.untyped_null;
  if (!open && left.expr->type != right.expr->type &&
      !common_type(left.expr->type, right.expr->type)) {
    return problem(candidate.span,
                   fmt::format("Invalid Predicate: operator does not exist: {} = {} ({})",
                               left.expr->type.text(), right.expr->type.text(),
                               text_of(candidate.span, text_)));
  }
  return comparison(BinaryOperator::equal, std::move(left), std::move(right), span);
}

Parsed<Bound> ExpressionBinder::bind_node(const ast::Like& node, SourceSpan span) {
  std::vector<Bound> args;
  args.push_back(TRY(bind(*node.value)));
  args.push_back(TRY(bind(*node.pattern)));
  if (node.escape) {
    Bound escape = TRY(bind(*node.escape));
    CHECK(is_string_literal(escape));
    if (character_count(std::get<std::string>(literal_of(*escape.expr)->value)) != 1) {
      return problem(node.escape->span, "The escape of LIKE is exactly one character.");
    }
    args.push_back(std::move(escape));
  } else {
    args.push_back({make_literal(Type(TypeKind::string), std::string(), span), false});
  }
  ExprPtr call = TRY(calls_.call(op::kLike, args, span));
  if (call) return maybe_negated(std::move(call), node.negated, span);
  return problem(span, fmt::format("LIKE compares strings, but here it has {} and {}.",
                                   shown(args[0]), shown(args[1])));
}

Parsed<Bound> ExpressionBinder::bind_node(const ast::IsNull& node, SourceSpan span) {
  Bound value = TRY(bind(*node.value));
  ExprPtr call = TRY(operation(op::kIsNull, std::move(value), span));
  return maybe_negated(std::move(call), node.negated, span);
}

Parsed<ExprPtr> ExpressionBinder::boolean(const ast::Expression& expression,
                                          std::string_view what) {
  return boolean(TRY(bind(expression)), what);
}

Parsed<ExprPtr> ExpressionBinder::boolean(Bound value, std::string_view what) {
  const Type wanted(TypeKind::boolean);
  if (value.untyped_null) return make_literal(wanted, data::Null{}, value.expr->span);
  if (value.expr->type == wanted) return std::move(value.expr);
  return problem(value.expr->span,
                 fmt::format("{} takes BOOLEAN but {} is not.", what, shown(value)));
}

Parsed<ExprPtr> ExpressionBinder::operation(std::string_view name, Bound first, SourceSpan span) {
  std::vector<Bound> args;
  args.push_back(std::move(first));
  ExprPtr call = TRY(calls_.call(name, args, span));
  if (call) return call;
  return problem(span, fmt::format("This does not take {}.", shown(args.front())));
}

// A string literal beside another type is read as that type; in IN lists (either_way) another
// literal beside a string becomes text too.
Parsed<void> ExpressionBinder::match_literals(Bound& left, Bound& right, Literals rule) {
  if (left.untyped_null || right.untyped_null) return {};
  const auto match = [&](Bound& literal, const Bound& other) -> Parsed<bool> {
    const Type& type = other.expr->type;
    if (is_string_literal(literal) && !type.is_text()) {
      literal = TRY(read_literal(std::move(literal), type));
      return true;
    }
    const bool to_text = rule == Literals::either_way && type.kind() == TypeKind::string &&
                         literal.expr->type.is_numeric() && literal_of(*literal.expr) != nullptr;
    if (!to_text) return false;
    literal = Bound{TRY(calls_.coerce(std::move(literal), type))};
    return true;
  };
  if (TRY(match(left, right))) return {};
  TRY(match(right, left));
  return {};
}

Parsed<Bound> ExpressionBinder::read_literal(Bound text, const Type& type) {
  const SourceSpan span = text.expr->span;
  const std::string value = std::get<std::string>(literal_of(*text.expr)->value);
  if (type.kind() == TypeKind::decimal) {
    // With its own digits, so that comparing does not round it.
    if (const auto parsed = data::parse_decimal(value)) {
      const auto own = Type::decimal(parsed->precision, parsed->scale);
      if (own) return Bound{make_literal(*own, parsed->unscaled, span)};
    }
  } else if (auto converted =
                 convert_constant(value, text.expr->type, type, Conversion::lossless)) {
    return Bound{make_literal(type, *std::move(converted), span)};
  }
  const std::string_view name = type.kind() == TypeKind::decimal ? "DECIMAL" : std::string_view();
  return problem(span,
                 fmt::format("invalid input syntax for type {}: \"{}\".",
                             name.empty() ? type.text() : std::string(name), value.substr(0, 60)));
}

Parsed<ExprPtr> ExpressionBinder::comparison(BinaryOperator op, Bound left, Bound right,
                                             SourceSpan span) {
  const auto* rule = std::find_if(kComparisons.begin(), kComparisons.end(),
                                  [&](const ComparisonRule& r) { return r.op == op; });
  CHECK(rule != kComparisons.end());
  std::vector<Bound> args;
  args.push_back(std::move(left));
  args.push_back(std::move(right));
  const bool booleans = std::any_of(args.begin(), args.end(), [](const Bound& arg) {
    return !arg.untyped_null && arg.expr->type.kind() == TypeKind::boolean;
  });
  ExprPtr call;
  if (!booleans || !ordered_only(op)) call = TRY(calls_.call(rule->function, args, span));
  if (call) return call;
  return problem(span, fmt::format("Cannot compare {} to {} with {}.", shown(args[0]),
                                   shown(args[1]), rule->name));
}

ExprPtr ExpressionBinder::logical(LogicalExpr::Kind kind, std::vector<ExprPtr> terms,
                                  SourceSpan span) {
  auto expr = std::make_unique<Expr>();
  expr->type = Type(TypeKind::boolean);
  expr->node = LogicalExpr{kind, std::move(terms)};
  expr->span = span;
  return expr;
}

Parsed<Bound> ExpressionBinder::maybe_negated(ExprPtr value, bool negated, SourceSpan span) {
  if (!negated) return Bound{std::move(value)};
  return Bound{TRY(operation(op::kNot, Bound{std::move(value)}, span))};
}

}  // namespace penstock::sql
