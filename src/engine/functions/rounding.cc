#include "engine/functions/rounding.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "data/decimal.h"
#include "engine/functions/families.h"
#include "engine/functions/kernel.h"
#include "engine/functions/limits.h"
#include "engine/functions/overload.h"

namespace penstock::engine::functions {
namespace {

// The shortest digits of a finite number: d1 d2 ... dn with the point behind the first `integral`
// of them (which may be negative or above n).
struct ShortestDigits {
  char digits[24];
  int count = 0;
  int integral = 0;
};

ShortestDigits shortest_digits(double value) {
  char text[32];
  const char* end =
      std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr;
  ShortestDigits out;
  const char* at = text;
  for (; *at != 'e'; ++at)
    if (*at != '.') out.digits[out.count++] = *at;
  ++at;
  int exponent = 0;
  std::from_chars(*at == '+' ? at + 1 : at, end, exponent);
  out.integral = exponent + 1;
  return out;
}

// Whether the size of the number grows when the digits from `kept` on are cut.
bool rounds_up(const ShortestDigits& number, int kept, bool negative) {
  const char first = number.digits[kept];
  if (first != '5' || !negative) return first >= '5';
  return kept + 1 < number.count;  // exactly a half goes up, which is a smaller size
}

double from_digits(const ShortestDigits& number, int kept, bool grow) {
  std::int64_t digits = 0;
  for (int i = 0; i < kept; ++i) digits = digits * 10 + (number.digits[i] - '0');
  digits += grow;
  constexpr std::size_t digits_max = 20;
  char text[2 * digits_max + 1];
  char* end = std::to_chars(text, text + digits_max, digits).ptr;
  *end++ = 'e';
  end = std::to_chars(end, text + sizeof text, number.integral - kept).ptr;
  double out = 0;
  if (std::from_chars(text, end, out).ec == std::errc::result_out_of_range)
    return std::numeric_limits<double>::infinity();
  return out;
}

}  // namespace

double round_double(double value, int places, RoundTo to) {
  if (!std::isfinite(value) || value == 0) return value == 0 ? 0.0 : value;
  const bool negative = value < 0;
  const ShortestDigits number = shortest_digits(std::fabs(value));
  const std::int64_t kept = std::int64_t{number.integral} + places;
  if (kept >= number.count) return value;
  double size = 0;
  if (kept >= 0)
    size =
        from_digits(number, static_cast<int>(kept),
                    to == RoundTo::nearest && rounds_up(number, static_cast<int>(kept), negative));
  return negative && size != 0 ? -size : size;
}

std::int64_t round_to_integer(double value) {
  if (value != value) return 0;
  const double below = std::floor(value);
  const double rounded = value - below >= 0.5 ? below + 1 : below;
  if (rounded <= -0x1p63) return std::numeric_limits<std::int64_t>::min();
  if (rounded >= 0x1p63) return std::numeric_limits<std::int64_t>::max();
  return static_cast<std::int64_t>(rounded);
}

namespace {

struct Absolute {
  std::uint32_t operator()(std::int32_t a) const {
    return a < 0 ? 0U - std::uint32_t(a) : std::uint32_t(a);
  }
  std::uint64_t operator()(std::int64_t a) const {
    return a < 0 ? std::uint64_t{0} - std::uint64_t(a) : std::uint64_t(a);
  }
  double operator()(double a) const { return std::fabs(a); }
  Int128 operator()(Int128 a) const { return a < 0 ? -a : a; }
};
struct SameType {
  template <typename T>
  T operator()(T a) const {
    return a;
  }
};
struct Ceiling {
  double operator()(double a) const { return std::ceil(a); }
  static Int128 whole(Int128 value, Int128 unit) {
    const Int128 rest = value % unit;
    return value - rest + (rest > 0 ? unit : 0);
  }
};
struct Floor {
  double operator()(double a) const { return std::floor(a); }
  static Int128 whole(Int128 value, Int128 unit) {
    const Int128 rest = value % unit;
    return value - rest - (rest < 0 ? unit : 0);
  }
};
struct Round {
  std::int64_t operator()(double a) const { return round_to_integer(a); }
  double operator()(double a, std::int32_t places) const {
    return round_double(a, places, RoundTo::nearest);
  }
  static Int128 whole(Int128 value, Int128 unit) {
    const Int128 low = Floor::whole(value, unit);
    const Int128 rest = value - low;
    return rest >= unit - rest && rest != 0 ? low + unit : low;
  }
};
struct Truncate {
  std::int64_t operator()(double a) const { return round_to_integer(std::trunc(a)); }
  double operator()(double a, std::int32_t places) const {
    return round_double(a, places, RoundTo::zero);
  }
  static Int128 whole(Int128 value, Int128 unit) { return value - value % unit; }
};
struct Sign {
  template <typename T>
  std::int32_t operator()(T a) const {
    return (a > 0) - (a < 0);
  }
};

// Decimals keep their type: digits behind the wanted place become zeros.
template <typename Op>
void store_whole(const KernelCall& call, RowIndex row, Int128 value, int places) {
  Int128* out = results<Int128>(call);
  const data::Type& type = call.result.type();
  const std::int64_t cut = std::int64_t{type.scale()} - places;
  Int128 whole = value;
  if (cut > data::kDecimalDigitsMax)
    whole = 0;
  else if (cut > 0)
    whole = Op::whole(value, data::power_of_ten(static_cast<int>(cut)));
  if (data::fits_precision(whole, type.precision())) {
    out[row] = whole;
  } else {
    out[row] = 0;
    call.errors.add(row, kDecimalOverflow);
  }
}

template <typename Op>
void whole_decimals(const KernelCall& call) {
  const Int128* in = argument<Int128>(call, 0);
  each_row(call.rows, [&](RowIndex row) { store_whole<Op>(call, row, in[row], 0); });
}

template <typename Op>
void decimals_to_places(const KernelCall& call) {
  const Int128* in = argument<Int128>(call, 0);
  const std::int32_t* places = argument<std::int32_t>(call, 1);
  each_row(call.rows, [&](RowIndex row) { store_whole<Op>(call, row, in[row], places[row]); });
}

template <typename Integers, typename Doubles>
std::vector<Overload> same_type(sql::Kernel decimals) {
  return {overload({ArgKind::integer}, kInteger, map_one<std::int32_t, std::int32_t, Integers>),
          overload({ArgKind::bigint}, kBigint, map_one<std::int64_t, std::int64_t, Integers>),
          overload({ArgKind::decimal}, as_first, decimals),
          overload({ArgKind::double_}, kDouble, map_one<double, double, Doubles>)};
}

template <typename Op>
std::vector<Overload> to_places() {
  return {overload({ArgKind::integer}, kBigint, map_one<std::int64_t, std::int32_t, SameType>),
          overload({ArgKind::bigint}, kBigint, map_one<std::int64_t, std::int64_t, SameType>),
          overload({ArgKind::decimal}, as_first, whole_decimals<Op>),
          overload({ArgKind::double_}, kBigint, map_one<std::int64_t, double, Op>),
          overload({ArgKind::decimal, ArgKind::integer}, as_first, decimals_to_places<Op>),
          overload({ArgKind::double_, ArgKind::integer}, kDouble,
                   map_two<double, double, std::int32_t, Op>)};
}

}  // namespace

FunctionList rounding_functions() {
  return {
      {"ABS",
       "MATHEMATICAL",
       "The number without its sign.",
       same_type<Absolute, Absolute>(map_one<Int128, Int128, Absolute>),
       {{"ABS(-5)", "5"}, {"ABS(-1.50)", "1.50"}}},
      {"CEIL",
       "MATHEMATICAL",
       "The least whole number that is not below the argument.",
       same_type<SameType, Ceiling>(whole_decimals<Ceiling>),
       {{"CEIL(1.2)", "2.0"}, {"CEIL(-1.2E0)", "-1.0"}, {"CEIL(3)", "3"}}},
      {"FLOOR",
       "MATHEMATICAL",
       "The greatest whole number that is not above the argument.",
       same_type<SameType, Floor>(whole_decimals<Floor>),
       {{"FLOOR(1.8)", "1.0"}, {"FLOOR(-1.2E0)", "-2.0"}}},
      {"SIGN",
       "MATHEMATICAL",
       "-1, 0 or 1 as the number is negative, zero or positive.",
       {overload({ArgKind::integer}, kInteger, map_one<std::int32_t, std::int32_t, Sign>),
        overload({ArgKind::bigint}, kInteger, map_one<std::int32_t, std::int64_t, Sign>),
        overload({ArgKind::double_}, kInteger, map_one<std::int32_t, double, Sign>)},
       {{"SIGN(-7)", "-1"}, {"SIGN(0)", "0"}, {"SIGN(2.5E0)", "1"}}},
      {"ROUND",
       "MATHEMATICAL",
       "Rounds to the nearest whole number, or to a number of decimal places; a half goes up.",
       to_places<Round>(),
       {{"ROUND(1.5E0)", "2"},
        {"ROUND(-1.5E0)", "-1"},
        {"ROUND(1.005E0, 2)", "1.01"},
        {"ROUND(12.345, 1)", "12.300"},
        {"ROUND(1234E0, -2)", "1200.0"}}},
      {"TRUNC",
       "MATHEMATICAL",
       "Cuts to a whole number, or to a number of decimal places, towards zero.",
       to_places<Truncate>(),
       {{"TRUNC(-1.9E0)", "-1"}, {"TRUNC(1.119E0, 2)", "1.11"}, {"TRUNC(12.39, 1)", "12.30"}}},
  };
}

}  // namespace penstock::engine::functions
