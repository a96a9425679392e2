#include "sql/expr_tools.h"

#include "base/check.h"

namespace penstock::sql {
namespace {

// What of a node is not a child of it.
struct SameNode {
  bool operator()(const LiteralExpr& a, const LiteralExpr& b) const { return a.value == b.value; }
  bool operator()(const ColumnExpr& a, const ColumnExpr& b) const { return a.index == b.index; }
  bool operator()(const CallExpr& a, const CallExpr& b) const {
    return a.function == b.function && a.overload == b.overload;
  }
  bool operator()(const LogicalExpr& a, const LogicalExpr& b) const { return a.kind == b.kind; }
  bool operator()(const CaseExpr& a, const CaseExpr& b) const {
    return !a.otherwise == !b.otherwise;
  }
  bool operator()(const ParamExpr& a, const ParamExpr& b) const { return a.slot == b.slot; }
  bool operator()(const LambdaExpr& a, const LambdaExpr& b) const { return a.params == b.params; }
  bool operator()(const FieldExpr& a, const FieldExpr& b) const { return a.field == b.field; }
  template <typename Node>
  bool operator()(const Node&, const Node&) const {
    return true;
  }
  template <typename A, typename B>
  bool operator()(const A&, const B&) const {
    return false;
  }
};

std::vector<const Expr*> children_of(const Expr& expr) {
  std::vector<const Expr*> out;
  for_each_child(expr, [&](const Expr& child) { out.push_back(&child); });
  return out;
}

std::vector<ExprPtr> clones(const std::vector<ExprPtr>& list) {
  std::vector<ExprPtr> out;
  for (const ExprPtr& one : list) out.push_back(clone(*one));
  return out;
}

struct Cloner {
  decltype(Expr::node) operator()(const CallExpr& node) const {
    return CallExpr{node.function, node.overload, clones(node.args)};
  }
  decltype(Expr::node) operator()(const LogicalExpr& node) const {
    return LogicalExpr{node.kind, clones(node.terms)};
  }
  decltype(Expr::node) operator()(const CaseExpr& node) const {
    CaseExpr out;
    for (const CaseExpr::Branch& branch : node.branches)
      out.branches.push_back({clone(*branch.when), clone(*branch.then)});
    if (node.otherwise) out.otherwise = clone(*node.otherwise);
    return out;
  }
  decltype(Expr::node) operator()(const LambdaExpr& node) const {
    return LambdaExpr{node.params, clone(*node.body)};
  }
  decltype(Expr::node) operator()(const BindExpr& node) const {
    return BindExpr{clone(*node.value), clone(*node.body)};
  }
  decltype(Expr::node) operator()(const InExpr& node) const {
    return InExpr{clone(*node.value), clones(node.candidates)};
  }
  decltype(Expr::node) operator()(const FieldExpr& node) const {
    return FieldExpr{clone(*node.from), node.field};
  }
  decltype(Expr::node) operator()(const ConstructExpr& node) const {
    return ConstructExpr{.parts = clones(node.parts), .whole = node.whole};
  }
  template <typename Leaf>
  decltype(Expr::node) operator()(const Leaf& leaf) const {
    return leaf;
  }
};

}  // namespace

bool same_expr(const Expr& a, const Expr& b) {
  if (a.type != b.type || !std::visit(SameNode{}, a.node, b.node)) return false;
  const auto left = children_of(a), right = children_of(b);
  if (left.size() != right.size()) return false;
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (!same_expr(*left[i], *right[i])) return false;
  }
  return true;
}

ExprPtr clone(const Expr& expr) {
  auto out = std::make_unique<Expr>();
  out->type = expr.type;
  out->span = expr.span;
  out->node = std::visit(Cloner{}, expr.node);
  return out;
}

void point_at(Expr& expr, std::size_t column) {
  if (auto* named = std::get_if<ColumnExpr>(&expr.node)) named->index = column;
  for_each_child(expr, [&](const Expr& child) { point_at(const_cast<Expr&>(child), column); });
}

void renumber(Expr& expr, const std::vector<std::size_t>& places) {
  if (auto* column = std::get_if<ColumnExpr>(&expr.node)) {
    CHECK(column->index < places.size());
    column->index = places[column->index];
  }
  // Children are owned by the tree that is ours to change.
  for_each_child(expr, [&](const Expr& child) { renumber(const_cast<Expr&>(child), places); });
}

}  // namespace penstock::sql
