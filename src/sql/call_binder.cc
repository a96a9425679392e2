#include "sql/call_binder.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/check.h"
#include "sql/constant.h"
#include "sql/operator_names.h"

namespace penstock::sql {
namespace {

using data::Type;
using data::TypeKind;

constexpr int kWideningCost = 10;  // per step
constexpr int kGenericCost = 1;    // so that an overload for the very type wins over `any`

// The type kind of an argument kind; nullopt for `any` and `same`.
std::optional<TypeKind> kind_of(ArgKind kind) {
  switch (kind) {
    case ArgKind::boolean:
      return TypeKind::boolean;
    case ArgKind::integer:
      return TypeKind::integer;
    case ArgKind::bigint:
      return TypeKind::bigint;
    case ArgKind::double_:
      return TypeKind::double_;
    case ArgKind::decimal:
      return TypeKind::decimal;
    case ArgKind::string:
      return TypeKind::string;
    case ArgKind::bytes:
      return TypeKind::bytes;
    case ArgKind::date:
      return TypeKind::date;
    case ArgKind::time:
      return TypeKind::time;
    case ArgKind::timestamp:
      return TypeKind::timestamp;
    case ArgKind::any:
    case ArgKind::same:
      return std::nullopt;
  }
  return std::nullopt;
}

Type null_type(TypeKind kind) {
  if (kind != TypeKind::decimal) return Type(kind);
  return decimal_for(Type(TypeKind::integer));
}

bool arity_fits(const Overload& overload, std::size_t args) {
  if (overload.variadic) return args >= overload.args.size() && !overload.args.empty();
  return args == overload.args.size();
}

ArgKind kind_at(const Overload& overload, std::size_t i) {
  return overload.args[std::min(i, overload.args.size() - 1)];
}

struct Fit {
  int cost = 0;
  std::vector<Type> types;
};

// The common type of the arguments that must have the same one; STRING when all are NULL as
// written.
std::optional<Type> group_type(std::span<const Bound> args,
                               const std::vector<std::size_t>& members) {
  std::optional<Type> type;
  const bool with_decimal = std::any_of(members.begin(), members.end(), [&](std::size_t i) {
    return !args[i].untyped_null && args[i].expr->type.kind() == TypeKind::decimal;
  });
  for (const std::size_t i : members) {
    if (args[i].untyped_null) continue;
    const Expr& expr = *args[i].expr;
    // Integer literals beside decimals take no more digits than they have.
    const bool narrow = with_decimal && widening_steps(expr.type.kind(), TypeKind::decimal);
    const Type own = narrow ? exact_decimal_for(expr) : expr.type;
    type = type ? common_type(*type, own) : own;
    if (!type) return std::nullopt;
  }
  return type ? type : Type(TypeKind::string);
}

std::optional<int> fit_specific(const Bound& arg, TypeKind kind, Type& type) {
  if (arg.untyped_null) {
    type = null_type(kind);
    return 0;
  }
  const Type& own = arg.expr->type;
  const auto steps = widening_steps(own.kind(), kind);
  if (!steps) return std::nullopt;
  type = *steps == 0 ? own : kind == TypeKind::decimal ? decimal_for(own) : Type(kind);
  return *steps * kWideningCost;
}

std::optional<Fit> fit(const Overload& overload, std::span<const Bound> args) {
  Fit result;
  result.types.resize(args.size());
  std::vector<std::size_t> group;
  for (std::size_t i = 0; i < args.size(); ++i) {
    const ArgKind kind = kind_at(overload, i);
    if (const auto specific = kind_of(kind)) {
      const auto cost = fit_specific(args[i], *specific, result.types[i]);
      if (!cost) return std::nullopt;
      result.cost += *cost;
      continue;
    }
    result.cost += kGenericCost;
    result.types[i] = args[i].untyped_null ? Type(TypeKind::string) : args[i].expr->type;
    if (result.types[i].is_nested()) return std::nullopt;
    if (group.empty() || kind == ArgKind::same) group.push_back(i);
  }
  if (group.empty()) return result;
  const auto common = group_type(args, group);
  if (!common) return std::nullopt;
  for (const std::size_t i : group) {
    const auto steps = widening_steps(result.types[i].kind(), common->kind());
    if (!args[i].untyped_null) result.cost += steps.value_or(0) * kWideningCost;
    result.types[i] = *common;
  }
  return result;
}

std::string_view text_of_kind(ArgKind kind) {
  constexpr std::array<std::string_view, 12> kTexts = {"BOOLEAN", "INTEGER",   "BIGINT", "DOUBLE",
                                                       "DECIMAL", "STRING",    "BYTES",  "DATE",
                                                       "TIME",    "TIMESTAMP", "ANY",    "SAME"};
  return kTexts[static_cast<std::size_t>(kind)];
}

}  // namespace

const ScalarFunction* CallBinder::find(std::string_view name) const {
  return name.starts_with('$') ? nullptr : functions_.find(name);
}

CallBinder::Resolution CallBinder::resolve(const ScalarFunction& function,
                                           std::span<const Bound> args) const {
  Resolution best;
  int best_cost = 0;
  for (const Overload& overload : function.overloads) {
    if (!arity_fits(overload, args.size())) continue;
    auto candidate = fit(overload, args);
    if (!candidate || (best.overload != nullptr && candidate->cost >= best_cost)) continue;
    best = {&overload, std::move(candidate->types)};
    best_cost = candidate->cost;
  }
  return best;
}

Parsed<ExprPtr> CallBinder::call(std::string_view name, std::vector<Bound>& args, SourceSpan span) {
  const ScalarFunction* function = functions_.find(name);
  if (function == nullptr) return nullptr;
  const Resolution resolution = resolve(*function, args);
  if (resolution.overload == nullptr) return nullptr;
  CallExpr node{.function = function, .overload = resolution.overload, .args = {}};
  for (std::size_t i = 0; i < args.size(); ++i) {
    node.args.push_back(TRY(coerce(std::move(args[i]), resolution.types[i])));
  }
  CHECK(resolution.overload->result != nullptr);
  auto expr = std::make_unique<Expr>();
  expr->type = resolution.overload->result(resolution.types);
  expr->node = std::move(node);
  expr->span = span;
  return expr;
}

Parsed<ExprPtr> CallBinder::coerce(Bound value, const Type& type) {
  const SourceSpan span = value.expr->span;
  if (value.untyped_null) return make_literal(type, data::Null{}, span);
  if (value.expr->type == type) return std::move(value.expr);
  if (const LiteralExpr* literal = literal_of(*value.expr)) {
    auto converted = convert_constant(literal->value, value.expr->type, type, Conversion::lossless);
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
    auto converted = convert_constant(literal->value, from, type, Conversion::cast);
    if (converted) return make_literal(type, *std::move(converted), span);
  }
  return cast_call(std::move(value.expr), type, span);
}

Parsed<ExprPtr> CallBinder::cast_call(ExprPtr value, const Type& type, SourceSpan span) {
  const ScalarFunction* function = functions_.find(op::kCast);
  std::vector<Bound> args;
  args.push_back({std::move(value), false});
  const Resolution resolution = function == nullptr ? Resolution() : resolve(*function, args);
  if (resolution.overload == nullptr) {
    return problem(span, fmt::format("Cast of {} to {} is not supported.",
                                     args.front().expr->type.text(), type.text()));
  }
  CallExpr node{.function = function, .overload = resolution.overload, .args = {}};
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

std::string signatures_text(const ScalarFunction& function) {
  constexpr std::size_t kShown = 6;
  std::string text;
  for (std::size_t i = 0; i < std::min(function.overloads.size(), kShown); ++i) {
    const Overload& overload = function.overloads[i];
    std::string args;
    for (const ArgKind kind : overload.args)
      args += fmt::format("{}{}", args.empty() ? "" : ", ", text_of_kind(kind));
    text += fmt::format("{}{}({}{})", text.empty() ? "" : ", ", function.name, args,
                        overload.variadic ? "..." : "");
  }
  if (function.overloads.size() > kShown) text += ", ...";
  return text;
}

}  // namespace penstock::sql
