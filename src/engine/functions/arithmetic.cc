// + - * / % and unary minus. Integers wrap as in Java; a zero divisor fails the row, except for
// doubles, which follow IEEE 754.
#include <cmath>
#include <limits>
#include <type_traits>

#include "data/decimal.h"
#include "engine/functions/families.h"
#include "engine/functions/kernel.h"
#include "engine/functions/limits.h"
#include "engine/functions/overload.h"
#include "engine/functions/text_output.h"
#include "sql/operator_names.h"

namespace penstock::engine::functions {
namespace {

struct Add {
  std::uint32_t operator()(std::int32_t a, std::int32_t b) const {
    return std::uint32_t(a) + std::uint32_t(b);
  }
  std::uint64_t operator()(std::int64_t a, std::int64_t b) const {
    return std::uint64_t(a) + std::uint64_t(b);
  }
  double operator()(double a, double b) const { return a + b; }
  static bool overflows(Int128 a, Int128 b, Int128* out) {
    return __builtin_add_overflow(a, b, out);
  }
  static constexpr auto exact = data::decimal_add;
};

struct Subtract {
  std::uint32_t operator()(std::int32_t a, std::int32_t b) const {
    return std::uint32_t(a) - std::uint32_t(b);
  }
  std::uint64_t operator()(std::int64_t a, std::int64_t b) const {
    return std::uint64_t(a) - std::uint64_t(b);
  }
  double operator()(double a, double b) const { return a - b; }
  static bool overflows(Int128 a, Int128 b, Int128* out) {
    return __builtin_sub_overflow(a, b, out);
  }
  static constexpr auto exact = data::decimal_subtract;
};

struct Multiply {
  std::uint32_t operator()(std::int32_t a, std::int32_t b) const {
    return std::uint32_t(a) * std::uint32_t(b);
  }
  std::uint64_t operator()(std::int64_t a, std::int64_t b) const {
    return std::uint64_t(a) * std::uint64_t(b);
  }
  double operator()(double a, double b) const { return a * b; }
};

struct DivideDouble {
  double operator()(double a, double b) const { return a / b; }
};
struct ModuloDouble {
  double operator()(double a, double b) const { return std::fmod(a, b); }
};

// The divisor is not zero. -1 is apart because the least integer has no counterpart: Java wraps.
struct DivideInteger {
  template <typename T>
  T operator()(T a, T b) const {
    using Unsigned = std::make_unsigned_t<T>;
    return b == -1 ? static_cast<T>(Unsigned{0} - static_cast<Unsigned>(a)) : a / b;
  }
};
struct ModuloInteger {
  template <typename T>
  T operator()(T a, T b) const {
    return b == -1 ? T{0} : a % b;
  }
};

template <typename T, typename Op>
void divide_integers(const KernelCall& call) {
  const T* a = argument<T>(call, 0);
  const T* b = argument<T>(call, 1);
  T* out = results<T>(call);
  each_row(call.rows, [&](RowIndex row) {
    if (b[row] == 0) [[unlikely]] {
      out[row] = 0;
      call.errors.add(row, kDivisionByZero);
    } else {
      out[row] = Op()(a[row], b[row]);
    }
  });
}

void fail_decimal(const KernelCall& call, RowIndex row, Int128* out, std::string_view reason) {
  out[row] = 0;
  call.errors.add(row, reason);
}

void store_decimal(const KernelCall& call, RowIndex row, Int128* out, std::optional<Int128> value) {
  if (value)
    out[row] = *value;
  else
    fail_decimal(call, row, out, kDecimalOverflow);
}

// Sums whose scales line up by one multiplication run in 128 bits; the rest takes the exact way.
template <typename Op>
void add_decimals(const KernelCall& call) {
  const Int128* a = argument<Int128>(call, 0);
  const Int128* b = argument<Int128>(call, 1);
  Int128* out = results<Int128>(call);
  const data::Type& type = call.result.type();
  const int scale = type.scale();
  const int scale_a = call.args[0]->type().scale(), scale_b = call.args[1]->type().scale();
  const Int128 limit = data::power_of_ten(type.precision());
  const bool aligned = scale >= scale_a && scale >= scale_b;
  const Int128 factor_a = aligned ? data::power_of_ten(scale - scale_a) : 0;
  const Int128 factor_b = aligned ? data::power_of_ten(scale - scale_b) : 0;
  const bool plain = factor_a == 1 && factor_b == 1;
  each_row(call.rows, [&](RowIndex row) {
    Int128 left = a[row], right = b[row], sum;
    bool fast = aligned && (plain || (!__builtin_mul_overflow(left, factor_a, &left) &&
                                      !__builtin_mul_overflow(right, factor_b, &right)));
    if (fast && !Op::overflows(left, right, &sum) && sum < limit && sum > -limit) [[likely]]
      out[row] = sum;
    else
      store_decimal(call, row, out, Op::exact({a[row], scale_a}, {b[row], scale_b}, type));
  });
}

void multiply_decimals(const KernelCall& call) {
  const Int128* a = argument<Int128>(call, 0);
  const Int128* b = argument<Int128>(call, 1);
  Int128* out = results<Int128>(call);
  const data::Type& type = call.result.type();
  const int scale_a = call.args[0]->type().scale(), scale_b = call.args[1]->type().scale();
  const Int128 limit = data::power_of_ten(type.precision());
  const bool aligned = type.scale() == scale_a + scale_b;
  each_row(call.rows, [&](RowIndex row) {
    Int128 product;
    if (aligned && !__builtin_mul_overflow(a[row], b[row], &product) && product < limit &&
        product > -limit) [[likely]]
      out[row] = product;
    else
      store_decimal(call, row, out,
                    data::decimal_multiply({a[row], scale_a}, {b[row], scale_b}, type));
  });
}

using ExactOp = std::optional<Int128> (*)(data::Scaled, data::Scaled, const data::Type&);

template <ExactOp exact>
void divide_decimals(const KernelCall& call) {
  const Int128* a = argument<Int128>(call, 0);
  const Int128* b = argument<Int128>(call, 1);
  Int128* out = results<Int128>(call);
  const data::Type& type = call.result.type();
  const int scale_a = call.args[0]->type().scale(), scale_b = call.args[1]->type().scale();
  each_row(call.rows, [&](RowIndex row) {
    if (b[row] == 0) [[unlikely]]
      fail_decimal(call, row, out, kDivisionByZero);
    else
      store_decimal(call, row, out, exact({a[row], scale_a}, {b[row], scale_b}, type));
  });
}

struct Negate {
  std::uint32_t operator()(std::int32_t a) const { return 0U - std::uint32_t(a); }
  std::uint64_t operator()(std::int64_t a) const { return std::uint64_t{0} - std::uint64_t(a); }
  double operator()(double a) const { return -a; }
  Int128 operator()(Int128 a) const { return -a; }
};

data::Type sum_type(Types args) {
  return data::decimal_add_type(args[0], args[1]);
}
data::Type product_type(Types args) {
  return data::decimal_multiply_type(args[0], args[1]);
}
data::Type quotient_type(Types args) {
  return data::decimal_divide_type(args[0], args[1]);
}
data::Type remainder_type(Types args) {
  return data::decimal_modulo_type(args[0], args[1]);
}

std::vector<Overload> on_numbers(std::initializer_list<sql::Kernel> kernels,
                                 ResultRule decimal_type) {
  const sql::Kernel* kernel = kernels.begin();
  return {overload({ArgKind::integer, ArgKind::integer}, kInteger, kernel[0]),
          overload({ArgKind::bigint, ArgKind::bigint}, kBigint, kernel[1]),
          overload({ArgKind::decimal, ArgKind::decimal}, decimal_type, kernel[2]),
          overload({ArgKind::double_, ArgKind::double_}, kDouble, kernel[3])};
}

template <typename Op>
std::vector<Overload> sums() {
  return on_numbers({map_two<std::int32_t, std::int32_t, std::int32_t, Op>,
                     map_two<std::int64_t, std::int64_t, std::int64_t, Op>, add_decimals<Op>,
                     map_two<double, double, double, Op>},
                    sum_type);
}

template <typename Integers, typename Doubles, ExactOp decimals>
std::vector<Overload> divisions(ResultRule decimal_type) {
  return on_numbers(
      {divide_integers<std::int32_t, Integers>, divide_integers<std::int64_t, Integers>,
       divide_decimals<decimals>, map_two<double, double, double, Doubles>},
      decimal_type);
}

}  // namespace

FunctionList arithmetic_operators() {
  std::vector<Overload> additions = sums<Add>();
  additions.push_back(overload({ArgKind::string, ArgKind::string}, kString, join_two_texts));
  std::vector<Overload> products =
      on_numbers({map_two<std::int32_t, std::int32_t, std::int32_t, Multiply>,
                  map_two<std::int64_t, std::int64_t, std::int64_t, Multiply>, multiply_decimals,
                  map_two<double, double, double, Multiply>},
                 product_type);
  return {
      {sql::op::kAdd,
       "OPERATOR",
       "Adds two numbers, or joins two texts.",
       additions,
       {{"$add(1, 2)", "3"},
        {"$add(2147483647, 1)", "-2147483648"},
        {"$add(1.5, 2.25)", "3.75"},
        {"$add('a', 'b')", "'ab'"},
        {"$add(1, NULL)", "NULL"}}},
      {sql::op::kSubtract,
       "OPERATOR",
       "Subtracts the second number from the first.",
       sums<Subtract>(),
       {{"$subtract(1, 2)", "-1"}, {"$subtract(1.5, 2.25)", "-0.75"}}},
      {sql::op::kMultiply,
       "OPERATOR",
       "Multiplies two numbers.",
       products,
       {{"$multiply(6, 7)", "42"},
        {"$multiply(1.5, 2.25)", "3.375"},
        {"$multiply(2E0, 4E0)", "8.0"}}},
      {sql::op::kDivide,
       "OPERATOR",
       "Divides the first number by the second; integers are cut towards zero.",
       divisions<DivideInteger, DivideDouble, data::decimal_divide>(quotient_type),
       {{"$divide(7, -2)", "-3"},
        {"$divide(1E0, 4E0)", "0.25"},
        {"$divide(1E0, 0E0)", "Infinity"},
        {"$divide(1.0, 4.0)", "0.250000"}}},
      {sql::op::kModulo,
       "OPERATOR",
       "The remainder of a division, with the dividend's sign.",
       divisions<ModuloInteger, ModuloDouble, data::decimal_modulo>(remainder_type),
       {{"$modulo(-7, 2)", "-1"}, {"$modulo(7.5, 2.0)", "1.5"}, {"$modulo(5E0, 3E0)", "2.0"}}},
      {sql::op::kNegate,
       "OPERATOR",
       "The number with the other sign.",
       {overload({ArgKind::integer}, kInteger, map_one<std::int32_t, std::int32_t, Negate>),
        overload({ArgKind::bigint}, kBigint, map_one<std::int64_t, std::int64_t, Negate>),
        overload({ArgKind::decimal}, as_first, map_one<Int128, Int128, Negate>),
        overload({ArgKind::double_}, kDouble, map_one<double, double, Negate>)},
       {{"$negate(5)", "-5"}, {"$negate(1.50)", "-1.50"}, {"$negate(0E0)", "-0.0"}}},
  };
}

}  // namespace penstock::engine::functions
