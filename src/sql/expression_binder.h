// Expressions as written to bound ones: names, types, overloads. Private to sql.
#pragma once

#include <string_view>
#include <vector>

#include "sql/ast.h"
#include "sql/call_binder.h"
#include "sql/diagnostic.h"
#include "sql/scope.h"

namespace penstock::sql {

class ExpressionBinder {
 public:
  // scope: nullptr for constant expressions. text: the statement. All must outlive the binder.
  ExpressionBinder(const FunctionCatalogue& functions, Scope* scope, std::string_view text)
      : calls_(functions), scope_(scope), text_(text) {}

  Parsed<Bound> bind(const ast::Expression& expression);
  // The same; NULL as written, and anything but BOOLEAN, are refused. what: "WHERE".
  Parsed<ExprPtr> bind_predicate(const ast::Expression& expression, std::string_view what);

  CallBinder& calls() { return calls_; }

 private:
  // One per node: expression_binder.cc and bind_predicates.cc.
  Parsed<Bound> bind_node(const ast::Literal& node, SourceSpan span);
  Parsed<Bound> bind_node(const ast::ColumnName& node, SourceSpan span);
  Parsed<Bound> bind_node(const ast::Unary& node, SourceSpan span);
  Parsed<Bound> bind_node(const ast::Binary& node, SourceSpan span);
  Parsed<Bound> bind_node(const ast::Logical& node, SourceSpan span);
  Parsed<Bound> bind_node(const ast::Between& node, SourceSpan span);
  Parsed<Bound> bind_node(const ast::InList& node, SourceSpan span);
  Parsed<Bound> bind_node(const ast::Like& node, SourceSpan span);
  Parsed<Bound> bind_node(const ast::IsNull& node, SourceSpan span);
  Parsed<Bound> bind_node(const ast::Case& node, SourceSpan span);
  Parsed<Bound> bind_node(const ast::Cast& node, SourceSpan span);
  Parsed<Bound> bind_node(const ast::Call& node, SourceSpan span);

  Parsed<ExprPtr> boolean(const ast::Expression& expression, std::string_view what);
  Parsed<ExprPtr> boolean(Bound value, std::string_view what);
  // A call of an operator that takes whatever the binder gives it.
  Parsed<ExprPtr> operation(std::string_view name, Bound first, SourceSpan span);
  Parsed<Bound> arithmetic(const ast::Binary& node, SourceSpan span);
  enum class Literals : std::uint8_t { read_text, either_way };
  Parsed<ExprPtr> comparison(ast::BinaryOperator op, Bound left, Bound right, SourceSpan span);
  Parsed<void> match_literals(Bound& left, Bound& right, Literals rule);
  Parsed<Bound> read_literal(Bound text, const data::Type& type);
  Parsed<ExprPtr> membership(const ast::Expression& value, const ast::Expression& candidate,
                             SourceSpan span);
  ExprPtr logical(LogicalExpr::Kind kind, std::vector<ExprPtr> terms, SourceSpan span);
  Parsed<Bound> maybe_negated(ExprPtr value, bool negated, SourceSpan span);
  std::unexpected<Diagnostic> unknown_function(const ast::Call& node) const;
  std::string shown(const Bound& value) const;  // "AMOUNT (DECIMAL(10, 2))"

  CallBinder calls_;
  Scope* scope_;
  std::string_view text_;
  std::size_t nodes_ = 0;
};

}  // namespace penstock::sql
