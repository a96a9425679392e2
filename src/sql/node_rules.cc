#include "sql/node_rules.h"

#include <algorithm>

#include <fmt/format.h>

#include "sql/expr_tools.h"
#include "sql/name_text.h"

namespace penstock::sql {
namespace {

using Replaced = Parsed<std::optional<Bound>>;

// The call, when the expression is one of a function of this kind.
const ast::Call* call_of(const ExpressionBinder& binder, const ast::Expression& expression,
                         FunctionKind kind) {
  const auto* call = std::get_if<ast::Call>(&expression.node);
  const Function* function = call == nullptr ? nullptr : binder.function_of(*call);
  return function != nullptr && function->kind == kind ? call : nullptr;
}

// Sets a flag for as long as it lives.
class Flag {
 public:
  explicit Flag(bool& flag) : flag_(flag), before_(flag) { flag_ = true; }
  Flag(const Flag&) = delete;
  Flag& operator=(const Flag&) = delete;
  ~Flag() { flag_ = before_; }

 private:
  bool& flag_;
  const bool before_;
};

// The bound of a window that a name says.
std::optional<PseudoColumn> bound_named(const ast::ColumnName* name) {
  for (const PseudoColumn bound : {PseudoColumn::windowstart, PseudoColumn::windowend})
    if (name != nullptr && name->column.text == name_of(bound)) return bound;
  return std::nullopt;
}

std::unexpected<Diagnostic> nested(const ast::Call& outer, SourceSpan span) {
  return problem(span, fmt::format("Aggregate functions can not be nested: {}.", outer.name.text));
}

}  // namespace

Replaced TableFunctionRule::replace(const ast::Expression& expression) {
  if (const ast::Call* call = call_of(binder_, expression, FunctionKind::aggregate)) {
    return problem(
        expression.span,
        fmt::format("Use of aggregate function {} requires a GROUP BY clause.", call->name.text));
  }
  const ast::Call* call = call_of(binder_, expression, FunctionKind::table);
  if (call == nullptr) return std::nullopt;
  if (!facts_.table_functions) {
    return problem(expression.span,
                   fmt::format("Table functions cannot be used here: {} is one; they stand in the "
                               "SELECT.",
                               call->name.text));
  }
  if (facts_.over_table)
    return problem(expression.span, "Table source is not supported with table functions.");
  if (inside_)
    return problem(expression.span,
                   fmt::format("Table functions cannot be nested: {}.", call->name.text));
  const Flag inside(inside_);
  const ExpressionBinder::Apart apart(binder_);
  Bound bound = TRY(binder_.bind_call(*call, *binder_.function_of(*call), expression.span));
  data::Type type = bound.expr->type;
  calls_.push_back(std::move(bound.expr));
  return Bound{make_column(kFirst + calls_.size() - 1, std::move(type), expression.span)};
}

Parsed<void> GroupRule::bind_keys(const std::vector<ast::ExpressionPtr>& list) {
  binder_.set_rule(this);
  const Flag in_group_by(in_group_by_);
  for (const ast::ExpressionPtr& expression : list) {
    auto bound = binder_.bind(*expression);
    if (!bound) {
      binder_.set_rule(nullptr);
      return std::unexpected(std::move(bound).error());
    }
    if (bound->untyped_null) {
      binder_.set_rule(nullptr);
      return problem(expression->span, "GROUP BY takes no NULL: it is no group.");
    }
    const bool twice = std::ranges::any_of(
        keys_, [&](const ExprPtr& key) { return same_expr(*key, *bound->expr); });
    if (twice) {
      binder_.set_rule(nullptr);
      return problem(expression->span, fmt::format("Duplicate expression in GROUP BY: {}.",
                                                   ast::to_text(*expression)));
    }
    keys_.push_back(std::move(bound->expr));
  }
  binder_.set_rule(nullptr);
  return {};
}

void GroupRule::set_place(std::string_view clause, const ast::Expression& whole) {
  clause_ = clause;
  whole_ = &whole;
}

bool GroupRule::is_key(const Expr& expr, std::size_t key) const {
  const auto* column = std::get_if<ColumnExpr>(&expr.node);
  return column != nullptr && column->index == key && key < keys_.size();
}

Replaced GroupRule::replace(const ast::Expression& expression) {
  if (const ast::Call* call = call_of(binder_, expression, FunctionKind::table)) {
    return problem(
        expression.span,
        fmt::format("Table functions cannot be used with aggregations: {}.", call->name.text));
  }
  if (const ast::Call* call = call_of(binder_, expression, FunctionKind::aggregate)) {
    if (in_group_by_) {
      return problem(expression.span,
                     fmt::format("GROUP BY does not support aggregate functions: {} is an "
                                 "aggregate function.",
                                 call->name.text));
    }
    if (inside_) return nested(*call, expression.span);
    return aggregate(*call, *binder_.function_of(*call), expression.span);
  }
  const auto* name = std::get_if<ast::ColumnName>(&expression.node);
  const auto bound = windowed_ ? bound_named(name) : std::nullopt;
  if (bound && (inside_ || in_group_by_ || clause_ == "HAVING")) {
    return problem(
        expression.span,
        fmt::format("Window bounds column {} can only be used in the SELECT clause of "
                    "windowed aggregations and can not be passed to aggregate functions.",
                    name->column.text));
  }
  if (inside_ || in_group_by_) return std::nullopt;
  if (bound) return window_bound(*name, *bound, expression.span);
  if (auto key = TRY(key_of(expression))) return key;
  return name == nullptr ? std::nullopt : column(*name, expression.span);
}

Replaced GroupRule::aggregate(const ast::Call& call, const Function& function, SourceSpan span) {
  const Flag inside(inside_);
  const ExpressionBinder::Apart apart(binder_);
  Bound bound = TRY(binder_.bind_call(call, function, span));
  const auto* made = std::get_if<CallExpr>(&bound.expr->node);
  if (facts_.over_table && made != nullptr && !made->overload->undo) {
    return problem(span, fmt::format("The aggregation function(s) ({}) cannot be applied to a "
                                     "table source, only to a stream source.",
                                     function.name));
  }
  data::Type type = bound.expr->type;
  const auto known = std::ranges::find_if(
      aggregates_, [&](const ExprPtr& one) { return same_expr(*one, *bound.expr); });
  const auto at = static_cast<std::size_t>(known - aggregates_.begin());
  if (known == aggregates_.end()) aggregates_.push_back(std::move(bound.expr));
  return Bound{make_column(keys_.size() + at, std::move(type), span)};
}

// Tried as what the source has: the same tree as one of GROUP BY is its column.
Replaced GroupRule::key_of(const ast::Expression& expression) {
  if (std::holds_alternative<ast::Lambda>(expression.node)) return std::nullopt;
  binder_.set_rule(nullptr);
  auto bound = [&] {
    const ExpressionBinder::Apart apart(binder_);
    return binder_.bind(expression);
  }();
  binder_.set_rule(this);
  if (!bound) {
    if (bound.error().code == ErrorCode::limit_exceeded)
      return std::unexpected(std::move(bound).error());
    return std::nullopt;
  }
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    if (!bound->untyped_null && same_expr(*keys_[i], *bound->expr))
      return Bound{make_column(i, keys_[i]->type, expression.span)};
  }
  return std::nullopt;
}

Replaced GroupRule::window_bound(const ast::ColumnName& name, PseudoColumn bound, SourceSpan span) {
  if (name.source) TRY(scope_.find_part(*name.source));
  bounds_ = true;
  const std::size_t end = bound == PseudoColumn::windowend ? 1 : 0;
  return Bound{make_column(kWindowStart + end, data::Type(data::TypeKind::bigint), span)};
}

Replaced GroupRule::column(const ast::ColumnName& name, SourceSpan span) {
  Scope probe = scope_;
  if (!probe.resolve(name)) return std::nullopt;  // a parameter of a lambda, or not known at all
  return problem(span,
                 fmt::format("Non-aggregate {} expression(s) not part of GROUP BY: {}\nEither "
                             "add the column(s) to the GROUP BY or remove them from the {}.",
                             clause_, ast::to_text(*whole_), clause_));
}

}  // namespace penstock::sql
