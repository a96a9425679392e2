// CAST between scalar types.
#include "data/cast.h"

#include <limits>
#include <optional>

#include "data/decimal.h"
#include "data/each_row.h"
#include "data/time_text.h"

namespace penstock::data {
namespace {

template <typename T>
void copy(const CastCall& call) {
  const T* in = call.from.values<T>().data();
  T* out = call.to.values<T>().data();
  each_row(call.rows, [=](RowIndex row) { out[row] = in[row]; });
}

// to = Op()(from)
template <typename R, typename A, typename Op>
void convert_each(const CastCall& call) {
  const A* in = call.from.values<A>().data();
  R* out = call.to.values<R>().data();
  each_row(call.rows, [=](RowIndex row) { out[row] = static_cast<R>(Op()(in[row])); });
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
void try_each(const CastCall& call, ConvertOne convert, std::string_view reason = kCastFailed) {
  const A* in = call.from.values<A>().data();
  R* out = call.to.values<R>().data();
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
void integer_to_decimal(const CastCall& call) {
  const Type& type = call.to.type();
  const Int128 factor = power_of_ten(type.scale());
  const Int128 limit = power_of_ten(type.precision());
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

void double_to_decimal(const CastCall& call) {
  const Type& type = call.to.type();
  try_each<Int128, double>(
      call, [&](double value) { return decimal_from_double(value, type); }, kDecimalOverflow);
}

void decimal_to_decimal(const CastCall& call) {
  const Type& type = call.to.type();
  const Type& from = call.from.type();
  if (from.scale() == type.scale() && from.precision() <= type.precision())
    return copy<Int128>(call);
  const int scale = from.scale();
  try_each<Int128, Int128>(
      call, [&](Int128 value) { return fit_decimal(value, scale, type, Rounding::half_up); },
      kDecimalOverflow);
}

// Cut towards zero; what is above the target's bits is dropped, as BigDecimal.intValue does.
template <typename R>
void decimal_to_integer(const CastCall& call) {
  const Int128* in = call.from.values<Int128>().data();
  R* out = call.to.values<R>().data();
  const Int128 divisor = power_of_ten(call.from.type().scale());
  each_row(call.rows, [=](RowIndex row) { out[row] = static_cast<R>(in[row] / divisor); });
}

void decimals_to_doubles(const CastCall& call) {
  const Int128* in = call.from.values<Int128>().data();
  double* out = call.to.values<double>().data();
  const int scale = call.from.type().scale();
  // Both exact in a double, so one division rounds correctly.
  const Int128 exact = Int128{1} << 53;
  const double divisor = scale <= 22 ? static_cast<double>(power_of_ten(scale)) : 0;
  each_row(call.rows, [=](RowIndex row) {
    const Int128 value = in[row];
    if (divisor != 0 && value <= exact && value >= -exact)
      out[row] = static_cast<double>(static_cast<std::int64_t>(value)) / divisor;
    else
      out[row] = decimal_to_double({value, scale});
  });
}

void date_to_timestamp(const CastCall& call) {
  const std::int32_t* in = call.from.values<std::int32_t>().data();
  std::int64_t* out = call.to.values<std::int64_t>().data();
  each_row(call.rows, [=](RowIndex row) { out[row] = in[row] * kDayMs; });
}

std::int64_t day_of(std::int64_t timestamp_ms) {
  return timestamp_ms / kDayMs - (timestamp_ms % kDayMs < 0);
}

void timestamp_to_date(const CastCall& call) {
  const std::int64_t* in = call.from.values<std::int64_t>().data();
  std::int32_t* out = call.to.values<std::int32_t>().data();
  each_row(call.rows, [=](RowIndex row) { out[row] = static_cast<std::int32_t>(day_of(in[row])); });
}

void timestamp_to_time(const CastCall& call) {
  const std::int64_t* in = call.from.values<std::int64_t>().data();
  std::int32_t* out = call.to.values<std::int32_t>().data();
  each_row(call.rows, [=](RowIndex row) {
    const std::int64_t rest = in[row] % kDayMs;
    out[row] = static_cast<std::int32_t>(rest < 0 ? rest + kDayMs : rest);
  });
}

CastKernel from_integer(TypeKind to) {
  switch (to) {
    case TypeKind::bigint:
      return convert_each<std::int64_t, std::int32_t, Convert>;
    case TypeKind::double_:
      return convert_each<double, std::int32_t, ToDouble>;
    case TypeKind::decimal:
      return integer_to_decimal<std::int32_t>;
    default:
      return nullptr;
  }
}

CastKernel from_bigint(TypeKind to) {
  switch (to) {
    case TypeKind::integer:
      return convert_each<std::int32_t, std::int64_t, Convert>;
    case TypeKind::double_:
      return convert_each<double, std::int64_t, ToDouble>;
    case TypeKind::decimal:
      return integer_to_decimal<std::int64_t>;
    default:
      return nullptr;
  }
}

CastKernel from_double(TypeKind to) {
  switch (to) {
    case TypeKind::integer:
      return convert_each<std::int32_t, double, Saturate<std::int32_t>>;
    case TypeKind::bigint:
      return convert_each<std::int64_t, double, Saturate<std::int64_t>>;
    case TypeKind::decimal:
      return double_to_decimal;
    default:
      return nullptr;
  }
}

CastKernel from_decimal(TypeKind to) {
  switch (to) {
    case TypeKind::integer:
      return decimal_to_integer<std::int32_t>;
    case TypeKind::bigint:
      return decimal_to_integer<std::int64_t>;
    case TypeKind::double_:
      return decimals_to_doubles;
    case TypeKind::decimal:
      return decimal_to_decimal;
    default:
      return nullptr;
  }
}

CastKernel from_timestamp(TypeKind to) {
  if (to == TypeKind::date) return timestamp_to_date;
  return to == TypeKind::time ? timestamp_to_time : nullptr;
}

CastKernel same_kind(TypeKind kind) {
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

}  // namespace

CastKernel cast_kernel(TypeKind from, TypeKind to) {
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

void cast(const CastCall& call) {
  const CastKernel kernel = cast_kernel(call.from.type().kind(), call.to.type().kind());
  if (kernel != nullptr) return kernel(call);
  for (RowIndex row : call.rows) {
    call.to.set_null(row);
    call.errors.add(row, kCastFailed);
  }
}

}  // namespace penstock::data
