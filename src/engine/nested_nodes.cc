// Nodes of nested values, lambdas and values that are bound once.
#include <algorithm>
#include <bit>
#include <numeric>

#include "base/check.h"
#include "data/cell.h"
#include "engine/program_nodes.h"

namespace penstock::engine {
namespace {

constexpr std::string_view kNullMapKey = "null_map_key";

}  // namespace

LambdaBody::LambdaBody(NodePtr body, Outer outer, std::size_t outer_params)
    : body_(std::move(body)), outer_params_(outer_params) {
  for (auto& [index, type] : outer.columns) columns_.push_back({index, data::Column(type)});
  for (auto& [slot, type] : outer.params) outer_.push_back({slot, data::Column(type)});
}

void LambdaBody::repeat(std::vector<Repeated>& all, std::span<data::Column* const> from,
                        std::vector<data::Column*>& to, std::span<const data::RowIndex> of_row) {
  for (Repeated& one : all) {
    CHECK(one.index < from.size() && from[one.index] != nullptr);
    data::gather(*from[one.index], of_row, one.column);
    to[one.index] = &one.column;
  }
}

const data::Column& LambdaBody::apply(std::span<data::Column* const> params, std::size_t rows,
                                      std::span<const data::RowIndex> of_row) {
  CHECK(frame_ != nullptr && of_row.size() == rows);
  inner_columns_.assign(frame_->columns.size(), nullptr);
  inner_params_.assign(outer_params_, nullptr);
  repeat(columns_, frame_->columns, inner_columns_, of_row);
  repeat(outer_, frame_->params, inner_params_, of_row);
  inner_params_.insert(inner_params_.end(), params.begin(), params.end());
  if (all_.size() < rows) {
    all_.resize(rows);
    std::iota(all_.begin(), all_.end(), 0U);
  }
  errors_.clear();
  const Frame frame{rows, inner_columns_, frame_->arena, errors_, inner_params_};
  const data::Column& result = body_->evaluate(frame, {all_.data(), rows});
  for (const sql::RowErrors::Entry& entry : errors_.entries())
    frame_->errors.add({of_row[entry.row], entry.reason, entry.fatal, entry.contained});
  return result;
}

data::Column& BindNode::evaluate(const Frame& frame, data::Selection rows) {
  data::Column& value = value_->evaluate(frame, rows);
  params_.assign(frame.params.begin(), frame.params.end());
  params_.push_back(&value);
  const Frame inner{frame.rows, frame.columns, frame.arena, frame.errors, params_};
  return body_->evaluate(inner, rows);
}

namespace {

bool lies_as_integer(data::TypeKind kind, bool wide) {
  using data::TypeKind;
  if (wide) return kind == TypeKind::bigint || kind == TypeKind::timestamp;
  return kind == TypeKind::integer || kind == TypeKind::date || kind == TypeKind::time;
}

}  // namespace

ConstantSet::ConstantSet(const data::Type& type, const std::vector<data::Value>& values,
                         data::Arena& arena)
    : constants_(type),
      of_integers_(lies_as_integer(type.kind(), true) || lies_as_integer(type.kind(), false)) {
  const std::size_t slots = std::bit_ceil(std::max<std::size_t>(2 * values.size(), 2));
  slots_.resize(slots);
  shift_ = 64 - std::countr_zero(slots);
  constants_.reset(values.size());
  for (std::uint32_t row = 0; row < values.size(); ++row) {
    data::set_value(constants_, row, values[row], arena);
    if (constants_.is_null(row)) continue;
    std::uint64_t hash = 0;
    if (!of_integers_)
      hash = data::hash_cell(constants_, row);
    else if (lies_as_integer(type.kind(), true))
      hash = static_cast<std::uint64_t>(constants_.values<std::int64_t>()[row]);
    else
      hash = static_cast<std::uint64_t>(std::int64_t{constants_.values<std::int32_t>()[row]});
    add(hash, row);
  }
}

void ConstantSet::add(std::uint64_t hash, std::uint32_t row) {
  std::size_t at = (hash * 0x9E3779B97F4A7C15U) >> shift_;
  while (slots_[at].row != kFree) at = (at + 1) % slots_.size();
  slots_[at] = {hash, row};
}

bool ConstantSet::contains(const data::Column& column, data::RowIndex row) const {
  const std::uint64_t hash = data::hash_cell(column, row);
  std::size_t at = (hash * 0x9E3779B97F4A7C15U) >> shift_;
  for (; slots_[at].row != kFree; at = (at + 1) & (slots_.size() - 1))
    if (slots_[at].hash == hash && data::equal_cells(column, row, constants_, slots_[at].row))
      return true;
  return false;
}

bool ConstantSet::contains(std::int64_t value) const {
  const auto hash = static_cast<std::uint64_t>(value);
  std::size_t at = (hash * 0x9E3779B97F4A7C15U) >> shift_;
  for (; slots_[at].row != kFree; at = (at + 1) & (slots_.size() - 1))
    if (slots_[at].hash == hash) return true;
  return false;
}

InNode::InNode(NodePtr value, const data::Type& type, const std::vector<data::Value>& constants,
               std::vector<NodePtr> others, data::Arena& arena)
    : value_(std::move(value)),
      constants_(type, constants, arena),
      others_(std::move(others)),
      result_(data::Type(data::TypeKind::boolean)) {}

void InNode::look_up(const data::Column& value, data::Selection rows) {
  std::span<std::uint8_t> out = result_.values<std::uint8_t>();
  const auto each = [&](auto contains) {
    for (const data::RowIndex row : rows) out[row] = !value.is_null(row) && contains(row);
  };
  if (!constants_.of_integers()) {
    each([&](data::RowIndex row) { return constants_.contains(value, row); });
  } else if (lies_as_integer(value.type().kind(), true)) {
    const std::int64_t* values = value.values<std::int64_t>().data();
    each([&](data::RowIndex row) { return constants_.contains(values[row]); });
  } else {
    const std::int32_t* values = value.values<std::int32_t>().data();
    each([&](data::RowIndex row) { return constants_.contains(std::int64_t{values[row]}); });
  }
  if (others_.empty()) return;
  for (const data::RowIndex row : rows)
    if (out[row] == 0 && !value.is_null(row)) open_.push_back(row);
}

data::Column& InNode::evaluate(const Frame& frame, data::Selection rows) {
  const data::Column& value = value_->evaluate(frame, rows);
  result_.reset(frame.rows);
  open_.clear();
  look_up(value, rows);
  std::span<std::uint8_t> out = result_.values<std::uint8_t>();
  for (NodePtr& other : others_) {
    if (open_.empty()) break;
    const data::Column& candidate = other->evaluate(frame, open_);
    std::erase_if(open_, [&](data::RowIndex row) {
      out[row] = !candidate.is_null(row) && data::equal_cells(value, row, candidate, row);
      return out[row] != 0;
    });
  }
  return result_;
}

data::Column& FieldNode::evaluate(const Frame& frame, data::Selection rows) {
  data::Column& from = from_->evaluate(frame, rows);
  CHECK(field_ < from.children());
  if (from.no_nulls()) return from.child(field_);
  result_.reset(frame.rows);
  there_.clear();
  for (const data::RowIndex row : rows) {
    if (from.is_null(row)) {
      result_.set_null(row);
      if (result_.type().is_list()) result_.values<data::ListSpan>()[row] = {};
    } else {
      there_.push_back(row);
    }
  }
  data::copy_rows(from.child(field_), there_, result_);
  return result_;
}

// As in ksqlDB an item that fails is NULL, and the others stand.
data::Column& ConstructNode::evaluate(const Frame& frame, data::Selection rows) {
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    const std::size_t errors_before = frame.errors.entries().size();
    values_[i] = &parts_[i]->evaluate(frame, rows);
    const auto failed = frame.errors.entries().subspan(errors_before);
    if (whole_ || failed.empty()) continue;
    if (failed_[i] == nullptr) failed_[i] = std::make_unique<data::Column>(values_[i]->type());
    failed_[i]->reset(frame.rows);
    copy_with_nulls(*values_[i], rows, failed, *failed_[i]);
    values_[i] = failed_[i].get();
    frame.errors.contain(errors_before);
  }
  result_.reset(frame.rows);
  if (result_.type().kind() == data::TypeKind::struct_) {
    for (std::size_t i = 0; i < parts_.size(); ++i)
      data::copy_rows(*values_[i], rows, result_.child(i));
    return result_;
  }
  const bool map = result_.type().kind() == data::TypeKind::map;
  for (const data::RowIndex row : rows) map ? put_map(row, frame) : put_array(row);
  return result_;
}

void ConstructNode::put_array(data::RowIndex row) {
  const std::size_t first = result_.begin_list(row, values_.size());
  for (std::size_t i = 0; i < values_.size(); ++i)
    data::copy_cell(*values_[i], row, result_.child(0), first + i);
}

// Of equal keys the last one's value stays.
void ConstructNode::put_map(data::RowIndex row, const Frame& frame) {
  const std::size_t first = result_.begin_list(row, values_.size() / 2);
  std::uint32_t entries = 0;
  for (std::size_t i = 0; i + 1 < values_.size(); i += 2) {
    if (values_[i]->is_null(row)) {
      frame.errors.add(row, kNullMapKey);
      result_.values<data::ListSpan>()[row] = {};
      return result_.set_null(row);
    }
    std::size_t at = 0;
    while (at < entries && !data::equal_cells(*values_[i], row, result_.child(0), first + at)) ++at;
    if (at == entries) {
      data::copy_cell(*values_[i], row, result_.child(0), first + at);
      ++entries;
    }
    data::copy_cell(*values_[i + 1], row, result_.child(1), first + at);
  }
  result_.values<data::ListSpan>()[row] = {static_cast<std::uint32_t>(first), entries};
}

}  // namespace penstock::engine
