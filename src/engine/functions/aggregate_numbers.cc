#include "engine/functions/aggregate_numbers.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <type_traits>

#include "data/decimal.h"
#include "engine/functions/aggregate_states.h"

namespace penstock::engine::functions {
namespace {

using data::Column;
using data::Int128;
using data::RowIndex;
using data::TypeKind;

constexpr std::string_view kSumTooLarge = "sum_out_of_range";

struct CountRule {
  static bool counts(const AggregateRows& rows, RowIndex row) {
    return rows.args.empty() || rows.args[0] == nullptr || !rows.args[0]->is_null(row);
  }
  void add(std::int64_t& state, const AggregateRows& rows, RowIndex row) const {
    state += counts(rows, row);
  }
  void undo(std::int64_t& state, const AggregateRows& rows, RowIndex row) const {
    state -= counts(rows, row);
  }
  void merge(std::int64_t& into, std::int64_t from) const { into += from; }
  void result(const std::int64_t& state, Column& out, std::size_t row) const {
    out.values<std::int64_t>()[row] = state;
  }
};

// Integers wrap, as Java's do; a decimal that leaves its precision is an error of the row.
template <typename T>
T plus(T a, T b) {
  if constexpr (std::is_integral_v<T>)
    return static_cast<T>(static_cast<std::make_unsigned_t<T>>(a) +
                          static_cast<std::make_unsigned_t<T>>(b));
  else
    return a + b;
}

template <typename T>
T minus(T a, T b) {
  if constexpr (std::is_integral_v<T>)
    return static_cast<T>(static_cast<std::make_unsigned_t<T>>(a) -
                          static_cast<std::make_unsigned_t<T>>(b));
  else
    return a - b;
}

// Doubles are kept as their bits, so that states are plain bytes.
struct DoubleBits {
  std::uint64_t bits = 0;
  double get() const { return std::bit_cast<double>(bits); }
  void set(double value) { bits = std::bit_cast<std::uint64_t>(value); }
};

template <typename T>
struct SumRule {
  void add(T& state, const AggregateRows& rows, RowIndex row) const {
    if (!rows.args[0]->is_null(row)) state = plus(state, rows.args[0]->values<T>()[row]);
  }
  void undo(T& state, const AggregateRows& rows, RowIndex row) const {
    if (!rows.args[0]->is_null(row)) state = minus(state, rows.args[0]->values<T>()[row]);
  }
  void merge(T& into, T from) const { into = plus(into, from); }
  void result(const T& state, Column& out, std::size_t row) const { out.values<T>()[row] = state; }
};

struct DoubleSumRule {
  void add(DoubleBits& state, const AggregateRows& rows, RowIndex row) const {
    if (!rows.args[0]->is_null(row)) state.set(state.get() + rows.args[0]->values<double>()[row]);
  }
  void undo(DoubleBits& state, const AggregateRows& rows, RowIndex row) const {
    if (!rows.args[0]->is_null(row)) state.set(state.get() - rows.args[0]->values<double>()[row]);
  }
  void merge(DoubleBits& into, const DoubleBits& from) const { into.set(into.get() + from.get()); }
  void result(const DoubleBits& state, Column& out, std::size_t row) const {
    out.values<double>()[row] = state.get();
  }
};

struct DecimalBits {
  std::uint64_t low = 0, high = 0;
  Int128 get() const {
    return static_cast<Int128>(static_cast<unsigned __int128>(high) << 64 | low);
  }
  void set(Int128 value) {
    low = static_cast<std::uint64_t>(value);
    high = static_cast<std::uint64_t>(value >> 64);
  }
};

struct DecimalSumRule {
  Int128 limit = 0;  // one past the greatest
  void add(DecimalBits& state, const AggregateRows& rows, RowIndex row) const {
    if (!rows.args[0]->is_null(row)) change(state, rows.args[0]->values<Int128>()[row], rows, row);
  }
  void undo(DecimalBits& state, const AggregateRows& rows, RowIndex row) const {
    if (!rows.args[0]->is_null(row)) change(state, -rows.args[0]->values<Int128>()[row], rows, row);
  }
  void change(DecimalBits& state, Int128 by, const AggregateRows& rows, RowIndex row) const {
    Int128 sum = 0;
    if (__builtin_add_overflow(state.get(), by, &sum) || sum >= limit || sum <= -limit)
      return rows.errors.add(row, kSumTooLarge);
    state.set(sum);
  }
  // A sum that leaves the precision stays what it was, as that of a row does.
  void merge(DecimalBits& into, const DecimalBits& from) const {
    Int128 sum = 0;
    if (!__builtin_add_overflow(into.get(), from.get(), &sum) && sum < limit && sum > -limit)
      into.set(sum);
  }
  void result(const DecimalBits& state, Column& out, std::size_t row) const {
    out.values<Int128>()[row] = state.get();
  }
};

double number_at(const Column& column, std::size_t row) {
  switch (column.type().kind()) {
    case TypeKind::integer:
      return column.values<std::int32_t>()[row];
    case TypeKind::bigint:
      return static_cast<double>(column.values<std::int64_t>()[row]);
    default:
      return column.values<double>()[row];
  }
}

struct MeanState {
  DoubleBits sum;
  std::int64_t count = 0;
};

struct MeanRule {
  void add(MeanState& state, const AggregateRows& rows, RowIndex row) const {
    change(state, rows, row, 1);
  }
  void undo(MeanState& state, const AggregateRows& rows, RowIndex row) const {
    change(state, rows, row, -1);
  }
  static void change(MeanState& state, const AggregateRows& rows, RowIndex row, int sign) {
    if (rows.args[0]->is_null(row)) return;
    state.sum.set(state.sum.get() + sign * number_at(*rows.args[0], row));
    state.count += sign;
  }
  void merge(MeanState& into, const MeanState& from) const {
    into.sum.set(into.sum.get() + from.sum.get());
    into.count += from.count;
  }
  void result(const MeanState& state, Column& out, std::size_t row) const {
    out.values<double>()[row] =
        state.count == 0 ? 0.0 : state.sum.get() / static_cast<double>(state.count);
  }
};

struct IntegerMeanState {
  std::int64_t sum = 0, count = 0;
};

struct IntegerMeanRule {
  void add(IntegerMeanState& state, const AggregateRows& rows, RowIndex row) const {
    if (rows.args[0]->is_null(row)) return;
    state.sum = plus(state.sum, whole(rows, row));
    ++state.count;
  }
  void undo(IntegerMeanState& state, const AggregateRows& rows, RowIndex row) const {
    if (rows.args[0]->is_null(row)) return;
    state.sum = minus(state.sum, whole(rows, row));
    --state.count;
  }
  static std::int64_t whole(const AggregateRows& rows, RowIndex row) {
    const Column& column = *rows.args[0];
    return column.type().kind() == TypeKind::integer ? column.values<std::int32_t>()[row]
                                                     : column.values<std::int64_t>()[row];
  }
  void merge(IntegerMeanState& into, const IntegerMeanState& from) const {
    into.sum = plus(into.sum, from.sum);
    into.count += from.count;
  }
  void result(const IntegerMeanState& state, Column& out, std::size_t row) const {
    out.values<double>()[row] =
        state.count == 0 ? 0.0 : static_cast<double>(state.sum) / static_cast<double>(state.count);
  }
};

// Welford's sums.
struct SpreadState {
  DoubleBits mean, squares;
  std::int64_t count = 0;
};

template <bool root>
struct SpreadRule {
  void add(SpreadState& state, const AggregateRows& rows, RowIndex row) const {
    if (rows.args[0]->is_null(row)) return;
    const double value = number_at(*rows.args[0], row);
    const double mean = state.mean.get(), off = value - mean;
    state.mean.set(mean + off / static_cast<double>(++state.count));
    state.squares.set(state.squares.get() + off * (value - state.mean.get()));
  }
  void undo(SpreadState& state, const AggregateRows& rows, RowIndex row) const {
    if (rows.args[0]->is_null(row)) return;
    if (state.count <= 1) {
      state = {};
      return;
    }
    const double value = number_at(*rows.args[0], row), mean = state.mean.get();
    const auto count = static_cast<double>(state.count);
    const double before = (mean * count - value) / (count - 1);
    state.squares.set(std::max(0.0, state.squares.get() - (value - mean) * (value - before)));
    state.mean.set(before);
    --state.count;
  }
  void merge(SpreadState& into, const SpreadState& from) const {
    if (from.count == 0) return;
    const auto a = static_cast<double>(into.count), b = static_cast<double>(from.count);
    const double off = from.mean.get() - into.mean.get();
    into.squares.set(into.squares.get() + from.squares.get() + off * off * a * b / (a + b));
    into.mean.set(into.mean.get() + off * b / (a + b));
    into.count += from.count;
  }
  void result(const SpreadState& state, Column& out, std::size_t row) const {
    const double variance =
        state.count < 2 ? 0.0 : state.squares.get() / static_cast<double>(state.count - 1);
    out.values<double>()[row] = root ? std::sqrt(variance) : variance;
  }
};

struct PairState {
  std::int64_t count = 0;
  DoubleBits x, y, xx, yy, xy;
};

struct CorrelationRule {
  void add(PairState& state, const AggregateRows& rows, RowIndex row) const {
    change(state, rows, row, 1);
  }
  void undo(PairState& state, const AggregateRows& rows, RowIndex row) const {
    change(state, rows, row, -1);
  }
  static void change(PairState& state, const AggregateRows& rows, RowIndex row, int sign) {
    if (rows.args[0]->is_null(row) || rows.args[1]->is_null(row)) return;
    const double x = number_at(*rows.args[0], row), y = number_at(*rows.args[1], row);
    const auto more = [sign](DoubleBits& sum, double by) { sum.set(sum.get() + sign * by); };
    state.count += sign;
    more(state.x, x);
    more(state.y, y);
    more(state.xx, x * x);
    more(state.yy, y * y);
    more(state.xy, x * y);
  }
  void merge(PairState& into, const PairState& from) const {
    const auto more = [](DoubleBits& sum, const DoubleBits& by) { sum.set(sum.get() + by.get()); };
    into.count += from.count;
    more(into.x, from.x);
    more(into.y, from.y);
    more(into.xx, from.xx);
    more(into.yy, from.yy);
    more(into.xy, from.xy);
  }
  void result(const PairState& state, Column& out, std::size_t row) const {
    const auto n = static_cast<double>(state.count);
    const double x = state.x.get(), y = state.y.get();
    const double spread = (n * state.xx.get() - x * x) * (n * state.yy.get() - y * y);
    out.values<double>()[row] = state.count == 0 || spread <= 0
                                    ? std::numeric_limits<double>::quiet_NaN()
                                    : (n * state.xy.get() - x * y) / std::sqrt(spread);
  }
};

template <typename T>
struct ListSumRule {
  static T sum_of(const Column& list, RowIndex row) {
    const data::ListSpan span = list.list(row);
    T sum{};
    for (std::uint32_t i = 0; i < span.size; ++i)
      if (!list.child(0).is_null(span.begin + i))
        sum = plus(sum, list.child(0).values<T>()[span.begin + i]);
    return sum;
  }
  void add(T& state, const AggregateRows& rows, RowIndex row) const {
    if (!rows.args[0]->is_null(row)) state = plus(state, sum_of(*rows.args[0], row));
  }
  void undo(T& state, const AggregateRows& rows, RowIndex row) const {
    if (!rows.args[0]->is_null(row)) state = minus(state, sum_of(*rows.args[0], row));
  }
  void merge(T& into, T from) const { into = plus(into, from); }
  void result(const T& state, Column& out, std::size_t row) const { out.values<T>()[row] = state; }
};

struct DoubleListSumRule {
  void add(DoubleBits& state, const AggregateRows& rows, RowIndex row) const {
    if (!rows.args[0]->is_null(row))
      state.set(state.get() + ListSumRule<double>::sum_of(*rows.args[0], row));
  }
  void undo(DoubleBits& state, const AggregateRows& rows, RowIndex row) const {
    if (!rows.args[0]->is_null(row))
      state.set(state.get() - ListSumRule<double>::sum_of(*rows.args[0], row));
  }
  void merge(DoubleBits& into, const DoubleBits& from) const { into.set(into.get() + from.get()); }
  void result(const DoubleBits& state, Column& out, std::size_t row) const {
    out.values<double>()[row] = state.get();
  }
};

template <typename State, typename Rule>
MadeAggregate fixed(Rule rule = {}) {
  return std::make_unique<FixedAggregate<State, Rule>>(rule);
}

}  // namespace

MadeAggregate make_count(const sql::AggregateCall&) {
  return fixed<std::int64_t, CountRule>();
}

MadeAggregate make_sum(const sql::AggregateCall& call) {
  switch (call.result.kind()) {
    case TypeKind::integer:
      return fixed<std::int32_t, SumRule<std::int32_t>>();
    case TypeKind::bigint:
      return fixed<std::int64_t, SumRule<std::int64_t>>();
    case TypeKind::double_:
      return fixed<DoubleBits, DoubleSumRule>();
    default:
      return fixed<DecimalBits>(DecimalSumRule{data::power_of_ten(call.result.precision())});
  }
}

MadeAggregate make_average(const sql::AggregateCall& call) {
  if (call.args[0].kind() == TypeKind::double_) return fixed<MeanState, MeanRule>();
  return fixed<IntegerMeanState, IntegerMeanRule>();
}

MadeAggregate make_deviation(const sql::AggregateCall&) {
  return fixed<SpreadState, SpreadRule<true>>();
}

MadeAggregate make_variance(const sql::AggregateCall&) {
  return fixed<SpreadState, SpreadRule<false>>();
}

MadeAggregate make_correlation(const sql::AggregateCall&) {
  return fixed<PairState, CorrelationRule>();
}

MadeAggregate make_sum_of_lists(const sql::AggregateCall& call) {
  switch (call.result.kind()) {
    case TypeKind::integer:
      return fixed<std::int32_t, ListSumRule<std::int32_t>>();
    case TypeKind::bigint:
      return fixed<std::int64_t, ListSumRule<std::int64_t>>();
    default:
      return fixed<DoubleBits, DoubleListSumRule>();
  }
}

}  // namespace penstock::engine::functions
