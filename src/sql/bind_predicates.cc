// Comparisons, BETWEEN, IN, LIKE, IS NULL, AND, OR.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/ascii.h"
#include "base/check.h"
#include "data/decimal.h"
#include "data/time_text.h"
#include "sql/constant.h"
#include "sql/expression_binder.h"
#include "sql/operator_names.h"
#include "sql/type_rules.h"

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

const ComparisonRule& rule_of(BinaryOperator op) {
  const auto* rule = std::ranges::find(kComparisons, op, &ComparisonRule::op);
  CHECK(rule != kComparisons.end());
  return *rule;
}

ExprPtr place_again(const Expr& expr) {  // of a column or parameter
  if (const auto* column = std::get_if<ColumnExpr>(&expr.node))
    return make_expr(expr.type, *column, expr.span);
  return make_expr(expr.type, std::get<ParamExpr>(expr.node), expr.span);
}

bool is_place(const Expr& expr) {
  return std::holds_alternative<ColumnExpr>(expr.node) ||
         std::holds_alternative<ParamExpr>(expr.node);
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

// make() gets expressions that name the value; unless it is a place anyway, it is computed once.
template <typename Make>
Parsed<ExprPtr> ExpressionBinder::once(Bound value, Make make) {
  if (is_place(*value.expr)) return make([&] { return place_again(*value.expr); });
  const std::size_t slot = locals_.size();
  const Type type = value.expr->type;
  const SourceSpan span = value.expr->span;
  locals_.push_back({{}, type});
  auto body = make([&] { return make_expr(type, ParamExpr{slot}, span); });
  locals_.pop_back();
  if (!body) return body;
  Type result = (*body)->type;
  return make_expr(std::move(result), BindExpr{std::move(value.expr), *std::move(body)}, span);
}

Parsed<Bound> ExpressionBinder::bind_node(const ast::Between& node, SourceSpan span) {
  Bound value = TRY(bind(*node.value));
  if (value.untyped_null)
    return problem(node.value->span, "Comparison with NULL not supported; use IS NULL.");
  ExprPtr both = TRY(once(std::move(value), [&](const auto& again) -> Parsed<ExprPtr> {
    std::vector<ExprPtr> terms;
    const std::array<std::pair<const ast::Expression*, BinaryOperator>, 2> bounds = {
        {{node.low.get(), BinaryOperator::greater_equal},
         {node.high.get(), BinaryOperator::less_equal}}};
    for (const auto& [bound, op] : bounds) {
      Bound limit = TRY(bind(*bound));
      terms.push_back(TRY(comparison(op, Bound{again()}, std::move(limit), span)));
    }
    return logical(LogicalExpr::Kind::conjunction, std::move(terms), span);
  }));
  return maybe_negated(std::move(both), node.negated, span);
}

Parsed<Bound> ExpressionBinder::bind_node(const ast::InList& node, SourceSpan span) {
  std::vector<Bound> all;
  all.push_back(TRY(bind(*node.value)));
  for (const ast::ExpressionPtr& candidate : node.candidates) all.push_back(TRY(bind(*candidate)));
  if (all.front().untyped_null)
    return problem(node.value->span, "Comparison with NULL not supported; use IS NULL.");
  auto common = common_type_of(all, "Invalid Predicate");
  if (!common) return std::unexpected(std::move(common).error());
  InExpr in;
  for (Bound& one : all) {
    auto brought = bring_to(std::move(one), *common);
    if (!brought) {
      Diagnostic diagnostic = std::move(brought).error();
      diagnostic.message = "Invalid Predicate: " + diagnostic.message;
      return std::unexpected(std::move(diagnostic));
    }
    if (in.value == nullptr) {
      in.value = *std::move(brought);
    } else {
      in.candidates.push_back(*std::move(brought));
    }
  }
  ExprPtr found = make_expr(Type(TypeKind::boolean), std::move(in), span);
  return maybe_negated(std::move(found), node.negated, span);
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

Parsed<Bound> ExpressionBinder::read_literal(Bound text, const Type& type) {
  const SourceSpan span = text.expr->span;
  const std::string value = std::get<std::string>(literal_of(*text.expr)->value);
  if (type.kind() == TypeKind::decimal) {
    // With its own digits, so that comparing does not round it.
    if (const auto parsed = data::parse_decimal(value)) {
      const auto own = Type::decimal(parsed->precision, parsed->scale);
      if (own) return Bound{make_literal(*own, parsed->unscaled, span)};
    }
  } else if (auto converted = widen_constant(calls_.functions(), value, text.expr->type, type)) {
    return Bound{make_literal(type, *std::move(converted), span)};
  }
  const std::string_view name = type.kind() == TypeKind::decimal ? "DECIMAL" : std::string_view();
  return problem(span,
                 fmt::format("invalid input syntax for type {}: \"{}\".",
                             name.empty() ? type.text() : std::string(name), value.substr(0, 60)));
}

// ROWTIME, WINDOWSTART and WINDOWEND beside a text: the text is a time.
Parsed<bool> ExpressionBinder::match_time_text(Bound& left, Bound& right) {
  const auto is_time_column = [&](const Bound& side) {
    const auto* column = std::get_if<ColumnExpr>(&side.expr->node);
    if (column == nullptr || scope_ == nullptr || side.expr->type.kind() != TypeKind::bigint)
      return false;
    const std::string_view source = text_of(side.expr->span, text_);
    const std::size_t dot = source.rfind('.');
    const std::string name = upper(source.substr(dot == source.npos ? 0 : dot + 1));
    return name == "ROWTIME" || name == "WINDOWSTART" || name == "WINDOWEND";
  };
  const auto match = [&](const Bound& column, Bound& text) -> Parsed<bool> {
    if (!is_time_column(column) || !is_string_literal(text)) return false;
    const Bound time = TRY(read_literal(std::move(text), Type(TypeKind::timestamp)));
    const std::int64_t ms = std::get<std::int64_t>(literal_of(*time.expr)->value);
    text = Bound{make_literal(Type(TypeKind::bigint), ms, time.expr->span)};
    return true;
  };
  if (TRY(match(left, right))) return true;
  return match(right, left);
}

Parsed<void> ExpressionBinder::match_sides(BinaryOperator op, Bound& left, Bound& right) {
  if (left.untyped_null || right.untyped_null) {
    const SourceSpan span = left.untyped_null ? left.expr->span : right.expr->span;
    return problem(span, fmt::format("Comparison with NULL not supported: {} with {} {}. Use IS "
                                     "NULL or IS NOT NULL.",
                                     shown(left), rule_of(op).name, shown(right)));
  }
  if (TRY(match_time_text(left, right))) return {};
  const Type timestamp(TypeKind::timestamp);
  switch (comparability(left.expr->type.kind(), right.expr->type.kind())) {
    case Comparability::as_time:
      for (Bound* side : {&left, &right}) {
        const auto span = side->expr->span;
        *side = Bound{TRY(calls_.cast(std::move(*side), timestamp, span))};
      }
      return {};
    case Comparability::time_text: {
      const bool text_left = left.expr->type.kind() == TypeKind::string;
      Bound& text = text_left ? left : right;
      const Type type = text_left ? right.expr->type : left.expr->type;
      const auto span = text.expr->span;
      text = is_string_literal(text) ? TRY(read_literal(std::move(text), type))
                                     : Bound{TRY(calls_.cast(std::move(text), type, span))};
      return {};
    }
    case Comparability::equality:
      if (!ordered_only(op)) return {};
      break;
    case Comparability::numbers:
    case Comparability::same:
      return {};
    case Comparability::none:
      break;
  }
  return problem(
      SourceSpan{left.expr->span.begin, right.expr->span.end},
      fmt::format("Cannot compare {} to {} with {}.", shown(left), shown(right), rule_of(op).name));
}

Parsed<ExprPtr> ExpressionBinder::comparison(BinaryOperator op, Bound left, Bound right,
                                             SourceSpan span) {
  TRY(match_sides(op, left, right));
  std::vector<Bound> args;
  args.push_back(std::move(left));
  args.push_back(std::move(right));
  ExprPtr call = TRY(calls_.call(rule_of(op).function, args, span));
  if (call) return call;
  return problem(span, fmt::format("Cannot compare {} to {} with {}.", shown(args[0]),
                                   shown(args[1]), rule_of(op).name));
}

ExprPtr ExpressionBinder::logical(LogicalExpr::Kind kind, std::vector<ExprPtr> terms,
                                  SourceSpan span) {
  return make_expr(Type(TypeKind::boolean), LogicalExpr{kind, std::move(terms)}, span);
}

Parsed<Bound> ExpressionBinder::maybe_negated(ExprPtr value, bool negated, SourceSpan span) {
  if (!negated) return Bound{std::move(value)};
  return Bound{TRY(operation(op::kNot, Bound{std::move(value)}, span))};
}

}  // namespace penstock::sql
