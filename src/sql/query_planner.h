// SELECT to a tree of steps. Private to sql.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sql/ast.h"
#include "sql/diagnostic.h"
#include "sql/expression_binder.h"
#include "sql/plan.h"
#include "sql/scope.h"
#include "sql/stream_info.h"

namespace penstock::sql {

// What names and functions mean while one statement is bound, and its text.
struct BindContext {
  const Catalogue& catalogue;
  const FunctionCatalogue& functions;
  std::string_view text;
};

// The stream of that name, or an error with the nearest ones.
Parsed<const StreamInfo*> find_stream(const BindContext& context, const ast::Identifier& name);

class QueryPlanner {
 public:
  // source: of the query; both and the context outlive the planner.
  QueryPlanner(const BindContext& context, const ast::Query& query, const StreamInfo& source);

  // For a client: the columns in the order of the SELECT, none a key.
  Parsed<PlanPtr> plan_push();

  // For a stream: derive() gives the result's columns, keys first; then the sink's description is
  // settled by the caller, and finish() makes the tree that ends in it.
  Parsed<data::Schema> derive(const ast::Identifier& sink);
  // Makes the derived columns the target's, by widening casts; both schemas are in the error.
  Parsed<void> match(const data::Schema& target, SourceSpan span);
  Parsed<PlanPtr> finish(StreamInfo sink);

 private:
  struct Output {
    std::string name;
    ExprPtr expr;
    bool value_copy = false;  // AS_VALUE(...)
    SourceSpan span;
    bool key = false;
  };
  struct Key {
    std::string text;   // of the bound expression: how an output is recognised
    std::string shown;  // in messages
  };

  Parsed<void> bind_outputs(bool persistent);
  Parsed<void> bind_where();
  Parsed<void> bind_partition_by();
  Parsed<void> expand_star(const ast::SelectItem& item);
  void add_column(std::size_t index, SourceSpan span);
  Parsed<void> add_expression(const ast::SelectItem& item, bool persistent);
  Parsed<void> check_names() const;
  Parsed<void> mark_keys(const ast::Identifier& sink);
  std::vector<Key> wanted_keys() const;
  std::string next_generated_name();
  std::string text_of_expr(const Expr& expr) const { return to_text(expr, scope_.column_names()); }
  bool rekeys() const;
  data::Schema output_schema() const;
  PlanPtr steps();  // source, filter, project

  const ast::Query& query_;
  Scope scope_;
  ExpressionBinder binder_;
  ExprPtr where_;
  std::vector<ExprPtr> partition_by_;
  bool drops_key_ = false;  // PARTITION BY NULL
  std::vector<Output> outputs_;
  std::size_t generated_ = 0;
};

}  // namespace penstock::sql
