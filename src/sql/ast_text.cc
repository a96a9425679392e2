// Expressions as written, printed and compared.
#include <array>

#include <fmt/format.h>

#include "sql/ast.h"
#include "sql/constant.h"
#include "sql/name_text.h"

namespace penstock::sql::ast {
namespace {

std::string_view symbol_of(BinaryOperator op) {
  constexpr std::array<std::string_view, 13> kSymbols = {"+",
                                                         "-",
                                                         "*",
                                                         "/",
                                                         "%",
                                                         "=",
                                                         "<>",
                                                         "<",
                                                         "<=",
                                                         ">",
                                                         ">=",
                                                         "IS DISTINCT FROM",
                                                         "IS NOT DISTINCT FROM"};
  return kSymbols[static_cast<std::size_t>(op)];
}

std::string list_text(const std::vector<ExpressionPtr>& list) {
  std::string text;
  for (const ExpressionPtr& one : list) text += (text.empty() ? "" : ", ") + to_text(*one);
  return text;
}

std::string type_text(const TypeName& type) {
  using Form = TypeName::Form;
  std::string parts;
  for (std::size_t i = 0; i < type.parts.size(); ++i) {
    parts += parts.empty() ? "" : ", ";
    if (type.form == Form::structure) parts += name_text(type.fields[i].text) + " ";
    parts += type_text(type.parts[i]);
  }
  switch (type.form) {
    case Form::ready:
      return type.ready.text();
    case Form::custom:
      return name_text(type.name.text);
    case Form::array:
      return fmt::format("ARRAY<{}>", parts);
    case Form::map:
      return fmt::format("MAP<{}>", parts);
    case Form::structure:
      break;
  }
  return fmt::format("STRUCT<{}>", parts);
}

// One overload per kind of node.
struct Printer {
  std::string operator()(const Literal& node) const {
    return node.type ? literal_text(node.value, *node.type) : "null";
  }
  std::string operator()(const ColumnName& node) const {
    const std::string column = name_text(node.column.text);
    return node.source ? fmt::format("{}.{}", name_text(node.source->text), column) : column;
  }
  std::string operator()(const Unary& node) const {
    return node.op == UnaryOperator::negate ? fmt::format("-{}", to_text(*node.operand))
                                            : fmt::format("(NOT {})", to_text(*node.operand));
  }
  std::string operator()(const Binary& node) const {
    return fmt::format("({} {} {})", to_text(*node.left), symbol_of(node.op), to_text(*node.right));
  }
  std::string operator()(const Logical& node) const {
    std::string text;
    for (const ExpressionPtr& term : node.terms) {
      if (!text.empty()) text += node.conjunction ? " AND " : " OR ";
      text += to_text(*term);
    }
    return fmt::format("({})", text);
  }
  std::string operator()(const Between& node) const {
    return fmt::format("({} {}BETWEEN {} AND {})", to_text(*node.value), no(node.negated),
                       to_text(*node.low), to_text(*node.high));
  }
  std::string operator()(const InList& node) const {
    return fmt::format("({} {}IN ({}))", to_text(*node.value), no(node.negated),
                       list_text(node.candidates));
  }
  std::string operator()(const Like& node) const {
    return fmt::format("({} {}LIKE {}{})", to_text(*node.value), no(node.negated),
                       to_text(*node.pattern),
                       node.escape ? " ESCAPE " + to_text(*node.escape) : "");
  }
  std::string operator()(const IsNull& node) const {
    return fmt::format("({} IS {}NULL)", to_text(*node.value), no(node.negated));
  }
  std::string operator()(const Case& node) const {
    std::string text = "(CASE";
    if (node.operand) text += " " + to_text(*node.operand);
    for (const Case::Branch& branch : node.branches)
      text += fmt::format(" WHEN {} THEN {}", to_text(*branch.when), to_text(*branch.then));
    if (node.otherwise) text += " ELSE " + to_text(*node.otherwise);
    return text + " END)";
  }
  std::string operator()(const Cast& node) const {
    return fmt::format("CAST({} AS {})", to_text(*node.value), type_text(node.target));
  }
  std::string operator()(const Call& node) const {
    return fmt::format("{}({})", node.name.text, node.star ? "*" : list_text(node.args));
  }
  std::string operator()(const Field& node) const {
    return fmt::format("{}->{}", to_text(*node.value), name_text(node.name.text));
  }
  std::string operator()(const Subscript& node) const {
    return fmt::format("{}[{}]", to_text(*node.value), to_text(*node.index));
  }
  std::string operator()(const ArrayOf& node) const {
    return fmt::format("ARRAY[{}]", list_text(node.elements));
  }
  std::string operator()(const MapOf& node) const {
    std::string text;
    for (std::size_t i = 0; i < node.keys.size(); ++i)
      text += fmt::format("{}{}:={}", text.empty() ? "" : ", ", to_text(*node.keys[i]),
                          to_text(*node.values[i]));
    return fmt::format("MAP({})", text);
  }
  std::string operator()(const StructOf& node) const {
    std::string text;
    for (std::size_t i = 0; i < node.names.size(); ++i)
      text += fmt::format("{}{}:={}", text.empty() ? "" : ", ", name_text(node.names[i].text),
                          to_text(*node.values[i]));
    return fmt::format("STRUCT({})", text);
  }
  std::string operator()(const Lambda& node) const {
    std::string params;
    for (const Identifier& param : node.params)
      params += (params.empty() ? "" : ", ") + name_text(param.text);
    return fmt::format("({}) => {}", params, to_text(*node.body));
  }
  std::string operator()(const AtTimeZone& node) const {
    return fmt::format("{} AT TIME ZONE {}", to_text(*node.value), to_text(*node.zone));
  }

  static std::string_view no(bool negated) { return negated ? "NOT " : ""; }
};

bool same_name(const std::optional<Identifier>& a, const std::optional<Identifier>& b) {
  return a.has_value() == b.has_value() && (!a || a->text == b->text);
}

bool same_names(const std::vector<Identifier>& a, const std::vector<Identifier>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].text != b[i].text) return false;
  }
  return true;
}

// What of a node is not a child of it.
struct SameNode {
  bool operator()(const Literal& a, const Literal& b) const {
    return a.type == b.type && a.value == b.value;
  }
  bool operator()(const ColumnName& a, const ColumnName& b) const {
    return same_name(a.source, b.source) && a.column.text == b.column.text;
  }
  bool operator()(const Unary& a, const Unary& b) const { return a.op == b.op; }
  bool operator()(const Binary& a, const Binary& b) const { return a.op == b.op; }
  bool operator()(const Logical& a, const Logical& b) const {
    return a.conjunction == b.conjunction;
  }
  bool operator()(const Case& a, const Case& b) const {
    return !a.operand == !b.operand && !a.otherwise == !b.otherwise;
  }
  bool operator()(const Cast& a, const Cast& b) const {
    return type_text(a.target) == type_text(b.target);
  }
  bool operator()(const Call& a, const Call& b) const {
    return a.name.text == b.name.text && a.star == b.star;
  }
  bool operator()(const Field& a, const Field& b) const { return a.name.text == b.name.text; }
  bool operator()(const StructOf& a, const StructOf& b) const {
    return same_names(a.names, b.names);
  }
  bool operator()(const Lambda& a, const Lambda& b) const { return same_names(a.params, b.params); }
  template <typename Node>
  bool operator()(const Node& a, const Node& b) const {
    if constexpr (requires { a.negated; }) return a.negated == b.negated;
    return true;
  }
  template <typename A, typename B>
  bool operator()(const A&, const B&) const {
    return false;
  }
};

}  // namespace

bool same(const Expression& a, const Expression& b) {
  if (!std::visit(SameNode{}, a.node, b.node)) return false;
  std::vector<const Expression*> left, right;
  for_each_child(a, [&](const Expression& child) { left.push_back(&child); });
  for_each_child(b, [&](const Expression& child) { right.push_back(&child); });
  if (left.size() != right.size()) return false;
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (!same(*left[i], *right[i])) return false;
  }
  return true;
}

std::string to_text(const Expression& expression) {
  return std::visit(Printer{}, expression.node);
}

}  // namespace penstock::sql::ast
