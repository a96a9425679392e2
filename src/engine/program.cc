#include "engine/program.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"
#include "data/cell.h"
#include "engine/program_nodes.h"
#include "sql/operator_names.h"

namespace penstock::engine {
namespace {

// What a lambda's body names of its surroundings: columns, and parameters below `below`.
void collect_outer(const sql::Expr& expr, std::size_t below, LambdaBody::Outer& outer) {
  const auto add = [&](auto& list, std::size_t index) {
    const auto same = [&](const auto& known) { return known.first == index; };
    if (std::ranges::none_of(list, same)) list.emplace_back(index, expr.type);
  };
  if (const auto* column = std::get_if<sql::ColumnExpr>(&expr.node))
    add(outer.columns, column->index);
  if (const auto* param = std::get_if<sql::ParamExpr>(&expr.node))
    if (param->slot < below) add(outer.params, param->slot);
  sql::for_each_child(expr, [&](const sql::Expr& child) { collect_outer(child, below, outer); });
}

// Within a lambda NULL has no sum, as in ksqlDB: the whole column is NULL then.
bool is_arithmetic(std::string_view function) {
  namespace op = sql::op;
  return function == op::kAdd || function == op::kSubtract || function == op::kMultiply ||
         function == op::kDivide || function == op::kModulo;
}

// A compiled part; constant: its value, known before the first row.
struct Compiled {
  NodePtr node;
  const data::Value* constant = nullptr;  // the node's
};

class Compiler {
 public:
  explicit Compiler(data::Arena& literals) : literals_(literals) {}

  Result<Compiled> compile(const sql::Expr& expr) {
    return std::visit([&](const auto& node) { return compile_node(expr, node); }, expr.node);
  }

 private:
  struct Parts {
    std::vector<NodePtr> nodes;
    std::vector<const data::Value*> constants;
    bool all_constant = true;
  };

  Result<Compiled> compile_node(const sql::Expr& expr, const sql::LiteralExpr& literal) {
    return make_literal(expr.type, literal.value);
  }

  Result<Compiled> compile_node(const sql::Expr&, const sql::ColumnExpr& column) {
    return Compiled{std::make_unique<ColumnNode>(column.index)};
  }

  Result<Compiled> compile_node(const sql::Expr&, const sql::ParamExpr& param) {
    CHECK(param.slot < slots_);
    return Compiled{std::make_unique<ParamNode>(param.slot)};
  }

  Result<Compiled> compile_node(const sql::Expr& expr, const sql::CallExpr& call) {
    CHECK(call.overload != nullptr);
    if (call.overload->kernel == nullptr)
      return fail(ErrorCode::unsupported,
                  fmt::format("function {} cannot be run yet", call.overload->signature.text()));
    std::vector<CallArgument> args;
    std::vector<const data::Value*> constants;
    bool constant = call.function->deterministic && !call.args.empty();
    for (const sql::ExprPtr& arg : call.args) {
      if (const auto* lambda = std::get_if<sql::LambdaExpr>(&arg->node)) {
        args.push_back({nullptr, TRY(compile_lambda(*lambda))});
        constants.push_back(nullptr);
        constant = false;
        continue;
      }
      Compiled compiled = TRY(compile(*arg));
      constant = constant && compiled.constant != nullptr;
      constants.push_back(compiled.constant);
      args.push_back({std::move(compiled.node), nullptr});
    }
    std::shared_ptr<const sql::FunctionState> state;
    if (call.overload->prepare != nullptr)
      state = TRY_IN(call.overload->prepare(constants), std::string(call.function->name));
    // A table function's rows are the elements of an array here.
    const data::Type type =
        call.function->kind == sql::FunctionKind::table ? data::Type::array(expr.type) : expr.type;
    auto node = std::make_unique<CallNode>(type, *call.function, *call.overload, std::move(args),
                                           std::move(state),
                                           lambdas_ > 0 && is_arithmetic(call.function->name));
    return maybe_folded(type, std::move(node), constant);
  }

  Result<std::unique_ptr<LambdaBody>> compile_lambda(const sql::LambdaExpr& lambda) {
    LambdaBody::Outer outer;
    collect_outer(*lambda.body, slots_, outer);
    const std::size_t before = slots_;
    slots_ += lambda.params;
    ++lambdas_;
    Result<Compiled> body = compile(*lambda.body);
    --lambdas_;
    slots_ = before;
    Compiled compiled = TRY(std::move(body));
    return std::make_unique<LambdaBody>(std::move(compiled.node), std::move(outer), before);
  }

  Result<Compiled> compile_node(const sql::Expr& expr, const sql::LambdaExpr&) {
    return fail(ErrorCode::internal,
                fmt::format("a lambda of {} stands where a value is wanted", expr.type.text()));
  }

  Result<Compiled> compile_node(const sql::Expr&, const sql::BindExpr& bind) {
    Compiled value = TRY(compile(*bind.value));
    ++slots_;
    Result<Compiled> body = compile(*bind.body);
    --slots_;
    Compiled compiled = TRY(std::move(body));
    return Compiled{std::make_unique<BindNode>(std::move(value.node), std::move(compiled.node))};
  }

  Result<Compiled> compile_node(const sql::Expr& expr, const sql::InExpr& in) {
    Compiled value = TRY(compile(*in.value));
    std::vector<data::Value> constants;
    std::vector<NodePtr> others;
    for (const sql::ExprPtr& candidate : in.candidates) {
      Compiled compiled = TRY(compile(*candidate));
      if (compiled.constant != nullptr)
        constants.push_back(*compiled.constant);
      else
        others.push_back(std::move(compiled.node));
    }
    const bool constant = value.constant != nullptr && others.empty();
    auto node = std::make_unique<InNode>(std::move(value.node), in.value->type, constants,
                                         std::move(others), literals_);
    return maybe_folded(expr.type, std::move(node), constant);
  }

  Result<Compiled> compile_node(const sql::Expr& expr, const sql::FieldExpr& field) {
    Compiled from = TRY(compile(*field.from));
    const bool constant = from.constant != nullptr;
    auto node = std::make_unique<FieldNode>(expr.type, std::move(from.node), field.field);
    return maybe_folded(expr.type, std::move(node), constant);
  }

  Result<Compiled> compile_node(const sql::Expr& expr, const sql::ConstructExpr& construct) {
    Parts parts = TRY(compile_all(construct.parts));
    auto node = std::make_unique<ConstructNode>(expr.type, std::move(parts.nodes), construct.whole);
    return maybe_folded(expr.type, std::move(node), parts.all_constant);
  }

  Result<Compiled> compile_node(const sql::Expr& expr, const sql::LogicalExpr& logical) {
    Parts parts = TRY(compile_all(logical.terms));
    auto node = std::make_unique<LogicalNode>(logical.kind, std::move(parts.nodes));
    return maybe_folded(expr.type, std::move(node), parts.all_constant);
  }

  Result<Compiled> compile_node(const sql::Expr& expr, const sql::CaseExpr& choice) {
    std::vector<CaseNode::Branch> branches;
    for (const sql::CaseExpr::Branch& branch : choice.branches) {
      CHECK(branch.then->type == expr.type);  // the binder has put casts in
      Compiled when = TRY(compile(*branch.when));
      Compiled then = TRY(compile(*branch.then));
      branches.push_back({std::move(when.node), std::move(then.node)});
    }
    NodePtr otherwise;
    if (choice.otherwise != nullptr) {
      CHECK(choice.otherwise->type == expr.type);
      Compiled compiled = TRY(compile(*choice.otherwise));
      otherwise = std::move(compiled.node);
    }
    return Compiled{
        std::make_unique<CaseNode>(expr.type, std::move(branches), std::move(otherwise))};
  }

  Result<Parts> compile_all(const std::vector<sql::ExprPtr>& exprs) {
    Parts parts;
    for (const sql::ExprPtr& expr : exprs) {
      Compiled compiled = TRY(compile(*expr));
      parts.all_constant = parts.all_constant && compiled.constant != nullptr;
      parts.constants.push_back(compiled.constant);
      parts.nodes.push_back(std::move(compiled.node));
    }
    return parts;
  }

  Compiled make_literal(const data::Type& type, data::Value value) {
    auto node = std::make_unique<LiteralNode>(type, std::move(value), literals_);
    const data::Value* constant = &node->value();
    return {std::move(node), constant};
  }

  // What needs no row is computed here, once. What fails is kept: it fails for the rows that need
  // it.
  Compiled maybe_folded(const data::Type& type, NodePtr node, bool constant) {
    if (!constant) return {std::move(node)};
    sql::RowErrors errors;
    const data::RowIndex row = 0;
    const Frame frame{.rows = 1, .columns = {}, .arena = literals_, .errors = errors, .params = {}};
    const data::Column& value = node->evaluate(frame, {&row, 1});
    if (!errors.empty()) return {std::move(node)};
    return make_literal(type, data::value_at(value, 0));
  }

  data::Arena& literals_;
  std::size_t slots_ = 0;  // parameters around the place
  int lambdas_ = 0;        // around the place
};

}  // namespace

Result<Program> Program::compile(const sql::Expr& expr) {
  auto literals = std::make_unique<data::Arena>();
  if (const auto* column = std::get_if<sql::ColumnExpr>(&expr.node))
    return Program(std::move(literals), nullptr, static_cast<std::ptrdiff_t>(column->index));
  Compiled root = TRY(Compiler(*literals).compile(expr));
  return Program(std::move(literals), std::move(root.node), -1);
}

data::Column* Program::evaluate(const Frame& frame, data::Selection rows) {
  if (root_ != nullptr) return &root_->evaluate(frame, rows);
  CHECK(static_cast<std::size_t>(input_) < frame.columns.size());
  return frame.columns[static_cast<std::size_t>(input_)];
}

void copy_with_nulls(const data::Column& from, data::Selection rows,
                     std::span<const sql::RowErrors::Entry> errors, data::Column& to) {
  data::copy_rows(from, rows, to);
  for (const sql::RowErrors::Entry& entry : errors) {
    if (entry.contained) continue;
    to.set_null(entry.row);
    if (to.type().is_list()) to.values<data::ListSpan>()[entry.row] = {};
  }
}

void keep_unfailed(data::Selection rows, const sql::RowErrors& errors,
                   std::vector<std::uint8_t>& scratch, std::vector<data::RowIndex>& kept) {
  scratch.assign(rows.empty() ? 0 : rows.back() + 1, 0);
  for (const sql::RowErrors::Entry& entry : errors.entries())
    if (entry.row < scratch.size()) scratch[entry.row] = 1;
  kept.clear();
  for (data::RowIndex row : rows)
    if (scratch[row] == 0) kept.push_back(row);
}

}  // namespace penstock::engine
