#include "engine/pipeline.h"

#include <algorithm>
#include <iterator>
#include <map>

#include <fmt/format.h>

#include "base/check.h"
#include "engine/aggregate_operator.h"
#include "engine/exchange.h"
#include "engine/foreign_rows.h"
#include "engine/join_operator.h"
#include "engine/program.h"
#include "engine/row_operators.h"
#include "engine/session_operator.h"
#include "engine/table_changes.h"

namespace penstock::engine {

class Chain::Link final : public Emitter {
 public:
  // next: null for the last operator.
  Link(Operator* next, Link* next_link) : next_(next), next_link_(next_link) {}

  void set_end(Emitter& end) { end_ = &end; }
  Result<Flow> emit(const data::Batch& batch) override {
    return next_ != nullptr ? next_->process(batch, *next_link_) : end_->emit(batch);
  }
  void reject(data::RowOrigin origin, std::string_view reason) override {
    end_->reject(origin, reason);
  }
  void note_failure(std::string_view step, std::string_view reason) override {
    end_->note_failure(step, reason);
  }
  data::Arena& arena() override { return end_->arena(); }

 private:
  Operator* next_;
  Link* next_link_;
  Emitter* end_ = nullptr;
};

namespace {

// Several steps of one kind over the same columns are numbered in the order of the data.
std::vector<std::string> names_of_stores(const std::vector<std::unique_ptr<Operator>>& operators) {
  std::vector<std::string> names;
  std::map<std::string_view, int> seen;
  for (const std::unique_ptr<Operator>& one : operators) {
    const std::string_view store = one->store();
    const int number = store.empty() ? 1 : ++seen[store];
    names.push_back(number == 1 ? std::string(store) : fmt::format("{}.{}", store, number));
  }
  return names;
}

}  // namespace

std::vector<Chain::Step> Chain::in_a_row(std::vector<std::unique_ptr<Operator>> operators) {
  std::vector<Step> steps;
  for (std::unique_ptr<Operator>& one : operators)
    steps.push_back({std::move(one), steps.size() + 1});
  if (!steps.empty()) steps.back().next.reset();
  return steps;
}

Chain::Chain(std::vector<std::unique_ptr<Operator>> operators)
    : Chain(in_a_row(std::move(operators)), {0}) {}

Chain::Chain(std::vector<Step> steps, std::vector<std::size_t> heads)
    : heads_(std::move(heads)), links_(steps.size()) {
  for (std::size_t i = steps.size(); i-- > 0;) {
    const std::optional<std::size_t> next = steps[i].next;
    CHECK(!next || *next > i);
    links_[i] = std::make_unique<Link>(next ? steps[*next].op.get() : nullptr,
                                       next ? links_[*next].get() : nullptr);
  }
  for (Step& step : steps) operators_.push_back(std::move(step.op));
  stores_ = names_of_stores(operators_);
}

Chain::~Chain() = default;
Chain::Chain(Chain&&) noexcept = default;
Chain& Chain::operator=(Chain&&) noexcept = default;

Result<> Chain::open(const StoredState& state) {
  std::vector<std::string> known;
  for (std::size_t input = 0; input < std::max<std::size_t>(heads_.size(), 1); ++input)
    for (const std::string_view store : {kGuardStore, kSealStore, kExchangeStore})
      known.push_back(store_of_input(store, input));
  std::ranges::copy_if(stores_, std::back_inserter(known),
                       [](const auto& s) { return !s.empty(); });
  TRY(state.check_stores(known));
  for (std::size_t i = 0; i < operators_.size(); ++i) {
    OperatorState share(state.of(stores_[i]));
    TRY(operators_[i]->open(share));
  }
  return {};
}

Result<Flow> Chain::process(std::size_t input, const data::Batch& batch, Emitter& out) {
  if (operators_.empty()) return out.emit(batch);
  for (const auto& link : links_) link->set_end(out);
  const std::size_t head = heads_[input];
  return operators_[head]->process(batch, *links_[head]);
}

Result<Flow> Chain::on_stream_time(data::TimestampMs now_ms, Emitter& out) {
  for (const auto& link : links_) link->set_end(out);
  for (std::size_t i = 0; i < operators_.size(); ++i) {
    Flow flow = TRY(operators_[i]->on_stream_time(now_ms, *links_[i]));
    if (flow != Flow::more) return flow;
  }
  return Flow::more;
}

Result<> Chain::on_commit(topics::StateWrites& state) {
  for (std::size_t i = 0; i < operators_.size(); ++i) {
    if (stores_[i].empty()) continue;
    StoreWrites share(stores_[i], state);
    TRY(operators_[i]->on_commit(share));
  }
  return {};
}

std::size_t Chain::uncommitted_bytes() const {
  std::size_t bytes = 0;
  for (const auto& step : operators_) bytes += step->uncommitted_bytes();
  return bytes;
}

std::size_t Chain::memory_bytes() const {
  std::size_t bytes = 0;
  for (const auto& step : operators_) bytes += step->memory_bytes();
  return bytes;
}

bool Chain::keeps_state() const {
  return std::ranges::any_of(stores_, [](const std::string& store) { return !store.empty(); });
}

namespace {

using OperatorPtr = std::unique_ptr<Operator>;

// What operators know of the whole plan.
struct Surroundings {
  bool table = false;  // rows are changes of a table
  FailedRow rule = FailedRow::null_column;
  bool each_change = false;
  bool filtered = false;  // a filter follows the step
};

FailedRow rule_of(sql::OnError rule) {
  switch (rule) {
    case sql::OnError::null_column:
      return FailedRow::null_column;
    case sql::OnError::dead_letter:
      return FailedRow::dead_letter;
    case sql::OnError::stop:
      break;
  }
  return FailedRow::stop;
}

Surroundings surroundings_of(const PlanParts& parts, const ChainOptions& options) {
  return {
      .table = parts.table,
      .rule = parts.sink == nullptr ? FailedRow::null_column : rule_of(parts.sink->stream.on_error),
      .each_change = options.each_change};
}

Result<OperatorPtr> make_operator(const Surroundings& around, const sql::PlanNode&,
                                  const sql::FilterStep& step) {
  return std::make_unique<FilterOperator>(TRY(Program::compile(*step.predicate)), around.table,
                                          around.rule);
}

Result<OperatorPtr> make_operator(const Surroundings& around, const sql::PlanNode& node,
                                  const sql::ProjectStep& step) {
  std::vector<ProjectOperator::Output> columns;
  for (std::size_t i = 0; i < step.items.size(); ++i) {
    const sql::ProjectStep::Item& item = step.items[i];
    Program program = TRY_IN(Program::compile(*item.expr), fmt::format("column {}", item.name));
    const bool key = node.schema.columns[i].role == data::ColumnRole::key;
    columns.push_back({std::move(program), key, item.expr->type});
  }
  return std::make_unique<ProjectOperator>(std::move(columns), around.rule);
}

Result<OperatorPtr> make_operator(const Surroundings& around, const sql::PlanNode& node,
                                  const sql::ExplodeStep& step) {
  std::vector<Program> calls;
  std::vector<data::Type> elements, inputs;
  for (const sql::ProjectStep::Item& item : step.calls) {
    calls.push_back(TRY_IN(Program::compile(*item.expr), fmt::format("column {}", item.name)));
    elements.push_back(item.expr->type);
  }
  for (const data::ColumnSchema& column : node.inputs.front()->schema.columns)
    inputs.push_back(column.type);
  return std::make_unique<ExplodeOperator>(std::move(calls), std::move(elements), std::move(inputs),
                                           around.rule);
}

// Keys and arguments are columns here (stages.h).
Result<AggregateOperator::Call> make_call(const sql::Expr& expr, const sql::CollectLimits& limits) {
  const auto& call = std::get<sql::CallExpr>(expr.node);
  AggregateOperator::Call made{nullptr, {}, expr.type};
  std::vector<data::Type> types;
  std::vector<const data::Value*> constants;
  for (const sql::ExprPtr& arg : call.args) {
    types.push_back(arg->type);
    const auto* literal = std::get_if<sql::LiteralExpr>(&arg->node);
    constants.push_back(literal != nullptr ? &literal->value : nullptr);
    AggregateOperator::Call::Argument& taken = made.args.emplace_back();
    if (literal != nullptr)
      taken.literal = TRY(Program::compile(*arg));
    else
      taken.column = std::get<sql::ColumnExpr>(arg->node).index;
  }
  if (call.overload->aggregate == nullptr)
    return fail(ErrorCode::unsupported,
                fmt::format("function {} cannot be run yet", call.overload->signature.text()));
  made.states = TRY_IN(call.overload->aggregate({types, expr.type, constants, limits}),
                       std::string(call.function->name));
  return made;
}

Result<OperatorPtr> make_operator(const Surroundings& around, const sql::PlanNode& node,
                                  const sql::AggregateStep& step) {
  std::vector<data::Type> keys;
  std::vector<AggregateOperator::Call> calls;
  data::Schema columns;  // what the state is made of
  for (const sql::ProjectStep::Item& key : step.keys) {
    keys.push_back(key.expr->type);
    columns.columns.push_back({key.name, key.expr->type, data::ColumnRole::key});
  }
  if (step.window)
    columns.columns.push_back({fmt::format("{} {} {}", sql::name_of(step.window->kind),
                                           step.window->size_ms, step.window->advance_ms),
                               data::Type(data::TypeKind::bigint), data::ColumnRole::key});
  for (const sql::ProjectStep::Item& item : step.aggregates) {
    calls.push_back(
        TRY_IN(make_call(*item.expr, step.limits), fmt::format("column {}", item.name)));
    const auto& call = std::get<sql::CallExpr>(item.expr->node);
    columns.columns.push_back(
        {call.overload->signature.text(), item.expr->type, data::ColumnRole::value});
  }
  CHECK(node.schema.columns.size() == keys.size() + calls.size() + (step.window ? 2 : 0));
  if (step.window && step.window->kind == sql::WindowKind::session) {
    return std::make_unique<SessionOperator>(
        std::move(keys), std::move(calls),
        SessionOperator::Options{.store = store_id("sessions", columns),
                                 .rule = around.rule,
                                 .each_change = around.each_change,
                                 .before = around.filtered && !step.emit_final,
                                 .window = *step.window,
                                 .emit_final = step.emit_final});
  }
  return std::make_unique<AggregateOperator>(
      std::move(keys), std::move(calls),
      AggregateOperator::Options{.store = store_id("aggregate", columns),
                                 .rule = around.rule,
                                 .each_change = around.each_change,
                                 .before = around.filtered && !step.emit_final,
                                 .window = step.window,
                                 .emit_final = step.emit_final});
}

Result<OperatorPtr> make_operator(const Surroundings&, const sql::PlanNode& node,
                                  const sql::ChangesStep& step) {
  std::vector<data::Type> types;
  data::Schema columns;
  for (const data::Type& type : step.types) types.push_back(type);
  for (std::size_t i = 0; i < types.size(); ++i) {
    const bool key = i < step.keys;
    columns.columns.push_back({key ? std::string() : node.schema.columns[i - step.keys].name,
                               types[i], key ? data::ColumnRole::key : data::ColumnRole::value});
  }
  return std::make_unique<TableChangesOperator>(std::move(types), step.keys,
                                                store_id("table", columns));
}

Result<OperatorPtr> make_operator(const Surroundings&, const sql::PlanNode& node,
                                  const sql::ForeignChangesStep& step) {
  return std::make_unique<ForeignChangesOperator>(step, store_id("foreign", node.schema));
}

Result<OperatorPtr> make_operator(const Surroundings&, const sql::PlanNode& node,
                                  const sql::ForeignResultStep& step) {
  return std::make_unique<ForeignResultOperator>(step, node.schema.columns.size(),
                                                 store_id("answers", node.schema));
}

Result<OperatorPtr> make_operator(const Surroundings&, const sql::PlanNode&, const sql::JoinStep&) {
  return fail(ErrorCode::internal, "a join stands inside a chain");
}

Result<OperatorPtr> make_operator(const Surroundings&, const sql::PlanNode& node,
                                  const sql::RekeyStep&) {
  std::vector<std::size_t> order;
  for (const data::ColumnSchema& column : node.schema.columns) {
    std::optional<std::size_t> index = node.inputs.front()->schema.find(column.name);
    if (!index)
      return fail(ErrorCode::internal,
                  fmt::format("PARTITION BY: column {} is not in the step's input", column.name));
    order.push_back(*index);
  }
  return std::make_unique<RekeyOperator>(std::move(order));
}

Result<OperatorPtr> make_operator(const Surroundings&, const sql::PlanNode&,
                                  const sql::LimitStep& step) {
  return std::make_unique<LimitOperator>(step.rows);
}

Result<OperatorPtr> make_operator(const Surroundings&, const sql::PlanNode&,
                                  const sql::SourceStep&) {
  return fail(ErrorCode::internal, "a source step stands inside a chain");
}

Result<OperatorPtr> make_operator(const Surroundings&, const sql::PlanNode&, const sql::SinkStep&) {
  return fail(ErrorCode::internal, "a sink step stands inside a chain");
}

Result<std::vector<OperatorPtr>> make_operators(Surroundings around,
                                                std::span<const sql::PlanNode* const> steps) {
  std::vector<OperatorPtr> operators;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const sql::PlanNode& node = *steps[i];
    around.filtered =
        i + 1 < steps.size() && std::holds_alternative<sql::FilterStep>(steps[i + 1]->step);
    operators.push_back(TRY(std::visit(
        [&](const auto& step) { return make_operator(around, node, step); }, node.step)));
  }
  return operators;
}

// Puts the steps of both sides up to where they meet. Returns the places where joined rows come
// out.
Result<std::vector<std::size_t>> put_join(Surroundings around, const JoinParts& join,
                                          std::vector<Chain::Step>& steps,
                                          std::vector<std::size_t>& heads) {
  std::vector<std::size_t> out;
  auto sides = TRY(make_join(join, around.filtered));
  around.filtered = false;
  for (std::size_t i = 0; i < sides.size(); ++i) {
    const JoinParts::Side& side = i == 0 ? join.left : join.right;
    std::vector<std::size_t> before;
    if (side.join != nullptr)
      before = TRY(put_join(around, *side.join, steps, heads));
    else
      heads.push_back(steps.size());
    for (const std::size_t at : before) steps[at].next = steps.size();
    auto operators = TRY(make_operators(around, side.steps));
    for (OperatorPtr& one : operators) steps.push_back({std::move(one), steps.size() + 1});
    out.push_back(steps.size());
    steps.push_back({std::move(sides[i]), std::nullopt});
  }
  return out;
}

Result<Chain> join_chain(const Surroundings& around, const JoinParts& join,
                         std::vector<OperatorPtr> behind) {
  std::vector<Chain::Step> steps;
  std::vector<std::size_t> heads;
  const std::vector<std::size_t> out = TRY(put_join(around, join, steps, heads));
  if (behind.empty()) return Chain(std::move(steps), std::move(heads));
  for (const std::size_t at : out) steps[at].next = steps.size();
  for (OperatorPtr& one : behind) steps.push_back({std::move(one), steps.size() + 1});
  steps.back().next.reset();
  return Chain(std::move(steps), std::move(heads));
}

}  // namespace

Result<Chain> build_chain(const PlanParts& parts, const ChainOptions& options) {
  Surroundings around = surroundings_of(parts, options);
  auto operators = TRY(make_operators(around, parts.steps));
  around.filtered =
      !parts.steps.empty() && std::holds_alternative<sql::FilterStep>(parts.steps.front()->step);
  if (parts.join) return join_chain(around, *parts.join, std::move(operators));
  return Chain(std::move(operators));
}

}  // namespace penstock::engine
