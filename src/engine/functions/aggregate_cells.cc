#include "engine/functions/aggregate_cells.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"
#include "data/cell.h"
#include "engine/functions/aggregate_states.h"
#include "engine/functions/limits.h"

namespace penstock::engine::functions {
namespace {

using data::Column;

// A cell alone; null when there is none.
void put_single(const CellList& list, std::size_t at, Column& out, std::size_t row,
                data::Arena& arena) {
  if (at >= list.size()) {
    if (out.type().is_list()) out.values<data::ListSpan>()[row] = {};
    return out.set_null(row);
  }
  ByteView bytes(list.cells()[at].bytes);
  CHECK(data::take_cell_bytes(bytes, out, row, arena));
}

// Two cells as bytes, compared.
class CellOrder {
 public:
  explicit CellOrder(const data::Type& type) : cells_(type) {}
  // <0, 0, >0; of structs by their first field.
  int compare(ByteView a, ByteView b) {
    cells_.reset(2);
    CHECK(data::take_cell_bytes(a, cells_, 0, arena_));
    CHECK(data::take_cell_bytes(b, cells_, 1, arena_));
    const Column& by = cells_.type().kind() == data::TypeKind::struct_ ? cells_.child(0) : cells_;
    const int order = data::compare_cells(by, 0, by, 1);
    arena_.reset();
    return order;
  }

 private:
  Column cells_;
  data::Arena arena_;
};

class ExtremumRule final : public CellRule {
 public:
  ExtremumRule(const data::Type& type, bool greatest) : order_(type), greatest_(greatest) {}
  bool add(CellList& list, ByteBuffer cell, bool null) override {
    if (null) return true;
    if (list.empty()) return push(list, std::move(cell));
    const int order = order_.compare(cell, list.cells()[0].bytes);
    if (greatest_ ? order <= 0 : order >= 0) return true;
    if (!has_room(list, cell.size(), list.bytes())) return false;
    list.replace(0, std::move(cell));
    return true;
  }
  void result(const CellList& list, Column& out, std::size_t row,
              data::Arena& arena) const override {
    put_single(list, 0, out, row, arena);
  }

 private:
  CellOrder order_;
  const bool greatest_;
};

// The same of types that lie as integers.
struct IntegerExtremum {
  std::int64_t value = 0;
  std::int64_t is_set = 0;
};

template <typename T, bool greatest>
struct IntegerExtremumRule {
  void add(IntegerExtremum& state, const AggregateRows& rows, data::RowIndex row) const {
    if (rows.args[0]->is_null(row)) return;
    const std::int64_t value = rows.args[0]->values<T>()[row];
    if (state.is_set != 0 && (greatest ? value <= state.value : value >= state.value)) return;
    state = {value, 1};
  }
  void merge(IntegerExtremum& into, const IntegerExtremum& from) const {
    if (from.is_set == 0) return;
    if (into.is_set == 0 || (greatest ? from.value > into.value : from.value < into.value))
      into = from;
  }
  void result(const IntegerExtremum& state, Column& out, std::size_t row) const {
    out.values<T>()[row] = static_cast<T>(state.value);
    if (state.is_set == 0) out.set_null(row);
  }
};

// The first n cells, or the last n, in the order in which they came: Cell::count numbers them.
class OffsetRule final : public CellRule {
 public:
  struct Options {
    std::size_t count = 1;
    bool as_array = false, skip_nulls = true, latest = false;
  };
  explicit OffsetRule(const Options& options) : options_(options) {}
  bool add(CellList& list, ByteBuffer cell, bool null) override {
    if (null && options_.skip_nulls) return true;
    const bool full = list.size() == options_.count;
    if (full && !options_.latest) return true;
    const std::size_t going = full ? CellList::bytes_of(list.cells()[0].bytes.size()) : 0;
    if (!has_room(list, cell.size(), going)) return false;
    if (full) list.erase(0);
    list.push({std::move(cell), next_++});
    return true;
  }
  // Of all the first or last that have room.
  bool merge(CellList& into, const CellList& from) override {
    std::vector<CellList::Cell> all = into.cells();
    all.insert(all.end(), from.cells().begin(), from.cells().end());
    std::ranges::sort(all, {}, &CellList::Cell::count);
    if (options_.latest) std::ranges::reverse(all);
    all.resize(std::min(all.size(), options_.count));
    CellList kept;
    for (CellList::Cell& cell : all) {
      if (!has_room(kept, cell.bytes.size())) break;
      kept.insert(options_.latest ? 0 : kept.size(), std::move(cell));
    }
    into = std::move(kept);
    return into.size() == all.size();
  }
  void loaded(const CellList& list) override {
    for (const CellList::Cell& cell : list.cells()) next_ = std::max(next_, cell.count + 1);
  }
  void result(const CellList& list, Column& out, std::size_t row,
              data::Arena& arena) const override {
    options_.as_array ? put_cells(list, out, row, arena) : put_single(list, 0, out, row, arena);
  }

 private:
  const Options options_;
  std::int64_t next_ = 1;
};

class ListRule final : public CellRule {
 public:
  explicit ListRule(std::size_t max) : max_(max) {}
  bool add(CellList& list, ByteBuffer cell, bool) override {
    return list.size() >= max_ || push(list, std::move(cell));
  }
  void undo(CellList& list, ByteView cell, bool) override {
    const std::size_t at = list.find_last(cell);
    if (at < list.size()) list.erase(at);
  }
  void result(const CellList& list, Column& out, std::size_t row,
              data::Arena& arena) const override {
    put_cells(list, out, row, arena);
  }

 private:
  const std::size_t max_;
};

class SetRule final : public CellRule {
 public:
  explicit SetRule(std::size_t max) : max_(max) {}
  bool add(CellList& list, ByteBuffer cell, bool) override {
    return list.size() >= max_ || list.find(cell) < list.size() || push(list, std::move(cell));
  }
  void result(const CellList& list, Column& out, std::size_t row,
              data::Arena& arena) const override {
    put_cells(list, out, row, arena);
  }

 private:
  const std::size_t max_;
};

// Cells with how often they came.
class CountedRule : public CellRule {
 public:
  explicit CountedRule(std::size_t cells_max, bool skip_nulls)
      : cells_max_(cells_max), skip_nulls_(skip_nulls) {}
  bool add(CellList& list, ByteBuffer cell, bool null) final {
    return (null && skip_nulls_) || add_so_often(list, {std::move(cell)});
  }
  void undo(CellList& list, ByteView cell, bool null) final {
    if (null && skip_nulls_) return;
    const std::size_t at = list.find(cell);
    if (at < list.size() && --list.count(at) <= 0) list.erase(at);
  }
  bool merge(CellList& into, const CellList& from) final {
    bool all = true;
    for (const CellList::Cell& cell : from.cells()) all &= add_so_often(into, cell);
    return all;
  }

 private:
  bool add_so_often(CellList& list, CellList::Cell cell) const {
    const std::size_t at = list.find(cell.bytes);
    if (at < list.size())
      list.count(at) += cell.count;
    else if (list.size() < cells_max_ && !has_room(list, cell.bytes.size()))
      return false;
    else if (list.size() < cells_max_)
      list.push(std::move(cell));
    return true;
  }

  const std::size_t cells_max_;
  const bool skip_nulls_;
};

class HistogramRule final : public CountedRule {
 public:
  HistogramRule() : CountedRule(kCollectedMax, true) {}
  void result(const CellList& list, Column& out, std::size_t row,
              data::Arena& arena) const override {
    const std::size_t first = out.begin_list(row, list.size());
    for (std::size_t i = 0; i < list.size(); ++i) {
      ByteView bytes(list.cells()[i].bytes);
      CHECK(data::take_cell_bytes(bytes, out.child(0), first + i, arena));
      out.child(1).values<std::int64_t>()[first + i] = list.cells()[i].count;
    }
  }
};

class AttributeRule final : public CountedRule {
 public:
  AttributeRule() : CountedRule(kCollectedMax, false) {}
  void result(const CellList& list, Column& out, std::size_t row,
              data::Arena& arena) const override {
    put_single(list, list.size() == 1 ? 0 : list.size(), out, row, arena);
  }
};

// The n greatest, from the greatest on; of equal ones the earlier stands first.
class TopRule final : public CellRule {
 public:
  TopRule(const data::Type& type, std::size_t count, bool distinct)
      : order_(type), count_(count), distinct_(distinct) {}
  bool add(CellList& list, ByteBuffer cell, bool null) override {
    if (null) return true;
    std::size_t at = list.size();
    while (at > 0) {
      const int order = order_.compare(list.cells()[at - 1].bytes, cell);
      if (distinct_ && order == 0) return true;
      if (order >= 0) break;
      --at;
    }
    if (at >= count_) return true;
    const bool full = list.size() == count_;
    const std::size_t going = full ? CellList::bytes_of(list.cells().back().bytes.size()) : 0;
    if (!has_room(list, cell.size(), going)) return false;
    if (full) list.erase(count_ - 1);
    list.insert(at, {std::move(cell)});
    return true;
  }
  void result(const CellList& list, Column& out, std::size_t row,
              data::Arena& arena) const override {
    put_cells(list, out, row, arena);
  }

 private:
  CellOrder order_;
  const std::size_t count_;
  const bool distinct_;
};

MadeAggregate cells(std::unique_ptr<CellRule> rule, std::size_t parts = 1) {
  return std::make_unique<CellListAggregate>(std::move(rule), parts);
}

// The number of values to keep: a literal from 1 to the limit.
Result<std::size_t> count_of(const data::Value* constant) {
  const auto* count = constant == nullptr ? nullptr : std::get_if<std::int32_t>(constant);
  if (count == nullptr || *count < 1 || static_cast<std::size_t>(*count) > kCollectedMax)
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("the number of values to keep is a literal from 1 to {}", kCollectedMax));
  return static_cast<std::size_t>(*count);
}

MadeAggregate offset_rule(const sql::AggregateCall& call, bool latest) {
  OffsetRule::Options options{.latest = latest};
  for (std::size_t i = 1; i < call.args.size(); ++i) {
    if (call.args[i].kind() == data::TypeKind::integer) {
      options.count = TRY(count_of(call.constants[i]));
      options.as_array = true;
      continue;
    }
    const auto* skip =
        call.constants[i] == nullptr ? nullptr : std::get_if<bool>(call.constants[i]);
    if (skip == nullptr)
      return fail(ErrorCode::invalid_argument, "whether NULL is passed over is a literal");
    options.skip_nulls = *skip;
  }
  return cells(std::make_unique<OffsetRule>(options));
}

MadeAggregate top_rule(const sql::AggregateCall& call, bool distinct) {
  const std::size_t parts = call.args.size() - 1;
  const std::size_t count = TRY(count_of(call.constants[parts]));
  return cells(std::make_unique<TopRule>(call.result.element(), count, distinct), parts);
}

}  // namespace

template <bool greatest>
static MadeAggregate extremum(const sql::AggregateCall& call) {
  using Narrow = IntegerExtremumRule<std::int32_t, greatest>;
  using Wide = IntegerExtremumRule<std::int64_t, greatest>;
  switch (call.result.kind()) {
    case data::TypeKind::integer:
    case data::TypeKind::date:
    case data::TypeKind::time:
      return std::make_unique<FixedAggregate<IntegerExtremum, Narrow>>();
    case data::TypeKind::bigint:
    case data::TypeKind::timestamp:
      return std::make_unique<FixedAggregate<IntegerExtremum, Wide>>();
    default:
      return cells(std::make_unique<ExtremumRule>(call.result, greatest));
  }
}

MadeAggregate make_least(const sql::AggregateCall& call) {
  return extremum<false>(call);
}
MadeAggregate make_greatest(const sql::AggregateCall& call) {
  return extremum<true>(call);
}
MadeAggregate make_earliest(const sql::AggregateCall& call) {
  return offset_rule(call, false);
}
MadeAggregate make_latest(const sql::AggregateCall& call) {
  return offset_rule(call, true);
}
MadeAggregate make_list(const sql::AggregateCall& call) {
  return cells(std::make_unique<ListRule>(call.limits.list.value_or(kCollectedMax)));
}
MadeAggregate make_set(const sql::AggregateCall& call) {
  return cells(std::make_unique<SetRule>(call.limits.set.value_or(kCollectedMax)));
}
MadeAggregate make_histogram(const sql::AggregateCall&) {
  return cells(std::make_unique<HistogramRule>());
}
MadeAggregate make_attribute(const sql::AggregateCall&) {
  return cells(std::make_unique<AttributeRule>());
}
MadeAggregate make_top(const sql::AggregateCall& call) {
  return top_rule(call, false);
}
MadeAggregate make_top_distinct(const sql::AggregateCall& call) {
  return top_rule(call, true);
}

}  // namespace penstock::engine::functions
