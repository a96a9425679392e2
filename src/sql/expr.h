// Bound expressions: names resolved, types known, operators and casts turned into calls.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "data/type.h"
#include "data/value.h"
#include "sql/function.h"
#include "sql/source_span.h"

namespace penstock::sql {

struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

struct LiteralExpr {
  data::Value value;  // Null is allowed with any type
};

// A column of the step's input schema; pseudo-columns are bound to the columns that the source step
// appends after its stream's own (see SourceStep::pseudo).
struct ColumnExpr {
  std::size_t index;
};

// Evaluates all arguments, then the kernel.
struct CallExpr {
  const ScalarFunction* function;  // of the catalogue, which outlives plans
  const Overload* overload;
  // Of exactly the overload's types: the binder has put casts in. Where the signature has a lambda,
  // a LambdaExpr.
  std::vector<ExprPtr> args;
};

// AND, OR with SQL's three values; the right side is computed only for rows that still need it, so
// that "n <> 0 AND 10 / n > 2" does not fail.
struct LogicalExpr {
  enum class Kind : std::uint8_t { conjunction, disjunction } kind;
  std::vector<ExprPtr> terms;  // two or more
};

// CASE; both forms (the simple one is bound to equalities). Branches see only their rows.
struct CaseExpr {
  struct Branch {
    ExprPtr when;  // BOOLEAN
    ExprPtr then;
  };
  std::vector<Branch> branches;
  ExprPtr otherwise;  // absent: null
};

// The element that a lambda is at, or the value of a BindExpr. The parameters of all lambdas and
// the values of all BindExprs around a place are numbered from the outermost on.
struct ParamExpr {
  std::size_t slot;
};

// An argument of a call whose signature has a lambda there. Its parameters are the next free slots;
// Expr::type is the body's.
struct LambdaExpr {
  std::size_t params;
  ExprPtr body;
};

// Computes a value once for a body that needs it several times (BETWEEN, the operand of CASE): the
// body names it by the next free slot.
struct BindExpr {
  ExprPtr value;
  ExprPtr body;
};

// Whether the value equals one of the candidates, all of one type; NULL equals nothing. Never null.
struct InExpr {
  ExprPtr value;
  std::vector<ExprPtr> candidates;
};

// struct->field; null for a null struct.
struct FieldExpr {
  ExprPtr from;
  std::size_t field;  // of the struct's type
};

// ARRAY[a, b]: the elements; MAP(k := v, ...): key, value, key, value, ...; STRUCT(f := v, ...):
// the fields. Of what Expr::type says; the parts are exactly of its types.
struct ConstructExpr {
  std::vector<ExprPtr> parts = {};
  bool whole = false;  // a part that fails is not NULL alone: all of it fails
};

struct Expr {
  data::Type type;
  std::variant<LiteralExpr, ColumnExpr, CallExpr, LogicalExpr, CaseExpr, ParamExpr, LambdaExpr,
               BindExpr, InExpr, FieldExpr, ConstructExpr>
      node;
  SourceSpan span;
};

// Calls visit(child) for each expression directly within.
template <typename Visit>
void for_each_child(const Expr& expr, Visit&& visit);

// As EXPLAIN prints it: "(AMOUNT > 1000.00)". Literals are part of the statement, not of the data.
std::string to_text(const Expr& expr, const std::vector<std::string>& column_names);

template <typename Visit>
void for_each_child(const Expr& expr, Visit&& visit) {
  struct Visitor {
    Visit& visit;
    void all(const std::vector<ExprPtr>& exprs) const {
      for (const ExprPtr& one : exprs) visit(*one);
    }
    void operator()(const LiteralExpr&) const {}
    void operator()(const ColumnExpr&) const {}
    void operator()(const ParamExpr&) const {}
    void operator()(const CallExpr& node) const { all(node.args); }
    void operator()(const LogicalExpr& node) const { all(node.terms); }
    void operator()(const CaseExpr& node) const {
      for (const CaseExpr::Branch& branch : node.branches) {
        visit(*branch.when);
        visit(*branch.then);
      }
      if (node.otherwise) visit(*node.otherwise);
    }
    void operator()(const LambdaExpr& node) const { visit(*node.body); }
    void operator()(const BindExpr& node) const {
      visit(*node.value);
      visit(*node.body);
    }
    void operator()(const InExpr& node) const {
      visit(*node.value);
      all(node.candidates);
    }
    void operator()(const FieldExpr& node) const { visit(*node.from); }
    void operator()(const ConstructExpr& node) const { all(node.parts); }
  };
  std::visit(Visitor{visit}, expr.node);
}

}  // namespace penstock::sql
