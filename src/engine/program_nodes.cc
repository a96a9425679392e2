#include "engine/program_nodes.h"

#include <algorithm>

#include "base/check.h"
#include "data/cell.h"
#include "engine/functions/limits.h"

namespace penstock::engine {
namespace {

constexpr std::string_view kNullOperand = "null_operand";

}  // namespace

LiteralNode::LiteralNode(const data::Type& type, data::Value value, data::Arena& arena)
    : value_(std::move(value)), column_(type) {
  column_.reset(1);
  data::set_value(column_, 0, value_, arena);
}

data::Column& LiteralNode::evaluate(const Frame& frame, data::Selection) {
  if (column_.size() < frame.rows) {
    const std::size_t first = column_.append(frame.rows - column_.size());
    data::repeat_cell(column_, 0, first);
  }
  return column_;
}

data::Column& ParamNode::evaluate(const Frame& frame, data::Selection) {
  CHECK(slot_ < frame.params.size() && frame.params[slot_] != nullptr);
  return *frame.params[slot_];
}

data::Column& ColumnNode::evaluate(const Frame& frame, data::Selection) {
  CHECK(index_ < frame.columns.size());
  CHECK(frame.columns[index_] != nullptr);  // the plan said that nobody reads it
  return *frame.columns[index_];
}

CallNode::CallNode(const data::Type& type, const sql::ScalarFunction& function,
                   const sql::Overload& overload, std::vector<CallArgument> args,
                   std::shared_ptr<const sql::FunctionState> state, bool strict)
    : overload_(overload),
      protection_(function.protection),
      strict_(strict),
      args_(std::move(args)),
      state_(std::move(state)),
      values_(args_.size()),
      result_(type) {
  for (const CallArgument& arg : args_) lambdas_.push_back(arg.lambda.get());
}

data::Column& CallNode::evaluate(const Frame& frame, data::Selection rows) {
  for (std::size_t i = 0; i < args_.size(); ++i) {
    if (args_[i].lambda != nullptr)
      args_[i].lambda->enter(frame);
    else
      values_[i] = &args_[i].value->evaluate(frame, rows);
  }
  result_.reset(frame.rows);
  std::size_t errors_before = frame.errors.entries().size();
  if (overload_.null_rule == sql::NullRule::null_if_any) rows = take_nulls_out(frame, rows);
  if (!rows.empty())
    overload_.kernel({values_, result_, rows, frame.arena, frame.errors, state_.get(), lambdas_});
  if (result_.type().is_text() || result_.type().is_list())
    refuse_grown(frame, rows, errors_before);
  // A failed row's result was not written: as a null, later kernels leave it alone.
  for (const sql::RowErrors::Entry& entry : frame.errors.entries().subspan(errors_before)) {
    if (entry.contained) continue;  // within a lambda
    result_.set_null(entry.row);
    if (result_.type().is_list()) result_.values<data::ListSpan>()[entry.row] = {};
  }
  if (protection_) frame.errors.make_fatal(errors_before);
  return result_;
}

void CallNode::refuse_grown(const Frame& frame, data::Selection rows,
                            std::size_t errors_before) const {
  // Rows that failed have no value to look at.
  const auto refuse = [&](data::RowIndex row, std::string_view reason) {
    const auto failed = frame.errors.entries().subspan(errors_before);
    if (!result_.is_null(row) &&
        std::ranges::find(failed, row, &sql::RowErrors::Entry::row) == failed.end())
      frame.errors.add(row, reason);
  };
  if (result_.type().is_text()) {
    std::span<const data::Text> texts = result_.values<data::Text>();
    for (const data::RowIndex row : rows)
      if (texts[row].size > functions::kAnyTextBytesMax) refuse(row, functions::kTextTooLong);
    return;
  }
  std::span<const data::ListSpan> lists = result_.values<data::ListSpan>();
  for (const data::RowIndex row : rows)
    if (lists[row].size > functions::kAnyListMax) refuse(row, functions::kListTooLong);
}

data::Selection CallNode::take_nulls_out(const Frame& frame, data::Selection rows) {
  for (const data::Column* value : values_) {
    if (value == nullptr || value->no_nulls()) continue;
    std::span<const std::uint8_t> nulls = value->nulls();
    std::span<std::uint8_t> result_nulls = result_.writable_nulls();
    if (with_values_.size() < rows.size()) with_values_.resize(rows.size());
    std::size_t kept = 0;
    for (data::RowIndex row : rows) {  // in place from the second nullable argument on
      result_nulls[row] = nulls[row];
      if (strict_ && nulls[row] != 0) frame.errors.add(row, kNullOperand);
      with_values_[kept] = row;
      kept += nulls[row] == 0;
    }
    rows = {with_values_.data(), kept};
  }
  return rows;
}

LogicalNode::LogicalNode(sql::LogicalExpr::Kind kind, std::vector<NodePtr> terms)
    : deciding_(kind == sql::LogicalExpr::Kind::disjunction ? 1 : 0),
      terms_(std::move(terms)),
      result_(data::Type(data::TypeKind::boolean)) {}

data::Column& LogicalNode::evaluate(const Frame& frame, data::Selection rows) {
  result_.reset(frame.rows);
  std::span<std::uint8_t> values = result_.values<std::uint8_t>();
  for (data::RowIndex row : rows) values[row] = deciding_ ^ 1;
  for (NodePtr& term : terms_) {
    if (rows.empty()) break;
    rows = settle(term->evaluate(frame, rows), rows);
  }
  return result_;
}

data::Selection LogicalNode::settle(const data::Column& term, data::Selection open) {
  std::span<const std::uint8_t> decisions = term.values<std::uint8_t>();
  std::span<std::uint8_t> values = result_.values<std::uint8_t>();
  if (open_.size() < open.size()) open_.resize(open.size());
  std::size_t kept = 0;
  for (data::RowIndex row : open) {
    open_[kept] = row;  // in place from the second term on
    if (term.is_null(row)) {
      result_.set_null(row);  // unless a later term decides
    } else if (decisions[row] == deciding_) {
      values[row] = deciding_;
      if (!result_.no_nulls()) result_.writable_nulls()[row] = 0;
      continue;
    }
    ++kept;
  }
  return {open_.data(), kept};
}

CaseNode::CaseNode(const data::Type& type, std::vector<Branch> branches, NodePtr otherwise)
    : branches_(std::move(branches)), otherwise_(std::move(otherwise)), result_(type) {}

data::Column& CaseNode::evaluate(const Frame& frame, data::Selection rows) {
  result_.reset(frame.rows);
  open_.resize(std::max(open_.size(), rows.size()));
  hits_.resize(std::max(hits_.size(), rows.size()));
  for (Branch& branch : branches_) {
    if (rows.empty()) return result_;
    const data::Column& when = branch.when->evaluate(frame, rows);
    std::span<const std::uint8_t> values = when.values<std::uint8_t>();
    std::size_t open = 0, hits = 0;
    for (data::RowIndex row : rows) {
      bool hit = !when.is_null(row) && values[row] != 0;
      (hit ? hits_[hits] : open_[open]) = row;
      hits += hit;
      open += !hit;
    }
    data::Selection matched(hits_.data(), hits);
    if (hits > 0) data::copy_rows(branch.then->evaluate(frame, matched), matched, result_);
    rows = {open_.data(), open};
  }
  if (otherwise_ != nullptr && !rows.empty()) {
    data::copy_rows(otherwise_->evaluate(frame, rows), rows, result_);
  } else {
    for (data::RowIndex row : rows) result_.set_null(row);
  }
  return result_;
}

}  // namespace penstock::engine
