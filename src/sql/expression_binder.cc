#include "sql/expression_binder.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/check.h"
#include "sql/bind_type.h"
#include "sql/constant.h"
#include "sql/limits.h"
#include "sql/name_text.h"
#include "sql/nearest.h"
#include "sql/operator_names.h"
#include "sql/type_rules.h"

namespace penstock::sql {
namespace {

using ast::BinaryOperator;
using data::Type;
using data::TypeKind;

struct ArithmeticRule {
  BinaryOperator op;
  std::string_view function;
  std::string_view symbol;
};
constexpr std::array<ArithmeticRule, 5> kArithmetic = {{
    {BinaryOperator::add, op::kAdd, "+"},
    {BinaryOperator::subtract, op::kSubtract, "-"},
    {BinaryOperator::multiply, op::kMultiply, "*"},
    {BinaryOperator::divide, op::kDivide, "/"},
    {BinaryOperator::modulo, op::kModulo, "%"},
}};

bool is_text(const Bound& value) {
  return !value.untyped_null && value.expr->type.is_text();
}

}  // namespace

ExprPtr make_expr(Type type, decltype(Expr::node) node, SourceSpan span) {
  auto expr = std::make_unique<Expr>();
  expr->type = std::move(type);
  expr->node = std::move(node);
  expr->span = span;
  return expr;
}

ExprPtr make_column(std::size_t index, Type type, SourceSpan span) {
  return make_expr(std::move(type), ColumnExpr{index}, span);
}

Parsed<Bound> ExpressionBinder::bind(const ast::Expression& expression) {
  if (++nodes_ > kBoundNodesMax) {
    return too_much(
        expression.span,
        fmt::format("This statement has more than {} parts of expressions.", kBoundNodesMax));
  }
  if (rule_ != nullptr) {
    if (auto replaced = TRY(rule_->replace(expression))) return *std::move(replaced);
  }
  auto bound = std::visit([&](const auto& node) { return bind_node(node, expression.span); },
                          expression.node);
  if (bound && !is_of_bearable_size(bound->expr->type)) return type_too_large(expression.span);
  return bound;
}

Parsed<ExprPtr> ExpressionBinder::bind_predicate(const ast::Expression& expression,
                                                 std::string_view what) {
  auto bound = bind(expression);
  if (!bound) {
    Diagnostic diagnostic = std::move(bound).error();
    if (diagnostic.code == ErrorCode::invalid_statement)
      diagnostic.message = fmt::format("Error in {} expression: {}", what, diagnostic.message);
    return std::unexpected(std::move(diagnostic));
  }
  Bound value = *std::move(bound);
  if (value.untyped_null || value.expr->type.kind() != TypeKind::boolean) {
    return problem(expression.span,
                   fmt::format("Type error in {} expression: it should evaluate to "
                               "boolean but is {}.",
                               what, value.untyped_null ? "null" : shown(value)));
  }
  return std::move(value.expr);
}

Parsed<Type> ExpressionBinder::type_of(const ast::TypeName& name) {
  return bind_type(name, catalogue_);
}

Parsed<Bound> ExpressionBinder::bind_node(const ast::Literal& node, SourceSpan span) {
  const Type type = node.type.value_or(Type(TypeKind::string));
  return Bound{make_literal(type, node.value, span), !node.type.has_value()};
}

Parsed<Bound> ExpressionBinder::bind_node(const ast::ColumnName& node, SourceSpan span) {
  if (!node.source) {
    for (std::size_t slot = locals_.size(); slot-- > 0;) {
      if (locals_[slot].name.empty() || locals_[slot].name != node.column.text) continue;
      return Bound{make_expr(locals_[slot].type, ParamExpr{slot}, span)};
    }
  }
  if (scope_ == nullptr) {
    return problem(
        span,
        fmt::format("'{}' is not a constant; only literals, signs and casts of them can "
                    "stand here.{}",
                    node.column.text,
                    node.column.quote == '"' ? " Strings are written in single quotes." : ""));
  }
  const auto index = scope_->resolve(node);
  if (index) return Bound{make_column(*index, scope_->type_at(*index), span)};
  const auto is_meant = [&](const Local& local) { return local.name == node.column.text; };
  if (!node.source && around_ != nullptr && std::ranges::any_of(*around_, is_meant)) {
    return problem(span, fmt::format("{} is an argument of the lambda around it. Aggregates and "
                                     "table functions are computed before lambdas, so they cannot "
                                     "take it.",
                                     node.column.text));
  }
  return std::unexpected(index.error());
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
  if (node.op <= BinaryOperator::modulo) return arithmetic(node, span);
  Bound left = TRY(bind(*node.left));
  Bound right = TRY(bind(*node.right));
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
  ExprPtr call;
  if (!args[0].untyped_null && !args[1].untyped_null)
    call = TRY(calls_.call(joins ? op::kConcat : rule->function, args, span));
  if (call) return Bound{std::move(call)};
  const auto type_name = [](const Bound& arg) {
    return arg.untyped_null ? std::string("null") : arg.expr->type.text();
  };
  return problem(node.op_span,
                 fmt::format("Unsupported arithmetic types. {} {}: operator '{}' does not take {} "
                             "and {}.",
                             type_name(args[0]), type_name(args[1]), rule->symbol, shown(args[0]),
                             shown(args[1])));
}

Parsed<Bound> ExpressionBinder::bind_node(const ast::Case& node, SourceSpan span) {
  if (node.operand) return simple_case(node, span);
  Type type;
  bool untyped = false;
  CaseExpr result = TRY(branches_of(node, nullptr, type, untyped));
  if (untyped) return Bound{make_literal(Type(TypeKind::string), data::Null{}, span), true};
  return Bound{make_expr(std::move(type), std::move(result), span)};
}

// The operand is computed once, whatever the number of branches.
Parsed<Bound> ExpressionBinder::simple_case(const ast::Case& node, SourceSpan span) {
  Bound operand = TRY(bind(*node.operand));
  if (operand.untyped_null)
    return problem(span, "The operand of CASE is NULL, which equals nothing.");
  const std::size_t slot = locals_.size();
  const bool direct = std::holds_alternative<ColumnExpr>(operand.expr->node) ||
                      std::holds_alternative<ParamExpr>(operand.expr->node);
  if (!direct) locals_.push_back({{}, operand.expr->type});
  const Bound seen{direct ? make_expr(operand.expr->type, LiteralExpr{}, span)
                          : make_expr(operand.expr->type, ParamExpr{slot}, span)};
  if (direct) {
    std::visit(
        [&](const auto& place) {
          using Place = std::decay_t<decltype(place)>;
          if constexpr (std::is_same_v<Place, ColumnExpr> || std::is_same_v<Place, ParamExpr>)
            seen.expr->node = place;
        },
        operand.expr->node);
  }
  Type type;
  bool untyped = false;
  auto result = branches_of(node, &seen, type, untyped);
  if (!direct) locals_.pop_back();
  if (!result) return std::unexpected(std::move(result).error());
  if (untyped) return Bound{make_literal(Type(TypeKind::string), data::Null{}, span), true};
  ExprPtr body = make_expr(type, *std::move(result), span);
  if (direct) return Bound{std::move(body)};
  return Bound{make_expr(type, BindExpr{std::move(operand.expr), std::move(body)}, span)};
}

Parsed<CaseExpr> ExpressionBinder::branches_of(const ast::Case& node, const Bound* operand,
                                               Type& type, bool& untyped) {
  CaseExpr result;
  std::vector<Bound> values;
  for (const ast::Case::Branch& branch : node.branches) {
    CaseExpr::Branch bound;
    if (operand != nullptr) {
      Bound left{make_expr(operand->expr->type, LiteralExpr{}, operand->expr->span)};
      if (const auto* column = std::get_if<ColumnExpr>(&operand->expr->node)) {
        left.expr->node = *column;
      } else {
        left.expr->node = std::get<ParamExpr>(operand->expr->node);
      }
      Bound right = TRY(bind(*branch.when));
      bound.when = TRY(
          comparison(BinaryOperator::equal, std::move(left), std::move(right), branch.when->span));
    } else {
      bound.when = TRY(boolean(*branch.when, "WHEN"));
    }
    values.push_back(TRY(bind(*branch.then)));
    result.branches.push_back(std::move(bound));
  }
  if (node.otherwise) values.push_back(TRY(bind(*node.otherwise)));
  const Bound* first = nullptr;
  for (const Bound& value : values) {
    if (value.untyped_null) continue;
    if (first == nullptr) first = &value;
    if (value.expr->type == first->expr->type) continue;
    const bool otherwise = node.otherwise && &value == &values.back();
    return problem(
        value.expr->span,
        fmt::format("Invalid Case expression. {} should be the same{}: {} follows {}. CAST one of "
                    "them.",
                    otherwise ? "Type for the default clause" : "Type for all 'THEN' clauses",
                    otherwise ? " as for 'THEN' clauses" : "", shown(value),
                    first->expr->type.text()));
  }
  untyped = first == nullptr;
  if (untyped) return result;
  type = first->expr->type;
  for (std::size_t i = 0; i < result.branches.size(); ++i) {
    result.branches[i].then = TRY(calls_.coerce(std::move(values[i]), type));
  }
  if (node.otherwise) result.otherwise = TRY(calls_.coerce(std::move(values.back()), type));
  return result;
}

Parsed<Bound> ExpressionBinder::bind_node(const ast::Cast& node, SourceSpan span) {
  Bound value = TRY(bind(*node.value));
  const Type target = TRY(type_of(node.target));
  return Bound{TRY(calls_.cast(std::move(value), target, span))};
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
