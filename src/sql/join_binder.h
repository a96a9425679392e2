// The joins of a query: which kinds there are, and by what they join. Private to sql.
#pragma once

#include <vector>

#include "sql/expression_binder.h"
#include "sql/plan.h"

namespace penstock::sql {

struct BoundJoin {
  JoinStep step;     // its expressions are over the whole scope
  std::size_t part;  // of the scope: the right side
  // The left side is what the joins before it have joined by: their rows' key, which is there also
  // where the column that the statement names is missing.
  bool keeps_key = false;
};

struct BoundJoins {
  std::vector<BoundJoin> joins;
  // Of each key column of the result those that have its value, any of which may stand for it in a
  // projection. None: the scope's own key column.
  std::vector<std::vector<std::size_t>> keys;
};

// Of a query with at least one join. Adds the key that is no side's to the scope.
Parsed<BoundJoins> bind_joins(const ast::Query& query, Scope& scope, ExpressionBinder& binder);

// Whether what joins so far is a stream, after the first n joins.
SourceKind kind_after(const Scope& scope, const std::vector<BoundJoin>& joins, std::size_t n);

}  // namespace penstock::sql
