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
  if (name == op::kElement) return fmt::format("{}[{}]", arg(0), arg(1));
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

std::string list_text(const std::vector<ExprPtr>& parts, const Names& names) {
  std::string text;
  for (const ExprPtr& part : parts) text += (text.empty() ? "" : ", ") + to_text(*part, names);
  return text;
}

std::string construct_text(const Expr& expr, const ConstructExpr& construct, const Names& names) {
  const std::string_view whole = construct.whole ? " or fail" : "";
  if (expr.type.kind() == data::TypeKind::array)
    return fmt::format("ARRAY[{}]{}", list_text(construct.parts, names), whole);
  const bool map = expr.type.kind() == data::TypeKind::map;
  std::string text;
  for (std::size_t i = 0; i < construct.parts.size(); ++i) {
    if (map && i % 2 == 1) continue;
    const std::string name =
        map ? to_text(*construct.parts[i], names) : name_text(expr.type.fields()[i].name);
    text += fmt::format("{}{} := {}", text.empty() ? "" : ", ", name,
                        to_text(*construct.parts[map ? i + 1 : i], names));
  }
  return fmt::format("{}({}){}", map ? "MAP" : "STRUCT", text, whole);
}

std::string field_text(const FieldExpr& field, const Names& names) {
  return fmt::format("{}->{}", to_text(*field.from, names),
                     name_text(field.from->type.fields()[field.field].name));
}

// Parameters have no names any more: #0 is the outermost.
struct NodeText {
  const Expr& expr;
  const Names& names;

  std::string operator()(const LiteralExpr& node) const {
    return literal_text(node.value, expr.type);
  }
  std::string operator()(const ColumnExpr& node) const {
    CHECK(node.index < names.size());
    return name_text(names[node.index]);
  }
  std::string operator()(const CallExpr& node) const { return call_text(expr, node, names); }
  std::string operator()(const LogicalExpr& node) const { return logical_text(node, names); }
  std::string operator()(const CaseExpr& node) const { return case_text(node, names); }
  std::string operator()(const ParamExpr& node) const { return fmt::format("#{}", node.slot); }
  std::string operator()(const LambdaExpr& node) const {
    return fmt::format("({} => {})", node.params, to_text(*node.body, names));
  }
  std::string operator()(const BindExpr& node) const {
    return fmt::format("(LET {} IN {})", to_text(*node.value, names), to_text(*node.body, names));
  }
  std::string operator()(const InExpr& node) const {
    return fmt::format("({} IN ({}))", to_text(*node.value, names),
                       list_text(node.candidates, names));
  }
  std::string operator()(const FieldExpr& node) const { return field_text(node, names); }
  std::string operator()(const ConstructExpr& node) const {
    return construct_text(expr, node, names);
  }
};

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
  return std::visit(NodeText{expr, column_names}, expr.node);
}

}  // namespace penstock::sql
