#include "data/decimal.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

#include <boost/multiprecision/cpp_int.hpp>

#include "base/ascii.h"
#include "base/check.h"

namespace penstock::data {
namespace {

using Wide = boost::multiprecision::int512_t;  // holds 38 digits times 10^76 with room
using UInt128 = unsigned __int128;

constexpr auto kPowers = [] {
  std::array<Int128, kDecimalDigitsMax + 1> powers{};
  powers[0] = 1;
  for (int i = 1; i <= kDecimalDigitsMax; ++i) powers[i] = powers[i - 1] * 10;
  return powers;
}();

UInt128 magnitude(Int128 value) {
  return value < 0 ? UInt128{0} - static_cast<UInt128>(value) : static_cast<UInt128>(value);
}

// Quotient of value / divisor, rounded; divisor > 0. nullopt when inexact and that is not allowed.
template <typename Number>
std::optional<Number> divide_rounded(const Number& value, const Number& divisor,
                                     Rounding rounding) {
  Number quotient = value / divisor;
  Number rest = value % divisor;
  if (rest == 0 || rounding == Rounding::down) return quotient;
  if (rounding == Rounding::exact) return std::nullopt;
  Number rest_size = rest < 0 ? Number(-rest) : rest;
  if (rest_size >= Number(divisor - rest_size)) quotient += value < 0 ? -1 : 1;
  return quotient;
}

std::optional<Int128> narrow(const Wide& value) {
  static const Wide limit = boost::multiprecision::pow(Wide(10), kDecimalDigitsMax);
  if (value >= limit || value <= -limit) return std::nullopt;
  return static_cast<Int128>(value);
}

std::optional<Int128> within(std::optional<Int128> value, const Type& type) {
  if (value && !fits_precision(*value, type.precision())) return std::nullopt;
  return value;
}

// value at from_scale, brought to type's scale and checked; value may have more than 38 digits.
std::optional<Int128> settle(Wide value, int from_scale, const Type& type) {
  int shift = type.scale() - from_scale;
  if (shift >= 0)
    value *= boost::multiprecision::pow(Wide(10), static_cast<unsigned>(shift));
  else
    value = *divide_rounded(
        value, Wide(boost::multiprecision::pow(Wide(10), static_cast<unsigned>(-shift))),
        Rounding::half_up);
  return within(narrow(value), type);
}

Wide widened(Scaled value, int scale) {
  return Wide(value.unscaled) *
         boost::multiprecision::pow(Wide(10), static_cast<unsigned>(scale - value.scale));
}

Type capped(int precision, int scale) {
  if (precision > kDecimalDigitsMax) {
    int integral = precision - scale;
    scale = std::max(std::min(scale, kDecimalDigitsMax - integral), std::min(scale, 6));
    precision = kDecimalDigitsMax;
  }
  auto type = Type::decimal(std::max(precision, 1), scale);
  CHECK(type.has_value());
  return *type;
}

std::optional<Int128> add_or_subtract(Scaled a, Scaled b, const Type& type, bool subtract) {
  if (a.scale == b.scale && a.scale == type.scale()) {
    Int128 sum;
    bool overflow = subtract ? __builtin_sub_overflow(a.unscaled, b.unscaled, &sum)
                             : __builtin_add_overflow(a.unscaled, b.unscaled, &sum);
    if (overflow) return std::nullopt;
    return within(sum, type);
  }
  int scale = std::max(a.scale, b.scale);
  Wide left = widened(a, scale), right = widened(b, scale);
  return settle(subtract ? Wide(left - right) : Wide(left + right), scale, type);
}

// Digits of a number's text, gathered without leading zeros.
struct Digits {
  Int128 value = 0;
  int count = 0;     // significant ones
  int fraction = 0;  // of them (and zeros) behind the point
  bool any = false;
  bool too_many = false;

  void add(char c, bool behind_point) {
    any = true;
    fraction += behind_point;
    if (value == 0 && c == '0') return;
    if (++count > kDecimalDigitsMax) {
      too_many = true;
      return;
    }
    value = value * 10 + (c - '0');
  }
};

// Reads [eE][+-]digits at `at`, to the end of the text. Values beyond +-10000 are held there.
std::optional<int> parse_exponent(std::string_view text, std::size_t at) {
  ++at;
  bool negative = at < text.size() && text[at] == '-';
  if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
  if (at == text.size()) return std::nullopt;
  int value = 0;
  for (; at < text.size(); ++at) {
    if (!is_digit(text[at])) return std::nullopt;
    value = std::min(value * 10 + (text[at] - '0'), 10000);
  }
  return negative ? -value : value;
}

}  // namespace

Int128 power_of_ten(int exponent) {
  CHECK(exponent >= 0 && exponent <= kDecimalDigitsMax);
  return kPowers[exponent];
}

bool fits_precision(Int128 unscaled, int precision) {
  Int128 limit = power_of_ten(precision);
  return unscaled < limit && unscaled > -limit;
}

std::expected<ParsedDecimal, DecimalFault> parse_decimal(std::string_view text) {
  const auto malformed = std::unexpected(DecimalFault::malformed);
  const auto out_of_range = std::unexpected(DecimalFault::out_of_range);
  std::size_t at = 0;
  bool negative = !text.empty() && text[0] == '-';
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) ++at;
  Digits digits;
  bool point = false;
  for (; at < text.size(); ++at) {
    if (is_digit(text[at]))
      digits.add(text[at], point);
    else if (text[at] == '.' && !point)
      point = true;
    else
      break;
  }
  if (!digits.any) return malformed;
  int exponent = 0;
  if (at < text.size()) {
    if (text[at] != 'e' && text[at] != 'E') return malformed;
    auto parsed = parse_exponent(text, at);
    if (!parsed) return malformed;
    exponent = *parsed;
  }
  if (digits.too_many) return out_of_range;
  Int128 value = negative ? -digits.value : digits.value;
  std::int64_t scale = std::int64_t{digits.fraction} - exponent;
  if (scale < 0) {
    if (value == 0) return ParsedDecimal{};
    if (digits.count - scale > kDecimalDigitsMax) return out_of_range;
    value *= kPowers[-scale];
    return ParsedDecimal{value, 0, static_cast<int>(digits.count - scale)};
  }
  // Zeros at the end cost nothing when the scale would be too large.
  while (scale > kDecimalDigitsMax && value % 10 == 0 && value != 0) {
    value /= 10;
    --digits.count;
    --scale;
  }
  if (value == 0) scale = std::min<std::int64_t>(scale, kDecimalDigitsMax);
  if (scale > kDecimalDigitsMax) return out_of_range;
  int precision = std::max({digits.count, static_cast<int>(scale), 1});
  return ParsedDecimal{value, static_cast<int>(scale), precision};
}

std::optional<Int128> rescale(Int128 unscaled, int from_scale, int to_scale, Rounding rounding) {
  if (from_scale == to_scale) return unscaled;
  if (to_scale < from_scale)
    return divide_rounded<Int128>(unscaled, power_of_ten(from_scale - to_scale), rounding);
  Int128 out;
  if (__builtin_mul_overflow(unscaled, power_of_ten(to_scale - from_scale), &out))
    return std::nullopt;
  if (!fits_precision(out, kDecimalDigitsMax)) return std::nullopt;
  return out;
}

std::optional<Int128> fit_decimal(Int128 unscaled, int from_scale, const Type& type,
                                  Rounding rounding) {
  return within(rescale(unscaled, from_scale, type.scale(), rounding), type);
}

Type decimal_add_type(const Type& a, const Type& b) {
  int scale = std::max(a.scale(), b.scale());
  int integral = std::max(a.precision() - a.scale(), b.precision() - b.scale());
  return capped(integral + scale + 1, scale);
}

Type decimal_multiply_type(const Type& a, const Type& b) {
  return capped(a.precision() + b.precision() + 1, a.scale() + b.scale());
}

Type decimal_divide_type(const Type& a, const Type& b) {
  int scale = std::max(6, a.scale() + b.precision() + 1);
  return capped(a.precision() - a.scale() + b.scale() + scale, scale);
}

Type decimal_modulo_type(const Type& a, const Type& b) {
  int scale = std::max(a.scale(), b.scale());
  int integral = std::min(a.precision() - a.scale(), b.precision() - b.scale());
  return capped(integral + scale, scale);
}

std::optional<Int128> decimal_add(Scaled a, Scaled b, const Type& type) {
  return add_or_subtract(a, b, type, false);
}

std::optional<Int128> decimal_subtract(Scaled a, Scaled b, const Type& type) {
  return add_or_subtract(a, b, type, true);
}

std::optional<Int128> decimal_multiply(Scaled a, Scaled b, const Type& type) {
  Int128 product;
  if (a.scale + b.scale == type.scale() &&
      !__builtin_mul_overflow(a.unscaled, b.unscaled, &product))
    return within(product, type);
  return settle(Wide(a.unscaled) * Wide(b.unscaled), a.scale + b.scale, type);
}

std::optional<Int128> decimal_divide(Scaled a, Scaled b, const Type& type) {
  if (b.unscaled == 0) return std::nullopt;
  // quotient * 10^scale = a * 10^(scale + sb - sa) / b
  int shift = type.scale() + b.scale - a.scale;
  Wide over = Wide(a.unscaled), under = Wide(b.unscaled);
  Wide factor = boost::multiprecision::pow(Wide(10), static_cast<unsigned>(std::abs(shift)));
  (shift >= 0 ? over : under) *= factor;
  if (under < 0) {
    under = -under;
    over = -over;
  }
  return within(narrow(*divide_rounded(over, under, Rounding::half_up)), type);
}

std::optional<Int128> decimal_modulo(Scaled a, Scaled b, const Type& type) {
  if (b.unscaled == 0) return std::nullopt;
  int scale = std::max(a.scale, b.scale);
  return settle(Wide(widened(a, scale) % widened(b, scale)), scale, type);
}

int compare_decimals(Scaled a, Scaled b) {
  if (a.scale == b.scale) return a.unscaled < b.unscaled ? -1 : a.unscaled > b.unscaled;
  int scale = std::max(a.scale, b.scale);
  return widened(a, scale).compare(widened(b, scale));
}

std::optional<Int128> decimal_from_double(double value, const Type& type) {
  if (!std::isfinite(value)) return std::nullopt;
  char text[32];
  auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr;
  auto parsed = parse_decimal({text, static_cast<std::size_t>(end - text)});
  if (parsed) return fit_decimal(parsed->unscaled, parsed->scale, type, Rounding::half_up);
  // Out of range: too large, or so small that nothing of it is left at any scale.
  if (std::fabs(value) < 1e-20) return Int128{0};
  return std::nullopt;
}

double decimal_to_double(Scaled value) {
  std::string text = decimal_text(value.unscaled, value.scale);
  double out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

std::size_t write_decimal(char* out, Int128 unscaled, int scale) {
  char digits[kDecimalTextMax];
  char* end = digits + sizeof digits;
  char* at = end;
  UInt128 rest = magnitude(unscaled);
  while (rest > UINT64_MAX) {
    *--at = static_cast<char>('0' + static_cast<int>(rest % 10));
    rest /= 10;
  }
  for (auto small = static_cast<std::uint64_t>(rest); small != 0; small /= 10)
    *--at = static_cast<char>('0' + small % 10);
  while (end - at < scale + 1) *--at = '0';
  char* to = out;
  if (unscaled < 0) *to++ = '-';
  std::size_t integral = static_cast<std::size_t>(end - at - scale);
  std::memcpy(to, at, integral);
  to += integral;
  if (scale > 0) {
    *to++ = '.';
    std::memcpy(to, at + integral, static_cast<std::size_t>(scale));
    to += scale;
  }
  return static_cast<std::size_t>(to - out);
}

std::string decimal_text(Int128 unscaled, int scale) {
  char out[kDecimalTextMax];
  return std::string(out, write_decimal(out, unscaled, scale));
}

}  // namespace penstock::data
