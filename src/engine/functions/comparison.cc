// Comparisons of two values of one type, IS NULL, IS DISTINCT FROM and NOT. As in ksqlDB, a
// comparison with NULL is false, not NULL.
#include <utility>

#include "data/cell.h"
#include "data/decimal.h"
#include "engine/functions/families.h"
#include "engine/functions/kernel.h"
#include "engine/functions/overload.h"
#include "engine/functions/text_order.h"
#include "sql/operator_names.h"

namespace penstock::engine::functions {
namespace {

using data::TypeKind;

// An operator compares either two values, or an order (<0, 0, >0) with 0.
struct Equal {
  static constexpr bool kEquality = true;
  [[maybe_unused]] static constexpr bool kOnEqual = true;  // not every instance asks
  template <typename T>
  bool operator()(T a, T b) const {
    return a == b;
  }
};
struct NotEqual {
  static constexpr bool kEquality = true;
  [[maybe_unused]] static constexpr bool kOnEqual = false;  // not every instance asks
  template <typename T>
  bool operator()(T a, T b) const {
    return a != b;
  }
};
struct Less {
  static constexpr bool kEquality = false;
  [[maybe_unused]] static constexpr bool kOnEqual = false;  // not every instance asks
  template <typename T>
  bool operator()(T a, T b) const {
    return a < b;
  }
};
struct LessEqual {
  static constexpr bool kEquality = false;
  [[maybe_unused]] static constexpr bool kOnEqual = true;  // not every instance asks
  template <typename T>
  bool operator()(T a, T b) const {
    return a <= b;
  }
};
struct Greater {
  static constexpr bool kEquality = false;
  [[maybe_unused]] static constexpr bool kOnEqual = false;  // not every instance asks
  template <typename T>
  bool operator()(T a, T b) const {
    return a > b;
  }
};
struct GreaterEqual {
  static constexpr bool kEquality = false;
  [[maybe_unused]] static constexpr bool kOnEqual = true;  // not every instance asks
  template <typename T>
  bool operator()(T a, T b) const {
    return a >= b;
  }
};

// Calls compare(row) for the selected rows; where an argument is null the result is what if_null
// says of the two nulls.
template <typename Compare, typename IfNull>
void compare_rows(const KernelCall& call, Compare compare, IfNull if_null) {
  std::uint8_t* out = results<std::uint8_t>(call);
  const data::Column& a = *call.args[0];
  const data::Column& b = *call.args[1];
  if (a.no_nulls() && b.no_nulls()) {
    each_row(call.rows, [=](RowIndex row) { out[row] = compare(row); });
    return;
  }
  each_row(call.rows, [&](RowIndex row) {
    const bool null_a = a.is_null(row), null_b = b.is_null(row);
    out[row] = null_a || null_b ? if_null(null_a, null_b) : compare(row);
  });
}

template <typename T, typename Op, typename IfNull>
void compare_values(const KernelCall& call, IfNull if_null) {
  const T* a = argument<T>(call, 0);
  const T* b = argument<T>(call, 1);
  compare_rows(call, [=](RowIndex row) -> std::uint8_t { return Op()(a[row], b[row]); }, if_null);
}

template <typename Op, typename IfNull>
void compare_decimal_values(const KernelCall& call, IfNull if_null) {
  const int scale_a = call.args[0]->type().scale(), scale_b = call.args[1]->type().scale();
  if (scale_a == scale_b) return compare_values<Int128, Op>(call, if_null);
  const Int128* a = argument<Int128>(call, 0);
  const Int128* b = argument<Int128>(call, 1);
  // One side is brought to the other's scale; what overflows 128 bits then takes the exact way.
  const Int128 factor_a = data::power_of_ten(scale_a < scale_b ? scale_b - scale_a : 0);
  const Int128 factor_b = data::power_of_ten(scale_b < scale_a ? scale_a - scale_b : 0);
  compare_rows(
      call,
      [=](RowIndex row) -> std::uint8_t {
        Int128 left, right;
        if (!__builtin_mul_overflow(a[row], factor_a, &left) &&
            !__builtin_mul_overflow(b[row], factor_b, &right)) [[likely]]
          return Op()(left, right);
        return Op()(data::compare_decimals({a[row], scale_a}, {b[row], scale_b}), 0);
      },
      if_null);
}

template <typename Op, bool strings, typename IfNull>
void compare_texts(const KernelCall& call, IfNull if_null) {
  const Text* a = argument<Text>(call, 0);
  const Text* b = argument<Text>(call, 1);
  compare_rows(
      call,
      [=](RowIndex row) -> std::uint8_t {
        if constexpr (Op::kEquality)
          return equal_texts(a[row], b[row]) == Op::kOnEqual;
        else if constexpr (strings)
          return Op()(compare_strings(a[row], b[row]), 0);
        else
          return Op()(compare_bytes(a[row], b[row]), 0);
      },
      if_null);
}

template <typename Op, typename IfNull>
void compare_any(const KernelCall& call, IfNull if_null) {
  switch (call.args[0]->type().kind()) {
    case TypeKind::boolean:
      return compare_values<std::uint8_t, Op>(call, if_null);
    case TypeKind::integer:
    case TypeKind::date:
    case TypeKind::time:
      return compare_values<std::int32_t, Op>(call, if_null);
    case TypeKind::bigint:
    case TypeKind::timestamp:
      return compare_values<std::int64_t, Op>(call, if_null);
    case TypeKind::double_:
      return compare_values<double, Op>(call, if_null);
    case TypeKind::decimal:
      return compare_decimal_values<Op>(call, if_null);
    case TypeKind::string:
      return compare_texts<Op, true>(call, if_null);
    case TypeKind::bytes:
      return compare_texts<Op, false>(call, if_null);
    case TypeKind::array:
    case TypeKind::map:
    case TypeKind::struct_:
      break;
  }
  compare_rows(
      call,
      [&](RowIndex row) -> std::uint8_t {
        return Op()(data::compare_cells(*call.args[0], row, *call.args[1], row), 0);
      },
      if_null);
}

template <typename Op>
void compare(const KernelCall& call) {
  compare_any<Op>(call, [](bool, bool) -> std::uint8_t { return 0; });
}

void is_distinct(const KernelCall& call) {
  compare_any<NotEqual>(call, [](bool a, bool b) -> std::uint8_t { return a != b; });
}

void is_null(const KernelCall& call) {
  std::uint8_t* out = results<std::uint8_t>(call);
  const data::Column& a = *call.args[0];
  each_row(call.rows, [&](RowIndex row) { out[row] = a.is_null(row); });
}

struct Not {
  std::uint8_t operator()(std::uint8_t a) const { return a ^ 1; }
};

template <typename Op>
sql::ScalarFunction comparison(std::string_view name, std::string_view help,
                               std::vector<sql::FunctionExample> examples) {
  return {name,
          "OPERATOR",
          help,
          {sees_nulls(overload({ArgKind::any, ArgKind::same}, kBoolean, compare<Op>))},
          std::move(examples)};
}

}  // namespace

FunctionList comparison_operators() {
  return {
      comparison<Equal>(sql::op::kEqual, "Whether two values are equal; false for NULL.",
                        {{"$equal('a', 'a')", "true"}, {"$equal(1.50, 1.5)", "true"}}),
      comparison<NotEqual>(sql::op::kNotEqual, "Whether two values differ; false for NULL.",
                           {{"$not_equal(1, 2)", "true"}, {"$not_equal(TRUE, TRUE)", "false"}}),
      comparison<Less>(sql::op::kLess, "Whether the first value is less; false for NULL.",
                       {{"$less('b10', 'b2')", "true"}, {"$less(2E0, 1E0)", "false"}}),
      comparison<LessEqual>(sql::op::kLessEqual,
                            "Whether the first value is less or equal; false for NULL.",
                            {{"$less_equal(1, 1)", "true"}}),
      comparison<Greater>(sql::op::kGreater, "Whether the first value is greater; false for NULL.",
                          {{"$greater(X'62', X'61')", "true"}, {"$greater(1.10, 1.2)", "false"}}),
      comparison<GreaterEqual>(sql::op::kGreaterEqual,
                               "Whether the first value is greater or equal; false for NULL.",
                               {{"$greater_equal(1, 2)", "false"}}),
      {sql::op::kNot,
       "OPERATOR",
       "The other truth value.",
       {overload({ArgKind::boolean}, kBoolean, map_one<std::uint8_t, std::uint8_t, Not>)},
       {{"$not(TRUE)", "false"}, {"$not(NULL)", "NULL"}}},
      {sql::op::kIsNull,
       "OPERATOR",
       "Whether the value is NULL.",
       {sees_nulls(overload({ArgKind::any}, kBoolean, is_null))},
       {{"$is_null(1)", "false"}, {"$is_null(NULL)", "true"}}},
      {sql::op::kIsDistinct,
       "OPERATOR",
       "Whether two values differ; NULL equals NULL.",
       {sees_nulls(overload({ArgKind::any, ArgKind::same}, kBoolean, is_distinct))},
       {{"$is_distinct(1, NULL)", "true"}, {"$is_distinct(1, 1)", "false"}}},
  };
}

}  // namespace penstock::engine::functions
