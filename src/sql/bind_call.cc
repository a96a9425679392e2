// Calls: arguments, lambdas, overloads.
#include <algorithm>

#include <fmt/format.h>

#include "sql/constant.h"
#include "sql/expression_binder.h"
#include "sql/name_text.h"
#include "sql/nearest.h"
#include "sql/operator_names.h"
#include "sql/overload_resolver.h"
#include "sql/parser.h"

namespace penstock::sql {
namespace {

using data::Type;
using data::TypeKind;

bool is_time(TypeKind kind) {
  return kind == TypeKind::date || kind == TypeKind::time || kind == TypeKind::timestamp;
}

// As ksqlDB writes functions in messages.
std::string lower_name(std::string_view name) {
  std::string out(name);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

const ast::Lambda* lambda_of(const ast::Expression& expression) {
  return std::get_if<ast::Lambda>(&expression.node);
}

// What stands in for a lambda until its parameters' types are known.
Bound lambda_place(SourceSpan span) {
  return {make_literal(Type(TypeKind::string), data::Null{}, span), true};
}

std::string argument_text(const ast::Call& node, const std::vector<Bound>& args) {
  std::string text;
  for (std::size_t i = 0; i < args.size(); ++i) {
    const bool lambda = i < node.args.size() && lambda_of(*node.args[i]) != nullptr;
    text += fmt::format("{}{}", text.empty() ? "" : ", ",
                        lambda                 ? "LAMBDA"
                        : args[i].untyped_null ? "null"
                                               : args[i].expr->type.text());
  }
  return text;
}

std::vector<ArgumentType> types_of(const ast::Call& node, const std::vector<Bound>& args) {
  std::vector<ArgumentType> types = argument_types(args);
  for (std::size_t i = 0; i < args.size(); ++i) {
    if (const ast::Lambda* lambda = lambda_of(*node.args[i]))
      types[i].lambda_params = static_cast<int>(lambda->params.size());
  }
  return types;
}

}  // namespace

const Function* ExpressionBinder::function_of(const ast::Call& node) const {
  if (node.name.text.starts_with('$')) return nullptr;
  return calls_.functions().find(node.name.text);
}

Parsed<Bound> ExpressionBinder::bind_node(const ast::Call& node, SourceSpan span) {
  const Function* function = function_of(node);
  if (function == nullptr) return unknown_function(node);
  if (function->kind == FunctionKind::aggregate) {
    return problem(
        node.name.span,
        fmt::format("Aggregate functions cannot stand here: {} is an aggregate function.",
                    function->name));
  }
  if (function->kind == FunctionKind::table) {
    return problem(node.name.span,
                   fmt::format("Table functions cannot stand here: {} is one; they stand in the "
                               "SELECT of a query over a stream.",
                               function->name));
  }
  return bind_call(node, *function, span);
}

// A bare word where a function takes a unit of time is its name.
Parsed<std::vector<Bound>> ExpressionBinder::bind_arguments(const ast::Call& node,
                                                            const Function& function) {
  std::vector<Bound> args;
  for (std::size_t i = 0; i < node.args.size(); ++i) {
    const ast::Expression& arg = *node.args[i];
    if (lambda_of(arg) != nullptr) {
      args.push_back(lambda_place(arg.span));
      continue;
    }
    const auto* word = std::get_if<ast::ColumnName>(&arg.node);
    if (word != nullptr && !word->source && takes_unit(function, i)) {
      if (!is_time_unit(word->column.text))
        return problem(arg.span,
                       fmt::format("{} is no unit of time: MILLISECONDS, SECONDS, MINUTES, HOURS, "
                                   "DAYS.",
                                   word->column.text));
      args.push_back({make_literal(Type(TypeKind::string), word->column.text, arg.span), false});
      continue;
    }
    args.push_back(TRY(bind(arg)));
  }
  return args;
}

Parsed<Bound> ExpressionBinder::bind_call(const ast::Call& node, const Function& function,
                                          SourceSpan span) {
  std::vector<Bound> args;
  if (!node.star) args = TRY(bind_arguments(node, function));
  const auto first_time = std::ranges::find_if(
      args, [](const Bound& arg) { return !arg.untyped_null && is_time(arg.expr->type.kind()); });
  Resolution resolution = resolve(function, types_of(node, args));
  if (!resolution && first_time != args.end()) {  // LEAST(t, '2022-06-14')
    const Type wanted = first_time->expr->type;
    for (Bound& arg : args) {
      if (is_string_literal(arg)) arg = TRY(read_literal(std::move(arg), wanted));
    }
    resolution = resolve(function, types_of(node, args));
  }
  if (resolution.ambiguous()) {
    return problem(
        span, fmt::format("Function '{}' cannot be resolved due to ambiguous method parameters "
                          "({}). CAST one of them.",
                          lower_name(function.name), argument_text(node, args)));
  }
  const bool star_only = node.star && function.name != "COUNT";
  if (!resolution || star_only) {
    return problem(span,
                   fmt::format("Function '{}' does not accept parameters ({}). Valid are: {}.",
                               lower_name(function.name), argument_text(node, args),
                               signatures_text(function)));
  }
  for (std::size_t i = 0; i < args.size(); ++i) {
    if (const ast::Lambda* lambda = lambda_of(*node.args[i])) {
      TRY(bind_lambda(*lambda, i, resolution, args[i]));
    } else {
      args[i].expr = TRY(bring_to(std::move(args[i]), resolution.types()[i]));
      args[i].untyped_null = false;
    }
  }
  CallExpr call{.function = &function, .overload = &resolution.overload(), .args = {}};
  for (Bound& arg : args) call.args.push_back(std::move(arg.expr));
  return Bound{make_expr(resolution.result(), std::move(call), span)};
}

// A parameter that hid a column would make one of the two unreachable without a word.
Parsed<void> ExpressionBinder::check_params(const ast::Lambda& node) const {
  for (auto param = node.params.begin(); param != node.params.end(); ++param) {
    const std::string& name = param->text;
    const auto has = [&](const Scope::Part& part) {
      return part.source->schema.find(name).has_value();
    };
    if (scope_ != nullptr && std::ranges::any_of(scope_->parts(), has)) {
      return problem(param->span,
                     fmt::format("Lambda function argument can't be a column name: {}.", name));
    }
    if (std::any_of(node.params.begin(), param, [&](const auto& one) { return one.text == name; }))
      return problem(param->span, fmt::format("Duplicate lambda argument: {}.", name));
  }
  return {};
}

Parsed<void> ExpressionBinder::bind_lambda(const ast::Lambda& node, std::size_t argument,
                                           Resolution& resolution, Bound& out) {
  TRY(check_params(node));
  const std::vector<Type> types = resolution.lambda_params(argument);
  const std::size_t before = locals_.size();
  for (std::size_t i = 0; i < node.params.size(); ++i)
    locals_.push_back({node.params[i].text, types[i]});
  auto body = bind(*node.body);
  locals_.resize(before);
  if (!body) return std::unexpected(std::move(body).error());
  const SourceSpan span = node.body->span;
  const auto result = resolution.set_lambda_result(argument, body->expr->type);
  if (!result) {
    return problem(span, fmt::format("This lambda gives {}, which the function does not take.",
                                     body->expr->type.text()));
  }
  ExprPtr value = TRY(bring_to(*std::move(body), *result));
  out = Bound{make_expr(*result, LambdaExpr{node.params.size(), std::move(value)}, span)};
  return {};
}

Parsed<Bound> ExpressionBinder::bind_node(const ast::Lambda&, SourceSpan span) {
  return problem(span,
                 "A lambda can only be an argument of a function that takes one, such as "
                 "TRANSFORM(list, x => x + 1).");
}

Parsed<Bound> ExpressionBinder::bind_node(const ast::AtTimeZone&, SourceSpan span) {
  return not_yet(span, "AT TIME ZONE is not supported yet: CONVERT_TZ(time, from, to) does it.");
}

std::unexpected<Diagnostic> ExpressionBinder::unknown_function(const ast::Call& node) const {
  const std::string& name = node.name.text;
  std::vector<std::string_view> names;
  for (const Function& function : calls_.functions().all()) {
    if (!function.name.starts_with('$')) names.push_back(function.name);
  }
  const std::string hint = did_you_mean(name, std::span<const std::string_view>(names));
  return problem(node.name.span, fmt::format("Can't find any functions with the name '{}'.{}", name,
                                             hint.empty() ? " SHOW FUNCTIONS lists them." : hint));
}

}  // namespace penstock::sql
