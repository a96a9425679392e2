#include "sql/call_binder.h"

#include <fmt/format.h>

#include "base/check.h"
#include "sql/constant.h"
#include "sql/operator_names.h"

namespace penstock::sql {
namespace {

using data::Type;
using data::TypeKind;

}  // namespace

std::vector<ArgumentType> argument_types(std::span<const Bound> args) {
  std::vector<ArgumentType> types;
  for (const Bound& arg : args) {
    ArgumentType& type = types.emplace_back();
    if (arg.untyped_null) continue;
    type.type = arg.expr->type;
    const TypeKind kind = arg.expr->type.kind();
    const bool integral = kind == TypeKind::integer || kind == TypeKind::bigint;
    if (integral && literal_of(*arg.expr) != nullptr) type.narrow = exact_decimal_for(*arg.expr);
    type.text_literal = is_string_literal(arg);
  }
  return types;
}

const ScalarFunction* CallBinder::find(std::string_view name) const {
  const ScalarFunction* function = name.starts_with('$') ? nullptr : functions_.find(name);
  return function == nullptr || function->kind != FunctionKind::scalar ? nullptr : function;
}

Parsed<ExprPtr> CallBinder::call(std::string_view name, std::vector<Bound>& args, SourceSpan span) {
  const ScalarFunction* function = functions_.find(name);
  if (function == nullptr) return nullptr;
  const Resolution resolution = resolve(*function, argument_types(args));
  if (!resolution) return nullptr;
  CallExpr node{.function = function, .overload = &resolution.overload(), .args = {}};
  for (std::size_t i = 0; i < args.size(); ++i) {
    node.args.push_back(TRY(coerce(std::move(args[i]), resolution.types()[i])));
  }
  auto expr = std::make_unique<Expr>();
  expr->type = resolution.result();
  expr->node = std::move(node);
  expr->span = span;
  return expr;
}

Parsed<ExprPtr> CallBinder::coerce(Bound value, const Type& type) {
  const SourceSpan span = value.expr->span;
  if (value.untyped_null) return make_literal(type, data::Null{}, span);
  if (value.expr->type == type) return std::move(value.expr);
  if (const LiteralExpr* literal = literal_of(*value.expr)) {
    auto converted = widen_constant(functions_, literal->value, value.expr->type, type);
    if (converted) return make_literal(type, *std::move(converted), span);
  }
  return cast_call(std::move(value.expr), type, span);
}

Parsed<ExprPtr> CallBinder::cast(Bound value, const Type& type, SourceSpan span) {
  if (value.untyped_null) return make_literal(type, data::Null{}, span);
  const Type& from = value.expr->type;
  if (!castable(from, type)) {
    return problem(span,
                   fmt::format("Cast of {} to {} is not supported.", from.text(), type.text()));
  }
  if (from == type) return std::move(value.expr);
  if (const LiteralExpr* literal = literal_of(*value.expr)) {
    auto converted = cast_constant(functions_, literal->value, from, type);
    if (converted) return make_literal(type, *std::move(converted), span);
  }
  return cast_call(std::move(value.expr), type, span);
}

Parsed<ExprPtr> CallBinder::cast_call(ExprPtr value, const Type& type, SourceSpan span) {
  const ScalarFunction* function = functions_.find(op::kCast);
  std::vector<Bound> args;
  args.push_back({std::move(value), false});
  const Resolution resolution =
      function == nullptr ? Resolution() : resolve(*function, argument_types(args));
  if (!resolution) {
    return problem(span, fmt::format("Cast of {} to {} is not supported.",
                                     args.front().expr->type.text(), type.text()));
  }
  CallExpr node{.function = function, .overload = &resolution.overload(), .args = {}};
  node.args.push_back(std::move(args.front().expr));
  auto expr = std::make_unique<Expr>();
  expr->type = type;
  expr->node = std::move(node);
  expr->span = span;
  return expr;
}

std::string types_text(std::span<const Bound> args) {
  std::string text;
  for (const Bound& arg : args) {
    text += fmt::format("{}{}", text.empty() ? "" : ", ",
                        arg.untyped_null ? "null" : arg.expr->type.text());
  }
  return text;
}

}  // namespace penstock::sql
