// Exact decimals: an unscaled Int128 and a scale that the type carries.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "data/column.h"
#include "data/type.h"

namespace penstock::data {

inline constexpr int kDecimalDigitsMax = 38;

// 10^exponent for 0-38.
Int128 power_of_ten(int exponent);

// Whether |unscaled| has at most `precision` digits.
bool fits_precision(Int128 unscaled, int precision);

// A number's text taken exactly: value = unscaled / 10^scale.
struct ParsedDecimal {
  Int128 unscaled = 0;
  int scale = 0;  // 0-38; digits behind the point as written, less an exponent's shift
  int precision =
      1;  // digits of the unscaled value, at least scale: fits DECIMAL(precision, scale)
};
enum class DecimalFault : std::uint8_t { malformed, out_of_range };

// [+-]digits[.digits][e[+-]digits], no blanks. Either side of the point may be empty, not both.
// out_of_range: more than 38 digits would be needed (leading zeros are free).
std::expected<ParsedDecimal, DecimalFault> parse_decimal(std::string_view text);

// How digits that a smaller scale has no room for are treated.
enum class Rounding : std::uint8_t {
  exact,    // they must be zero
  half_up,  // away from zero at a half, as SQL casts round
  down,     // towards zero
};

// The same value at another scale; nullopt when it does not fit 38 digits, or is inexact and may
// not be.
std::optional<Int128> rescale(Int128 unscaled, int from_scale, int to_scale, Rounding rounding);

// rescale(), then the precision check of a DECIMAL(precision, scale) type.
std::optional<Int128> fit_decimal(Int128 unscaled, int from_scale, const Type& type,
                                  Rounding rounding);

// Types of results, as ksqlDB (and SQL Server) derive them from DECIMAL(p1, s1) and DECIMAL(p2,
// s2):
//   + -  s = max(s1, s2)            p = max(p1-s1, p2-s2) + s + 1
//   *    s = s1 + s2                p = p1 + p2 + 1
//   /    s = max(6, s1 + p2 + 1)    p = p1 - s1 + s2 + s
//   %    s = max(s1, s2)            p = min(p1-s1, p2-s2) + s
// A precision above 38 becomes 38; the scale gives way, but not below min(s, 6).
Type decimal_add_type(const Type& a, const Type& b);  // of subtraction too
Type decimal_multiply_type(const Type& a, const Type& b);
Type decimal_divide_type(const Type& a, const Type& b);
Type decimal_modulo_type(const Type& a, const Type& b);

// One operand: value and the scale of its type.
struct Scaled {
  Int128 unscaled;
  int scale;
};

// Results at `type`'s scale, rounded half up where the scale is cut; nullopt when the result does
// not fit the type's precision. divide and modulo: nullopt for a zero divisor too (test for it
// first to tell the two apart). modulo has the dividend's sign.
std::optional<Int128> decimal_add(Scaled a, Scaled b, const Type& type);
std::optional<Int128> decimal_subtract(Scaled a, Scaled b, const Type& type);
std::optional<Int128> decimal_multiply(Scaled a, Scaled b, const Type& type);
std::optional<Int128> decimal_divide(Scaled a, Scaled b, const Type& type);
std::optional<Int128> decimal_modulo(Scaled a, Scaled b, const Type& type);

int compare_decimals(Scaled a, Scaled b);  // <0, 0, >0 by value

// The decimal nearest to a double by its shortest text; nullopt for NaN, infinities and what does
// not fit.
std::optional<Int128> decimal_from_double(double value, const Type& type);
double decimal_to_double(Scaled value);

// Plain digits, never scientific: -12.50 for (-1250, 2), 0.05, 7 for scale 0. Writes at most
// kDecimalTextMax characters and returns how many.
inline constexpr std::size_t kDecimalTextMax = 42;
std::size_t write_decimal(char* out, Int128 unscaled, int scale);
std::string decimal_text(Int128 unscaled, int scale);

}  // namespace penstock::data
