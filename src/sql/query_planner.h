// SELECT to a tree of steps. Private to sql.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sql/ast.h"
#include "sql/diagnostic.h"
#include "sql/expression_binder.h"
#include "sql/join_binder.h"
#include "sql/node_rules.h"
#include "sql/plan.h"
#include "sql/scope.h"
#include "sql/statement.h"
#include "sql/stream_info.h"

namespace penstock::sql {

// What names and functions mean while one statement is bound, and its text.
struct BindContext {
  const Catalogue& catalogue;
  const FunctionCatalogue& functions;
  std::string_view text;
  StatementDefaults defaults = {};
};

// The stream or table of that name, or an error with the nearest ones.
Parsed<const SourceInfo*> find_source(const BindContext& context, const ast::Identifier& name);

class QueryPlanner {
 public:
  // Finds the sources of the query, which with the context outlives the planner.
  static Parsed<std::unique_ptr<QueryPlanner>> make(const BindContext& context,
                                                    const ast::Query& query);

  // For a client: the columns in the order of the SELECT. Of what is a table those are keys that
  // say which row changed.
  Parsed<PlanPtr> plan_push();

  // For a stream or table: derive() gives the result's columns, keys first; then the sink's
  // description is settled by the caller, and finish() makes the tree that ends in it.
  Parsed<data::Schema> derive(const ast::Identifier& sink);
  SourceKind kind() const;                   // of the result
  std::optional<WindowInfo> window() const;  // of the result's keys
  const SourceInfo& first_source() const { return *scope_->first().source; }
  std::vector<const SourceInfo*> sources() const;
  // Makes the derived columns the target's, by widening casts; both schemas are in the error.
  Parsed<void> match(const data::Schema& target, SourceSpan span);
  Parsed<PlanPtr> finish(SourceInfo sink);

 private:
  struct Output {
    std::string name;
    ExprPtr expr;
    SourceSpan span;
    bool key = false;
  };
  // A column that the result's key is made of: one of these outputs is it.
  struct Key {
    std::vector<ExprPtr> any_of;
    std::string shown;  // in messages
  };

  QueryPlanner(const BindContext& context, const ast::Query& query)
      : context_(context), query_(query) {}

  // query_planner.cc
  Parsed<void> open();
  Parsed<void> bind(bool persistent);
  Parsed<void> check_clauses() const;
  Parsed<void> bind_where();
  Parsed<void> bind_partition_by();
  Parsed<void> bind_groups();
  bool grouped() const { return group_rule_ != nullptr; }
  bool rekeys() const;
  data::Schema output_schema() const;

  // query_outputs.cc
  Parsed<void> bind_outputs(bool persistent);
  Parsed<void> bind_having();
  Parsed<void> expand_star(const ast::SelectItem& item);
  // Those columns of a source that are not done yet.
  Parsed<void> expand_columns(const Scope::Part& part, data::ColumnRole role, SourceSpan span,
                              std::vector<std::size_t>& done);
  Parsed<void> expand_window(const Scope::Part& part, SourceSpan span);
  Parsed<void> expand_partition_keys(const ast::SelectItem& item, std::vector<std::size_t>& done);
  Parsed<void> expand_struct(const ast::SelectItem& item);
  Parsed<void> add_column(std::size_t index, SourceSpan span);
  Parsed<void> add_expression(const ast::SelectItem& item, bool persistent);
  Parsed<Bound> bind_output(const ast::Expression& expression);
  std::string name_of_item(const ast::SelectItem& item);
  bool is_taken(const std::string& name) const;
  std::string next_generated_name();
  std::string next_field_name(const std::string& field);
  Parsed<void> check_names() const;

  // query_keys.cc
  Parsed<void> mark_keys(const ast::Identifier& sink);
  void mark_keys_for_client();
  bool is_window_bound(const Expr& expr) const;
  void fit_constants(const data::Schema& target);
  std::vector<Key> wanted_keys() const;
  std::string key_words(std::size_t keys) const;

  // query_steps.cc
  PlanPtr steps();  // source, joins, filter, table functions, aggregation, projection
  PlanPtr source_steps();
  PlanPtr aggregate_step(PlanPtr plan);
  void place_late_columns(std::size_t input_columns);

  const BindContext& context_;
  const ast::Query& query_;
  std::unique_ptr<Scope> scope_;
  std::unique_ptr<ExpressionBinder> binder_;
  BoundJoins joins_;
  ExprPtr where_, having_;
  std::vector<ExprPtr> partition_by_;
  bool drops_key_ = false;  // PARTITION BY NULL
  std::unique_ptr<TableFunctionRule> table_rule_;
  std::unique_ptr<GroupRule> group_rule_;
  std::vector<Output> outputs_;
  std::size_t generated_ = 0;
};

}  // namespace penstock::sql
