#include "sql/expression_binder.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/check.h"
#include "sql/constant.h"
#include "sql/limits.h"
#include "sql/nearest.h"
#include "sql/operator_names.h"

namespace penstock::sql {
namespace {

using ast::BinaryOperator;
using data::Type;
using data::TypeKind;

// ksqlDB's; known here only to be told apart from misspelt names.
constexpr std::array<std::string_view, 20> kLaterFunctions = {"ATTR",
                                                              "AVG",
                                                              "COLLECT_LIST",
                                                              "COLLECT_SET",
                                                              "CORRELATION",
                                                              "COUNT",
                                                              "COUNT_DISTINCT",
                                                              "CUBE_EXPLODE",
                                                              "EARLIEST_BY_OFFSET",
                                                              "EXPLODE",
                                                              "HISTOGRAM",
                                                              "LATEST_BY_OFFSET",
                                                              "MAX",
                                                              "MIN",
                                                              "STDDEV_SAMP",
                                                              "STDDEV_SAMPLE",
                                                              "SUM",
                                                              "SUM_LIST",
                                                              "TOPK",
                                                              "TOPKDISTINCT"};

struct ArithmeticRule {
  BinaryOperator op;
  std::string_view function;
  std::string_view symbol;
};
constexpr std::array<ArithmeticRule, 6> kArithmetic = {{
    {BinaryOperator::add, op::kAdd, "+"},
    {BinaryOperator::subtract, op::kSubtract, "-"},
    {BinaryOperator::multiply, op::kMultiply, "*"},
    {BinaryOperator::divide, op::kDivide, "/"},
    {BinaryOperator::modulo, op::kModulo, "%"},
    {BinaryOperator::concat, op::kConcat, "||"},
}};

bool is_text(const Bound& value) {
  return !value.untyped_null && value.expr->type.is_text();
}

ExprPtr column_expr(std::size_t index, const Type& type, SourceSpan span) {
  auto expr = std::make_unique<Expr>();
  expr->type = type;
  expr->node = ColumnExpr{index};
  expr->span = span;
  return expr;
}

}  // namespace

Parsed<Bound> ExpressionBinder::bind(const ast::Expression& expression) {
  if (++nodes_ > kBoundNodesMax) {
    return too_much(expression.span,
                    fmt::format("This statement has more than {} parts of expressions, "
                                "counting what BETWEEN, IN and CASE repeat.",
                                kBoundNodesMax));
  }
  return std::visit([&](const auto& node) { return bind_node(node, expression.span); },
                    expression.node);
}

Parsed<ExprPtr> ExpressionBinder::bind_predicate(const ast::Expression& expression,
                                                 std::string_view what) {
  Bound value = TRY(bind(expression));
  if (value.untyped_null || value.expr->type.kind() != TypeKind::boolean) {
    return problem(expression.span,
                   fmt::format("Type error in {} expression: it should evaluate to "
                               "boolean but is {}.",
                               what, value.untyped_null ? "null" : shown(value)));
  }
  return std::move(value.expr);
}

Parsed<Bound> ExpressionBinder::bind_node(const ast::Literal& node, SourceSpan span) {
  const Type type = node.type.value_or(Type(TypeKind::string));
  return Bound{make_literal(type, node.value, span), !node.type.has_value()};
}

Parsed<Bound> ExpressionBinder::bind_node(const ast::ColumnName& node, SourceSpan span) {
  if (scope_ == nullptr) {
    return problem(
        span,
        fmt::format("'{}' is not a constant; only literals, signs and casts of them can "
                    "stand here.{}",
                    node.column.text,
                    node.column.quote == '"' ? " Strings are written in single quotes." : ""));
  }
  const std::size_t index = TRY(scope_->resolve(node));
  return Bound{column_expr(index, scope_->type_at(index), span)};
}

Parsed<Bound> ExpressionBinder::bind_node(const ast::Unary& node, SourceSpan span) {
  if (node.op == ast::UnaryOperator::logical_not) {
    ExprPtr operand = TRY(boolean(*node.operand, "NOT"));
    return maybe_negated(std::move(operand), true, span);
  }
  std::vector<Bound> args;
  args.push_back(TRY(bind(*node.operand)));
  if (const LiteralExpr* literal = literal_of(*args.front().expr)) {
    auto negative = negated_constant(literal->value);
    if (negative) return Bound{make_literal(args.front().expr->type, *std::move(negative), span)};
  }
  ExprPtr call = TRY(calls_.call(op::kNegate, args, span));
  if (call) return Bound{std::move(call)};
  return problem(span,
                 fmt::format("A minus sign needs a number but {} follows.", shown(args.front())));
}

Parsed<Bound> ExpressionBinder::bind_node(const ast::Binary& node, SourceSpan span) {
  if (node.op <= BinaryOperator::concat) return arithmetic(node, span);
  Bound left = TRY(bind(*node.left));
  Bound right = TRY(bind(*node.right));
  TRY(match_literals(left, right, Literals::read_text));
  const bool negated = node.op == BinaryOperator::is_not_distinct;
  const BinaryOperator op = negated ? BinaryOperator::is_distinct : node.op;
  ExprPtr compared = TRY(comparison(op, std::move(left), std::move(right), span));
  return maybe_negated(std::move(compared), negated, span);
}

Parsed<Bound> ExpressionBinder::arithmetic(const ast::Binary& node, SourceSpan span) {
  std::vector<Bound> args;
  args.push_back(TRY(bind(*node.left)));
  args.push_back(TRY(bind(*node.right)));
  const auto* rule = std::find_if(kArithmetic.begin(), kArithmetic.end(),
                                  [&](const ArithmeticRule& r) { return r.op == node.op; });
  CHECK(rule != kArithmetic.end());
  const bool joins = node.op == BinaryOperator::add && (is_text(args[0]) || is_text(args[1]));
  ExprPtr call = TRY(calls_.call(joins ? op::kConcat : rule->function, args, span));
  if (call) return Bound{std::move(call)};
  return problem(node.op_span, fmt::format("Operator '{}' does not take {} and {}.", rule->symbol,
                                           shown(args[0]), shown(args[1])));
}

Parsed<Bound> ExpressionBinder::bind_node(const ast::Case& node, SourceSpan span) {
  CaseExpr result;
  std::vector<Bound> values;
  for (const ast::Case::Branch& branch : node.branches) {
    CaseExpr::Branch bound;
    if (node.operand) {
      Bound left = TRY(bind(*node.operand));
      Bound right = TRY(bind(*branch.when));
      TRY(match_literals(left, right, Literals::read_text));
      bound.when = TRY(
          comparison(BinaryOperator::equal, std::move(left), std::move(right), branch.when->span));
    } else {
      bound.when = TRY(boolean(*branch.when, "WHEN"));
    }
    values.push_back(TRY(bind(*branch.then)));
    result.branches.push_back(std::move(bound));
  }
  if (node.otherwise) values.push_back(TRY(bind(*node.otherwise)));
  std::optional<Type> type;
  for (const Bound& value : values) {
    if (value.untyped_null) continue;
    auto common = type ? common_type(*type, value.expr->type) : value.expr->type;
    if (!common) {
      return problem(
          value.expr->span,
          fmt::format("Invalid Case expression. Type for all 'THEN' and 'ELSE' clauses should be "
                      "the same: {} follows {}.",
                      shown(value), type->text()));
    }
    type = std::move(common);
  }
  if (!type) return Bound{make_literal(Type(TypeKind::string), data::Null{}, span), true};
  for (std::size_t i = 0; i < result.branches.size(); ++i) {
    result.branches[i].then = TRY(calls_.coerce(std::move(values[i]), *type));
  }
  if (node.otherwise) result.otherwise = TRY(calls_.coerce(std::move(values.back()), *type));
  auto expr = std::make_unique<Expr>();
  expr->type = *type;
  expr->node = std::move(result);
  expr->span = span;
  return Bound{std::move(expr)};
}

Parsed<Bound> ExpressionBinder::bind_node(const ast::Cast& node, SourceSpan span) {
  Bound value = TRY(bind(*node.value));
  return Bound{TRY(calls_.cast(std::move(value), node.target, span))};
}

Parsed<Bound> ExpressionBinder::bind_node(const ast::Call& node, SourceSpan span) {
  const ScalarFunction* function = calls_.find(node.name.text);
  // AS_VALUE(x) is x: it only keeps a copied key from being the key.
  if (node.name.text == "AS_VALUE" && node.args.size() == 1) return bind(*node.args.front());
  if (function == nullptr) return unknown_function(node);
  if (node.star)
    return problem(span, fmt::format("Function '{}' does not take a star.", node.name.text));
  std::vector<Bound> args;
  for (const ast::ExpressionPtr& arg : node.args) args.push_back(TRY(bind(*arg)));
  ExprPtr call = TRY(calls_.call(node.name.text, args, span));
  if (call) return Bound{std::move(call)};
  return problem(span, fmt::format("Function '{}' does not accept parameters ({}). Valid are: {}.",
                                   node.name.text, types_text(args), signatures_text(*function)));
}

std::unexpected<Diagnostic> ExpressionBinder::unknown_function(const ast::Call& node) const {
  const std::string& name = node.name.text;
  if (std::binary_search(kLaterFunctions.begin(), kLaterFunctions.end(), name)) {
    return not_yet(node.name.span,
                   fmt::format("Function '{}' is not supported yet: there are no aggregates "
                               "and table functions.",
                               name));
  }
  std::vector<std::string_view> names;
  for (const ScalarFunction& function : calls_.functions().all()) {
    if (!function.name.starts_with('$')) names.push_back(function.name);
  }
  const std::string hint = did_you_mean(name, std::span<const std::string_view>(names));
  return problem(node.name.span, fmt::format("Function '{}' is not known.{}", name,
                                             hint.empty() ? " SHOW FUNCTIONS lists them." : hint));
}

std::string ExpressionBinder::shown(const Bound& value) const {
  constexpr std::size_t kShownMax = 40;
  const std::string_view source = text_of(value.expr->span, text_);
  const std::string type = value.untyped_null ? "null" : value.expr->type.text();
  const bool long_text =
      source.empty() || source.size() > kShownMax || source.find('\n') != source.npos;
  return long_text ? type : fmt::format("{} ({})", source, type);
}

}  // namespace penstock::sql
