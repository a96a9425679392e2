// For tests: plans and expressions built by hand.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "engine/runtime.h"
#include "sql/overload_resolver.h"
#include "sql/plan.h"

namespace penstock::engine::test {

inline data::Type type(data::TypeKind kind) {
  return data::Type(kind);
}
inline const data::Type kBigint = type(data::TypeKind::bigint);
inline const data::Type kString = type(data::TypeKind::string);
inline const data::Type kBoolean = type(data::TypeKind::boolean);
inline const data::Schema kNumbers{{{"N", kBigint}}};
inline const QueryId kQuery("Q");

inline sql::ExprPtr expr(data::Type type, decltype(sql::Expr::node) node) {
  auto made = std::make_unique<sql::Expr>();
  made->type = std::move(type);
  made->node = std::move(node);
  return made;
}
inline sql::ExprPtr column(data::Type type, std::size_t index) {
  return expr(std::move(type), sql::ColumnExpr{index});
}
inline sql::ExprPtr literal(data::Type type, data::Value value) {
  return expr(std::move(type), sql::LiteralExpr{std::move(value)});
}
inline sql::ExprPtr bigint(std::int64_t value) {
  return literal(kBigint, value);
}
inline sql::ExprPtr text(std::string value) {
  return literal(kString, std::move(value));
}

template <typename... Args>
std::vector<sql::ExprPtr> list(Args... args) {
  std::vector<sql::ExprPtr> out;
  (out.push_back(std::move(args)), ...);
  return out;
}

// Exact types only; the result's type from the overload unless given.
inline sql::ExprPtr call(std::string_view name, std::vector<sql::ExprPtr> args) {
  const sql::ScalarFunction* function = builtin_functions().find(name);
  CHECK(function != nullptr);
  std::vector<sql::ArgumentType> types;
  for (const sql::ExprPtr& arg : args) types.emplace_back().type = arg->type;
  const sql::Resolution resolution = sql::resolve(*function, types);
  CHECK(static_cast<bool>(resolution));
  for (std::size_t i = 0; i < args.size(); ++i) CHECK(resolution.types()[i] == args[i]->type);
  return expr(resolution.result(),
              sql::CallExpr{function, &resolution.overload(), std::move(args)});
}

inline sql::ExprPtr logical(sql::LogicalExpr::Kind kind, std::vector<sql::ExprPtr> terms) {
  return expr(kBoolean, sql::LogicalExpr{kind, std::move(terms)});
}
inline sql::ExprPtr conjunction(std::vector<sql::ExprPtr> terms) {
  return logical(sql::LogicalExpr::Kind::conjunction, std::move(terms));
}
inline sql::ExprPtr disjunction(std::vector<sql::ExprPtr> terms) {
  return logical(sql::LogicalExpr::Kind::disjunction, std::move(terms));
}

inline sql::StreamInfo stream(std::string name, std::string topic, data::Schema schema) {
  sql::StreamInfo info;
  info.name = std::move(name);
  info.topic = std::move(topic);
  info.schema = std::move(schema);
  return info;
}

inline sql::PlanPtr source(sql::StreamInfo info) {
  auto node = std::make_unique<sql::PlanNode>();
  node->schema = info.schema;
  std::vector<bool> used(info.schema.columns.size(), true);
  node->step = sql::SourceStep{std::move(info), std::move(used), {}};
  return node;
}
inline sql::PlanPtr on(sql::PlanPtr input, decltype(sql::PlanNode::step) step,
                       data::Schema schema) {
  auto node = std::make_unique<sql::PlanNode>();
  node->step = std::move(step);
  node->schema = std::move(schema);
  node->inputs.push_back(std::move(input));
  return node;
}
inline sql::PlanPtr filter(sql::PlanPtr input, sql::ExprPtr predicate) {
  data::Schema schema = input->schema;
  return on(std::move(input), sql::FilterStep{std::move(predicate)}, std::move(schema));
}
struct NamedExpr {
  std::string name;
  sql::ExprPtr expr;
  data::ColumnRole role = data::ColumnRole::value;
};
template <typename... Items>
sql::PlanPtr project(sql::PlanPtr input, Items... items) {
  sql::ProjectStep step;
  data::Schema schema;
  auto add = [&](NamedExpr item) {
    schema.columns.push_back({item.name, item.expr->type, item.role});
    step.items.push_back({std::move(item.name), std::move(item.expr)});
  };
  (add(std::move(items)), ...);
  return on(std::move(input), std::move(step), std::move(schema));
}
inline sql::PlanPtr limit(sql::PlanPtr input, std::int64_t rows) {
  data::Schema schema = input->schema;
  return on(std::move(input), sql::LimitStep{rows}, std::move(schema));
}
// The sink stream has the input's schema; what cannot be computed is a dead letter.
inline sql::PlanPtr sink(sql::PlanPtr input, std::string name, std::string topic,
                         sql::SealSpec seal = {}) {
  data::Schema schema = input->schema;
  sql::StreamInfo info = stream(std::move(name), std::move(topic), schema);
  info.seal = std::move(seal);
  info.on_error = sql::OnError::dead_letter;
  return on(std::move(input), sql::SinkStep{.stream = std::move(info)}, std::move(schema));
}

}  // namespace penstock::engine::test
