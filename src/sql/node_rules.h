// Aggregates, expressions of GROUP BY and table functions while a query is bound. Private to sql.
#pragma once

#include <string>
#include <vector>

#include "sql/expression_binder.h"
#include "sql/plan.h"

namespace penstock::sql {

// What a query says of itself to messages of both rules.
struct QueryFacts {
  bool over_table = false;       // it reads a table
  bool table_functions = false;  // may stand here: the SELECT of a query without GROUP BY
};

// In queries without GROUP BY: calls of table functions are gathered, each as a column behind those
// of the input. Aggregates are refused.
class TableFunctionRule final : public NodeRule {
 public:
  // Columns from here on are calls; renumbered when the input's columns are all known.
  static constexpr std::size_t kFirst = std::size_t{1} << 40;

  TableFunctionRule(ExpressionBinder& binder, QueryFacts facts) : binder_(binder), facts_(facts) {}
  Parsed<std::optional<Bound>> replace(const ast::Expression& expression) override;
  std::vector<ExprPtr>& calls() { return calls_; }

 private:
  ExpressionBinder& binder_;
  const QueryFacts facts_;
  bool inside_ = false;
  std::vector<ExprPtr> calls_;
};

// In queries with GROUP BY: a call of an aggregate, an expression of GROUP BY and a window's bound
// become columns of the aggregation's output; any other column is refused.
class GroupRule final : public NodeRule {
 public:
  GroupRule(ExpressionBinder& binder, const Scope& scope, bool windowed, QueryFacts facts)
      : binder_(binder), scope_(scope), windowed_(windowed), facts_(facts) {}

  // The expressions of GROUP BY. Aggregates in them are refused, and the same one twice.
  Parsed<void> bind_keys(const std::vector<ast::ExpressionPtr>& list);
  // What is bound from now on, for messages: "SELECT" and the whole expression.
  void set_place(std::string_view clause, const ast::Expression& whole);

  Parsed<std::optional<Bound>> replace(const ast::Expression& expression) override;

  std::vector<ExprPtr>& keys() { return keys_; }
  std::vector<ExprPtr>& aggregates() { return aggregates_; }
  bool has_aggregates() const { return !aggregates_.empty(); }
  // Number of a column of the aggregation's output: the n-th key, or whether it is one.
  bool is_key(const Expr& expr, std::size_t key) const;
  bool reads_window_bounds() const { return bounds_; }
  // Columns of a window's bounds: placed behind all aggregates when these are known.
  static constexpr std::size_t kWindowStart = std::size_t{1} << 40;

 private:
  Parsed<std::optional<Bound>> aggregate(const ast::Call& call, const Function& function,
                                         SourceSpan span);
  Parsed<std::optional<Bound>> key_of(const ast::Expression& expression);
  Parsed<std::optional<Bound>> column(const ast::ColumnName& name, SourceSpan span);
  Parsed<std::optional<Bound>> window_bound(const ast::ColumnName& name, PseudoColumn bound,
                                            SourceSpan span);

  ExpressionBinder& binder_;
  const Scope& scope_;
  const bool windowed_;
  const QueryFacts facts_;
  bool inside_ = false;  // of an aggregate
  bool in_group_by_ = false;
  bool bounds_ = false;
  std::string_view clause_;
  const ast::Expression* whole_ = nullptr;
  std::vector<ExprPtr> keys_, aggregates_;
};

}  // namespace penstock::sql
