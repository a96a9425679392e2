#include "engine/program.h"

#include <fmt/format.h>

#include "base/check.h"
#include "engine/program_nodes.h"

namespace penstock::engine {
namespace {

class Compiler {
 public:
  explicit Compiler(data::Arena& literals) : literals_(literals) {}

  Result<NodePtr> compile(const sql::Expr& expr) {
    if (expr.type.is_nested())
      return fail(ErrorCode::unsupported,
                  fmt::format("an expression has type {}: nested types cannot be computed yet",
                              expr.type.text()));
    return std::visit([&](const auto& node) { return compile_node(expr, node); }, expr.node);
  }

 private:
  Result<NodePtr> compile_node(const sql::Expr& expr, const sql::LiteralExpr& literal) {
    return std::make_unique<LiteralNode>(expr.type, literal.value, literals_);
  }

  Result<NodePtr> compile_node(const sql::Expr&, const sql::ColumnExpr& column) {
    return std::make_unique<ColumnNode>(column.index);
  }

  Result<NodePtr> compile_node(const sql::Expr& expr, const sql::CallExpr& call) {
    CHECK(call.overload != nullptr && call.overload->kernel != nullptr);
    bool constant = call.function->name.starts_with('$');  // functions may be volatile
    for (const sql::ExprPtr& arg : call.args)
      constant = constant && std::holds_alternative<sql::LiteralExpr>(arg->node);
    auto node = std::make_unique<CallNode>(expr.type, *call.overload, TRY(compile_all(call.args)));
    if (constant && !call.args.empty()) return fold(expr.type, std::move(node));
    return node;
  }

  Result<NodePtr> compile_node(const sql::Expr&, const sql::LogicalExpr& logical) {
    return std::make_unique<LogicalNode>(logical.kind, TRY(compile_all(logical.terms)));
  }

  Result<NodePtr> compile_node(const sql::Expr& expr, const sql::CaseExpr& choice) {
    std::vector<CaseNode::Branch> branches;
    for (const sql::CaseExpr::Branch& branch : choice.branches) {
      CHECK(branch.then->type == expr.type);  // the binder has put casts in
      NodePtr when = TRY(compile(*branch.when));
      NodePtr then = TRY(compile(*branch.then));
      branches.push_back({std::move(when), std::move(then)});
    }
    NodePtr otherwise;
    if (choice.otherwise != nullptr) {
      CHECK(choice.otherwise->type == expr.type);
      otherwise = TRY(compile(*choice.otherwise));
    }
    return std::make_unique<CaseNode>(expr.type, std::move(branches), std::move(otherwise));
  }

  Result<std::vector<NodePtr>> compile_all(const std::vector<sql::ExprPtr>& exprs) {
    std::vector<NodePtr> nodes;
    nodes.reserve(exprs.size());
    for (const sql::ExprPtr& expr : exprs) nodes.push_back(TRY(compile(*expr)));
    return nodes;
  }

  // Operators over literals, such as casts that the binder added, are computed here, once. One that
  // fails is kept: it fails for the rows that need it.
  Result<NodePtr> fold(const data::Type& type, NodePtr node) {
    sql::RowErrors errors;
    const data::RowIndex row = 0;
    Frame frame{.rows = 1, .columns = {}, .arena = literals_, .errors = errors};
    const data::Column& value = node->evaluate(frame, {&row, 1});
    if (!errors.empty()) return node;
    return std::make_unique<LiteralNode>(type, data::value_at(value, 0), literals_);
  }

  data::Arena& literals_;
};

}  // namespace

Result<Program> Program::compile(const sql::Expr& expr) {
  auto literals = std::make_unique<data::Arena>();
  if (const auto* column = std::get_if<sql::ColumnExpr>(&expr.node))
    return Program(std::move(literals), nullptr, static_cast<std::ptrdiff_t>(column->index));
  NodePtr root = TRY(Compiler(*literals).compile(expr));
  return Program(std::move(literals), std::move(root), -1);
}

data::Column* Program::evaluate(const Frame& frame, data::Selection rows) {
  if (root_ != nullptr) return &root_->evaluate(frame, rows);
  CHECK(static_cast<std::size_t>(input_) < frame.columns.size());
  return frame.columns[static_cast<std::size_t>(input_)];
}

void keep_unfailed(data::Selection rows, const sql::RowErrors& errors,
                   std::vector<std::uint8_t>& scratch, std::vector<data::RowIndex>& kept) {
  scratch.assign(data::kBatchRowsMax, 0);
  for (const sql::RowErrors::Entry& entry : errors.entries()) scratch[entry.row] = 1;
  kept.clear();
  for (data::RowIndex row : rows)
    if (scratch[row] == 0) kept.push_back(row);
}

}  // namespace penstock::engine
