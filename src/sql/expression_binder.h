// Expressions as written to bound ones: names, types, overloads. Private to sql.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "sql/ast.h"
#include "sql/call_binder.h"
#include "sql/diagnostic.h"
#include "sql/scope.h"

namespace penstock::sql {

// What a query does with the parts of its expressions that it does not compute row by row:
// aggregates, table functions, expressions of GROUP BY.
class NodeRule {
 public:
  virtual ~NodeRule() = default;
  // Asked before a node is bound. Nothing: bind it as usual.
  virtual Parsed<std::optional<Bound>> replace(const ast::Expression& expression) = 0;
};

class ExpressionBinder {
  // A parameter of a lambda, or the value of a BindExpr (no name); its slot is its place.
  struct Local {
    std::string name;
    data::Type type;
  };

 public:
  // scope: nullptr for constant expressions. text: the statement. All must outlive the binder.
  ExpressionBinder(const FunctionCatalogue& functions, const Catalogue* catalogue, Scope* scope,
                   std::string_view text)
      : calls_(functions), catalogue_(catalogue), scope_(scope), text_(text) {}

  // rule: null again after use; outlives it.
  void set_rule(NodeRule* rule) { rule_ = rule; }
  // Lists and structs fail as a whole where one of their parts does.
  void fail_whole(bool whole) { fails_whole_ = whole; }

  Parsed<Bound> bind(const ast::Expression& expression);
  // The same; NULL as written, and anything but BOOLEAN, are refused. what: "WHERE".
  Parsed<ExprPtr> bind_predicate(const ast::Expression& expression, std::string_view what);
  // While it lives, what is bound is computed apart from what stands around it, as calls of
  // aggregates and table functions are: parameters of the lambdas around are not known in it.
  class Apart {
   public:
    explicit Apart(ExpressionBinder& binder)
        : binder_(binder),
          locals_(std::exchange(binder.locals_, {})),
          around_(std::exchange(binder.around_, &locals_)) {}
    Apart(const Apart&) = delete;
    Apart& operator=(const Apart&) = delete;
    ~Apart() {
      binder_.locals_ = std::move(locals_);
      binder_.around_ = around_;
    }

   private:
    ExpressionBinder& binder_;
    std::vector<Local> locals_;
    const std::vector<Local>* around_;
  };

  // Arguments of a function and the call of it; also of aggregates and table functions.
  Parsed<Bound> bind_call(const ast::Call& node, const Function& function, SourceSpan span);
  const Function* function_of(const ast::Call& node) const;

  Parsed<data::Type> type_of(const ast::TypeName& name);

  // The value in another type: literals become it here, what is made of parts is made of the parts'
  // new types, the rest is cast when it runs. bind_nested.cc
  Parsed<ExprPtr> bring_to(Bound value, const data::Type& type);

  CallBinder& calls() { return calls_; }
  std::string shown(const Bound& value) const;  // "AMOUNT (DECIMAL(10, 2))"

 private:
  // One per node: expression_binder.cc, bind_predicates.cc and bind_nested.cc.
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
  Parsed<Bound> bind_node(const ast::Field& node, SourceSpan span);
  Parsed<Bound> bind_node(const ast::Subscript& node, SourceSpan span);
  Parsed<Bound> bind_node(const ast::ArrayOf& node, SourceSpan span);
  Parsed<Bound> bind_node(const ast::MapOf& node, SourceSpan span);
  Parsed<Bound> bind_node(const ast::StructOf& node, SourceSpan span);
  Parsed<Bound> bind_node(const ast::Lambda& node, SourceSpan span);
  Parsed<Bound> bind_node(const ast::AtTimeZone& node, SourceSpan span);

  Parsed<ExprPtr> boolean(const ast::Expression& expression, std::string_view what);
  Parsed<ExprPtr> boolean(Bound value, std::string_view what);
  // A call of an operator that takes whatever the binder gives it.
  Parsed<ExprPtr> operation(std::string_view name, Bound first, SourceSpan span);
  Parsed<Bound> arithmetic(const ast::Binary& node, SourceSpan span);
  Parsed<ExprPtr> comparison(ast::BinaryOperator op, Bound left, Bound right, SourceSpan span);
  // Brings both sides of a comparison to types that compare.
  Parsed<void> match_sides(ast::BinaryOperator op, Bound& left, Bound& right);
  Parsed<bool> match_time_text(Bound& left, Bound& right);
  Parsed<Bound> read_literal(Bound text, const data::Type& type);
  // Runs make() with a ParamExpr of the value, which is computed once.
  template <typename Make>
  Parsed<ExprPtr> once(Bound value, Make make);
  Parsed<Bound> simple_case(const ast::Case& node, SourceSpan span);
  Parsed<CaseExpr> branches_of(const ast::Case& node, const Bound* operand, data::Type& type,
                               bool& untyped);

  // bind_nested.cc: the type that holds all of a list. what: for messages.
  static void widen_by_texts(std::span<const Bound> list, data::Type& common);
  Parsed<Bound> read_among(Bound text, const data::Type& type);
  Parsed<data::Type> common_type_of(std::span<const Bound> list, std::string_view what);
  Parsed<std::vector<ExprPtr>> bind_list(const std::vector<ast::ExpressionPtr>& list,
                                         std::string_view what, std::string_view all_null,
                                         data::Type& type);

  // bind_call.cc
  Parsed<std::vector<Bound>> bind_arguments(const ast::Call& node, const Function& function);
  Parsed<void> check_params(const ast::Lambda& node) const;
  Parsed<void> bind_lambda(const ast::Lambda& node, std::size_t argument, Resolution& resolution,
                           Bound& out);

  ExprPtr logical(LogicalExpr::Kind kind, std::vector<ExprPtr> terms, SourceSpan span);
  Parsed<Bound> maybe_negated(ExprPtr value, bool negated, SourceSpan span);
  std::unexpected<Diagnostic> unknown_function(const ast::Call& node) const;

  CallBinder calls_;
  const Catalogue* catalogue_;
  Scope* scope_;
  std::string_view text_;
  NodeRule* rule_ = nullptr;
  std::vector<Local> locals_;
  const std::vector<Local>* around_ = nullptr;  // see Apart
  bool fails_whole_ = false;
  std::size_t nodes_ = 0;
};

ExprPtr make_expr(data::Type type, decltype(Expr::node) node, SourceSpan span);
ExprPtr make_column(std::size_t index, data::Type type, SourceSpan span);

}  // namespace penstock::sql
