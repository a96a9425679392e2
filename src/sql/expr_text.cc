// Expressions as EXPLAIN prints them.
#include <array>

#include <fmt/format.h>

#include "base/check.h"
#include "sql/constant.h"
#include "sql/expr.h"
#include "sql/name_text.h"
#include "sql/operator_names.h"
#include "sql/token_cursor.h"

namespace penstock::sql {
namespace {

using Names = std::vector<std::string>;

struct InfixRule {
  std::string_view function;
  std::string_view symbol;
};
constexpr std::array<InfixRule, 13> kInfix = {{{op::kAdd, "+"},
                                               {op::kSubtract, "-"},
                                               {op::kMultiply, "*"},
                                               {op::kDivide, "/"},
                                               {op::kModulo, "%"},
                                               {op::kConcat, "||"},
                                               {op::kEqual, "="},
                                               {op::kNotEqual, "<>"},
                                               {op::kLess, "<"},
                                               {op::kLessEqual, "<="},
                                               {op::kGreater, ">"},
                                               {op::kGreaterEqual, ">="},
                                               {op::kIsDistinct, "IS DISTINCT FROM"}}};

std::string like_text(const CallExpr& call, const Names& names) {
  const auto* escape = std::get_if<LiteralExpr>(&call.args[2]->node);
  const auto* text = escape == nullptr ? nullptr : std::get_if<std::string>(&escape->value);
  const bool plain = text != nullptr && text->empty();
  return fmt::format("({} LIKE {}{})", to_text(*call.args[0], names), to_text(*call.args[1], names),
                     plain ? "" : " ESCAPE " + to_text(*call.args[2], names));
}

std::string call_text(const Expr& expr, const CallExpr& call, const Names& names) {
  const std::string_view name = call.function->name;
  const auto arg = [&](std::size_t i) { return to_text(*call.args[i], names); };
  for (const InfixRule& rule : kInfix) {
    if (rule.function == name && call.args.size() == 2)
      return fmt::format("({} {} {})", arg(0), rule.symbol, arg(1));
  }
  if (name == op::kNegate) return fmt::format("(-{})", arg(0));
  if (name == op::kNot) return fmt::format("(NOT {})", arg(0));
  if (name == op::kIsNull) return fmt::format("({} IS NULL)", arg(0));
  if (name == op::kCast) return fmt::format("CAST({} AS {})", arg(0), expr.type.text());
  if (name == op::kLike && call.args.size() == 3) return like_text(call, names);
  std::string args;
  for (std::size_t i = 0; i < call.args.size(); ++i) args += (i == 0 ? "" : ", ") + arg(i);
  return fmt::format("{}({})", name, args);
}

std::string logical_text(const LogicalExpr& logical, const Names& names) {
  const std::string_view word = logical.kind == LogicalExpr::Kind::conjunction ? " AND " : " OR ";
  std::string text;
  for (const ExprPtr& term : logical.terms) {
    if (!text.empty()) text += word;
    text += to_text(*term, names);
  }
  return "(" + text + ")";
}

std::string case_text(const CaseExpr& node, const Names& names) {
  std::string text = "CASE";
  for (const CaseExpr::Branch& branch : node.branches) {
    text +=
        fmt::format(" WHEN {} THEN {}", to_text(*branch.when, names), to_text(*branch.then, names));
  }
  if (node.otherwise) text += " ELSE " + to_text(*node.otherwise, names);
  return text + " END";
}

}  // namespace

std::string name_text(std::string_view name) {
  const bool first = !name.empty() && ((name[0] >= 'A' && name[0] <= 'Z') || name[0] == '_');
  const bool plain =
      first && name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@") == name.npos;
  if (plain && !is_reserved(name)) return std::string(name);
  std::string quoted = "`";
  for (const char c : name) quoted += c == '`' ? std::string("``") : std::string(1, c);
  return quoted + "`";
}

std::string to_text(const Expr& expr, const std::vector<std::string>& column_names) {
  if (const auto* literal = std::get_if<LiteralExpr>(&expr.node))
    return literal_text(literal->value, expr.type);
  if (const auto* column = std::get_if<ColumnExpr>(&expr.node)) {
    CHECK(column->index < column_names.size());
    return name_text(column_names[column->index]);
  }
  if (const auto* call = std::get_if<CallExpr>(&expr.node))
    return call_text(expr, *call, column_names);
  if (const auto* logical = std::get_if<LogicalExpr>(&expr.node))
    return logical_text(*logical, column_names);
  return case_text(std::get<CaseExpr>(expr.node), column_names);
}

}  // namespace penstock::sql
