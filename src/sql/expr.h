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
  std::vector<ExprPtr> args;  // of exactly the overload's types: the binder has put casts in
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

struct Expr {
  data::Type type;
  std::variant<LiteralExpr, ColumnExpr, CallExpr, LogicalExpr, CaseExpr> node;
  SourceSpan span;
};

// As EXPLAIN prints it: "(AMOUNT > 1000.00)". Literals are part of the statement, not of the data.
std::string to_text(const Expr& expr, const std::vector<std::string>& column_names);

}  // namespace penstock::sql
