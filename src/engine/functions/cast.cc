// CAST between scalar types. A value that the target cannot hold fails its row; integers wrap and
// doubles saturate as Java's conversions do.
#include <cmath>
#include <limits>

#include "data/decimal.h"
#include "data/time_text.h"
#include "engine/functions/cast.h"
#include "engine/functions/families.h"
#include "engine/functions/kernel.h"
#include "engine/functions/limits.h"
#include "engine/functions/overload.h"
#include "sql/operator_names.h"

namespace penstock::engine::functions {
namespace {

using data::kDayMs;
using data::TypeKind;

template <typename T>
void copy(const KernelCall& call) {
  const T* in = argument<T>(call, 0);
  T* out = results<T>(call);
  each_row(call.rows, [=](RowIndex row) { out[row] = in[row]; });
}

// BIGINT to INTEGER keeps the low 32 bits.
struct Convert {
  std::int64_t operator()(std::int32_t a) const { return a; }
  std::int64_t operator()(std::int64_t a) const { return a; }
};
struct ToDouble {
  template <typename T>
  double operator()(T a) const {
    return static_cast<double>(a);
  }
};

template <typename T>
struct Saturate {
  T operator()(double a) const {
    if (a != a) return 0;
    if (a <= static_cast<double>(std::numeric_limits<T>::min()))
      return std::numeric_limits<T>::min();
    if (a >= static_cast<double>(std::numeric_limits<T>::max()))
      return std::numeric_limits<T>::max();
    return static_cast<T>(a);
  }
};

// out = convert(in), an optional; nothing there fails the row.
template <typename R, typename A, typename ConvertOne>
void try_each(const KernelCall& call, ConvertOne convert, std::string_view reason = kCastFailed) {
  const A* in = argument<A>(call, 0);
  R* out = results<R>(call);
  each_row(call.rows, [&](RowIndex row) {
    if (auto value = convert(in[row])) {
      out[row] = static_cast<R>(*value);
    } else {
      out[row] = R{};
      call.errors.add(row, reason);
    }
  });
}

template <typename A>
void integer_to_decimal(const KernelCall& call) {
  const data::Type& type = call.result.type();
  const Int128 factor = data::power_of_ten(type.scale());
  const Int128 limit = data::power_of_ten(type.precision());
  try_each<Int128, A>(
      call,
      [=](A value) -> std::optional<Int128> {
        Int128 scaled;
        if (__builtin_mul_overflow(Int128{value}, factor, &scaled)) return std::nullopt;
        if (scaled >= limit || scaled <= -limit) return std::nullopt;
        return scaled;
      },
      kDecimalOverflow);
}

void double_to_decimal(const KernelCall& call) {
  const data::Type& type = call.result.type();
  try_each<Int128, double>(
      call, [&](double value) { return data::decimal_from_double(value, type); }, kDecimalOverflow);
}

void decimal_to_decimal(const KernelCall& call) {
  const data::Type& type = call.result.type();
  const data::Type& from = call.args[0]->type();
  if (from.scale() == type.scale() && from.precision() <= type.precision())
    return copy<Int128>(call);
  const int scale = from.scale();
  try_each<Int128, Int128>(
      call,
      [&](Int128 value) { return data::fit_decimal(value, scale, type, data::Rounding::half_up); },
      kDecimalOverflow);
}

// Cut towards zero; what is above the target's bits is dropped, as BigDecimal.intValue does.
template <typename R>
void decimal_to_integer(const KernelCall& call) {
  const Int128* in = argument<Int128>(call, 0);
  R* out = results<R>(call);
  const Int128 divisor = data::power_of_ten(call.args[0]->type().scale());
  each_row(call.rows, [=](RowIndex row) { out[row] = static_cast<R>(in[row] / divisor); });
}

void decimal_to_double(const KernelCall& call) {
  const Int128* in = argument<Int128>(call, 0);
  double* out = results<double>(call);
  const int scale = call.args[0]->type().scale();
  // Both exact in a double, so one division rounds correctly.
  const Int128 exact = Int128{1} << 53;
  const double divisor = scale <= 22 ? static_cast<double>(data::power_of_ten(scale)) : 0;
  each_row(call.rows, [=](RowIndex row) {
    const Int128 value = in[row];
    if (divisor != 0 && value <= exact && value >= -exact)
      out[row] = static_cast<double>(static_cast<std::int64_t>(value)) / divisor;
    else
      out[row] = data::decimal_to_double({value, scale});
  });
}

void date_to_timestamp(const KernelCall& call) {
  const std::int32_t* in = argument<std::int32_t>(call, 0);
  std::int64_t* out = results<std::int64_t>(call);
  each_row(call.rows, [=](RowIndex row) { out[row] = in[row] * kDayMs; });
}

std::int64_t day_of(std::int64_t timestamp_ms) {
  return timestamp_ms / kDayMs - (timestamp_ms % kDayMs < 0);
}

void timestamp_to_date(const KernelCall& call) {
  const std::int64_t* in = argument<std::int64_t>(call, 0);
  std::int32_t* out = results<std::int32_t>(call);
  each_row(call.rows, [=](RowIndex row) { out[row] = static_cast<std::int32_t>(day_of(in[row])); });
}

void timestamp_to_time(const KernelCall& call) {
  const std::int64_t* in = argument<std::int64_t>(call, 0);
  std::int32_t* out = results<std::int32_t>(call);
  each_row(call.rows, [=](RowIndex row) {
    const std::int64_t rest = in[row] % kDayMs;
    out[row] = static_cast<std::int32_t>(rest < 0 ? rest + kDayMs : rest);
  });
}

sql::Kernel from_integer(TypeKind to) {
  switch (to) {
    case TypeKind::bigint:
      return map_one<std::int64_t, std::int32_t, Convert>;
    case TypeKind::double_:
      return map_one<double, std::int32_t, ToDouble>;
    case TypeKind::decimal:
      return integer_to_decimal<std::int32_t>;
    default:
      return nullptr;
  }
}

sql::Kernel from_bigint(TypeKind to) {
  switch (to) {
    case TypeKind::integer:
      return map_one<std::int32_t, std::int64_t, Convert>;
    case TypeKind::double_:
      return map_one<double, std::int64_t, ToDouble>;
    case TypeKind::decimal:
      return integer_to_decimal<std::int64_t>;
    default:
      return nullptr;
  }
}

sql::Kernel from_double(TypeKind to) {
  switch (to) {
    case TypeKind::integer:
      return map_one<std::int32_t, double, Saturate<std::int32_t>>;
    case TypeKind::bigint:
      return map_one<std::int64_t, double, Saturate<std::int64_t>>;
    case TypeKind::decimal:
      return double_to_decimal;
    default:
      return nullptr;
  }
}

sql::Kernel from_decimal(TypeKind to) {
  switch (to) {
    case TypeKind::integer:
      return decimal_to_integer<std::int32_t>;
    case TypeKind::bigint:
      return decimal_to_integer<std::int64_t>;
    case TypeKind::double_:
      return decimal_to_double;
    case TypeKind::decimal:
      return decimal_to_decimal;
    default:
      return nullptr;
  }
}

sql::Kernel from_timestamp(TypeKind to) {
  if (to == TypeKind::date) return timestamp_to_date;
  return to == TypeKind::time ? timestamp_to_time : nullptr;
}

sql::Kernel same_kind(TypeKind kind) {
  switch (kind) {
    case TypeKind::boolean:
      return copy<std::uint8_t>;
    case TypeKind::integer:
    case TypeKind::date:
    case TypeKind::time:
      return copy<std::int32_t>;
    case TypeKind::bigint:
    case TypeKind::timestamp:
      return copy<std::int64_t>;
    case TypeKind::double_:
      return copy<double>;
    case TypeKind::decimal:
      return decimal_to_decimal;
    case TypeKind::string:
    case TypeKind::bytes:
      return copy<Text>;
    default:
      return nullptr;
  }
}

void cast(const KernelCall& call) {
  const sql::Kernel kernel = cast_kernel(call.args[0]->type().kind(), call.result.type().kind());
  if (kernel != nullptr) return kernel(call);
  for (RowIndex row : call.rows) {
    call.result.set_null(row);
    call.errors.add(row, kCastFailed);
  }
}

data::Type target(Types types) {
  return types.back();
}

}  // namespace

sql::Kernel cast_kernel(TypeKind from, TypeKind to) {
  if (from >= TypeKind::array) return cast_nested(from, to);
  if (from == to) return same_kind(from);
  if (to == TypeKind::string) return cast_to_string(from);
  switch (from) {
    case TypeKind::integer:
      return from_integer(to);
    case TypeKind::bigint:
      return from_bigint(to);
    case TypeKind::double_:
      return from_double(to);
    case TypeKind::decimal:
      return from_decimal(to);
    case TypeKind::string:
      return cast_from_string(to);
    case TypeKind::date:
      return to == TypeKind::timestamp ? date_to_timestamp : nullptr;
    case TypeKind::timestamp:
      return from_timestamp(to);
    default:
      return nullptr;
  }
}

FunctionList cast_operators() {
  return {
      {sql::op::kCast,
       "OPERATOR",
       "The value as another type.",
       {overload({ArgKind::any}, target, cast)},
       {{"$cast(2147483648, INTEGER)", "-2147483648"},
        {"$cast(1E30, BIGINT)", "9223372036854775807"},
        {"$cast(-2.9, INTEGER)", "-2"},
        {"$cast(2.345, DECIMAL(5, 2))", "2.35"},
        {"$cast(' 12 ', INTEGER)", "12"},
        {"$cast('1.50', DECIMAL(5, 3))", "1.500"},
        {"$cast(1E10, STRING)", "'1.0E10'"},
        {"$cast(12.50, STRING)", "'12.50'"},
        {"$cast('yes', BOOLEAN)", "true"},
        {"$cast('2026-05-17T09:08:07.006', TIMESTAMP)", "2026-05-17T09:08:07.006"},
        {"$cast(DATE '2026-05-17', TIMESTAMP)", "2026-05-17T00:00:00.000"}}},
  };
}

}  // namespace penstock::engine::functions
