#include "engine/program_nodes.h"

#include "base/check.h"

namespace penstock::engine {
namespace {

// Both columns are of one type.
void copy_rows(const data::Column& from, data::Selection rows, data::Column& to) {
  auto copy = [&]<typename T>(std::type_identity<T>) {
    std::span<const T> source = from.values<T>();
    std::span<T> target = to.values<T>();
    for (data::RowIndex row : rows) target[row] = source[row];
  };
  switch (from.type().kind()) {
    case data::TypeKind::boolean:
      copy(std::type_identity<std::uint8_t>{});
      break;
    case data::TypeKind::integer:
    case data::TypeKind::date:
    case data::TypeKind::time:
      copy(std::type_identity<std::int32_t>{});
      break;
    case data::TypeKind::bigint:
    case data::TypeKind::timestamp:
      copy(std::type_identity<std::int64_t>{});
      break;
    case data::TypeKind::double_:
      copy(std::type_identity<double>{});
      break;
    case data::TypeKind::decimal:
      copy(std::type_identity<data::Int128>{});
      break;
    case data::TypeKind::string:
    case data::TypeKind::bytes:
      copy(std::type_identity<data::Text>{});
      break;
    case data::TypeKind::array:
    case data::TypeKind::map:
    case data::TypeKind::struct_:
      CHECK(false && "nested types have no vector form");
  }
  if (from.no_nulls()) return;
  for (data::RowIndex row : rows)
    if (from.is_null(row)) to.set_null(row);
}

}  // namespace

LiteralNode::LiteralNode(const data::Type& type, const data::Value& value, data::Arena& arena)
    : column_(type) {
  column_.reset(data::kBatchRowsMax);
  data::set_value(column_, 0, value, arena);
  if (column_.is_null(0)) {
    std::ranges::fill(column_.writable_nulls(), 1);
    return;
  }
  std::visit(
      [&]<typename T>(const T&) {
        using Stored =
            std::conditional_t<std::is_same_v<T, bool>, std::uint8_t,
                               std::conditional_t<std::is_same_v<T, std::string>, data::Text, T>>;
        if constexpr (!std::is_same_v<T, data::Null>) {
          std::span<Stored> values = column_.values<Stored>();
          std::fill(values.begin() + 1, values.end(), values[0]);
        }
      },
      value);
}

data::Column& LiteralNode::evaluate(const Frame&, data::Selection) {
  return column_;
}

data::Column& ColumnNode::evaluate(const Frame& frame, data::Selection) {
  CHECK(index_ < frame.columns.size());
  CHECK(frame.columns[index_] != nullptr);  // the plan said that nobody reads it
  return *frame.columns[index_];
}

CallNode::CallNode(const data::Type& type, const sql::Overload& overload, std::vector<NodePtr> args)
    : overload_(overload), args_(std::move(args)), values_(args_.size()), result_(type) {}

data::Column& CallNode::evaluate(const Frame& frame, data::Selection rows) {
  for (std::size_t i = 0; i < args_.size(); ++i) values_[i] = &args_[i]->evaluate(frame, rows);
  result_.reset(frame.rows);
  if (overload_.null_rule == sql::NullRule::null_if_any) rows = take_nulls_out(rows);
  std::size_t errors_before = frame.errors.entries().size();
  if (!rows.empty()) overload_.kernel({values_, result_, rows, frame.arena, frame.errors});
  // A failed row's result was not written: as a null, later kernels leave it alone.
  for (const sql::RowErrors::Entry& entry : frame.errors.entries().subspan(errors_before))
    result_.set_null(entry.row);
  return result_;
}

data::Selection CallNode::take_nulls_out(data::Selection rows) {
  for (const data::Column* value : values_) {
    if (value->no_nulls()) continue;
    std::span<const std::uint8_t> nulls = value->nulls();
    std::span<std::uint8_t> result_nulls = result_.writable_nulls();
    with_values_.resize(data::kBatchRowsMax);
    std::size_t kept = 0;
    for (data::RowIndex row : rows) {  // in place from the second nullable argument on
      result_nulls[row] = nulls[row];
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
  open_.resize(data::kBatchRowsMax);
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
  open_.resize(data::kBatchRowsMax);
  hits_.resize(data::kBatchRowsMax);
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
    if (hits > 0) copy_rows(branch.then->evaluate(frame, matched), matched, result_);
    rows = {open_.data(), open};
  }
  if (otherwise_ != nullptr && !rows.empty()) {
    copy_rows(otherwise_->evaluate(frame, rows), rows, result_);
  } else {
    for (data::RowIndex row : rows) result_.set_null(row);
  }
  return result_;
}

}  // namespace penstock::engine
