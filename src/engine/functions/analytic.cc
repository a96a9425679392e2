// Trigonometry, powers and logarithms: doubles in and out; other numbers are widened first.
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include "engine/functions/families.h"
#include "engine/functions/kernel.h"
#include "engine/functions/overload.h"
#include "engine/functions/volatile.h"

namespace penstock::engine::functions {
namespace {

template <double (*function)(double)>
struct Call {
  double operator()(double a) const { return function(a); }
};

// By way of long double, which rounds the roots of cubes to whole numbers.
double cube_root(double a) {
  return static_cast<double>(std::cbrt(static_cast<long double>(a)));
}
double cotangent(double a) {
  return 1.0 / std::tan(a);
}
double to_degrees(double a) {
  return a * (180.0 / std::numbers::pi);
}
double to_radians(double a) {
  return a * (std::numbers::pi / 180.0);
}

// As C's pow, but undefined where Java says so.
struct Power {
  double operator()(double base, double exponent) const {
    const bool undefined = exponent != exponent || (std::fabs(base) == 1 && std::isinf(exponent));
    return undefined ? std::numeric_limits<double>::quiet_NaN() : std::pow(base, exponent);
  }
};
struct Arctangent2 {
  double operator()(double y, double x) const { return std::atan2(y, x); }
};
struct LogarithmToBase {
  double operator()(double base, double value) const {
    if (base <= 0 || base == 1) return std::numeric_limits<double>::quiet_NaN();
    return std::log(value) / std::log(base);
  }
};

void pi(const KernelCall& call) {
  double* out = results<double>(call);
  each_row(call.rows, [=](RowIndex row) { out[row] = std::numbers::pi; });
}

template <double (*function)(double)>
Overload of_one() {
  return overload({ArgKind::double_}, kDouble, map_one<double, double, Call<function>>);
}

template <typename Op>
Overload of_two() {
  return overload({ArgKind::double_, ArgKind::double_}, kDouble,
                  map_two<double, double, double, Op>);
}

sql::ScalarFunction entry(std::string_view name, std::string_view help, Overload made,
                          std::vector<sql::FunctionExample> examples) {
  return {name, "MATHEMATICAL", help, {std::move(made)}, std::move(examples)};
}

FunctionList trigonometry() {
  return {
      entry("ACOS", "The angle in radians with this cosine.", of_one<std::acos>(),
            {{"ACOS(1)", "0.0"}}),
      entry("ASIN", "The angle in radians with this sine.", of_one<std::asin>(),
            {{"ASIN(0)", "0.0"}}),
      entry("ATAN", "The angle in radians with this tangent.", of_one<std::atan>(),
            {{"ATAN(0)", "0.0"}}),
      entry("ATAN2", "The angle in radians of the point (x, y), given as (y, x).",
            of_two<Arctangent2>(), {{"ATAN2(0, -1)", "3.141592653589793"}}),
      entry("COS", "The cosine of an angle in radians.", of_one<std::cos>(), {{"COS(0)", "1.0"}}),
      entry("COSH", "The hyperbolic cosine.", of_one<std::cosh>(), {{"COSH(0)", "1.0"}}),
      entry("COT", "The cotangent of an angle in radians.", of_one<cotangent>(),
            {{"COT(0)", "Infinity"}}),
      entry("DEGREES", "Degrees for radians.", of_one<to_degrees>(), {{"DEGREES(PI())", "180.0"}}),
      entry("RADIANS", "Radians for degrees.", of_one<to_radians>(),
            {{"RADIANS(180)", "3.141592653589793"}}),
      entry("SIN", "The sine of an angle in radians.", of_one<std::sin>(), {{"SIN(0)", "0.0"}}),
      entry("SINH", "The hyperbolic sine.", of_one<std::sinh>(), {{"SINH(0)", "0.0"}}),
      entry("TAN", "The tangent of an angle in radians.", of_one<std::tan>(), {{"TAN(0)", "0.0"}}),
      entry("TANH", "The hyperbolic tangent.", of_one<std::tanh>(), {{"TANH(0)", "0.0"}}),
      entry("PI", "The number pi.", overload({}, kDouble, pi), {{"PI()", "3.141592653589793"}}),
      {.name = "RANDOM",
       .category = "MATHEMATICAL",
       .help = "A random number, at least 0 and below 1.",
       .overloads = {overload({}, kDouble, random_number)},
       .examples = {{"RANDOM() < 1E0", "true"}},
       .deterministic = false},
  };
}

}  // namespace

FunctionList analytic_functions() {
  FunctionList all = trigonometry();
  all.push_back(entry("CBRT", "The cube root.", of_one<cube_root>(), {{"CBRT(27)", "3.0"}}));
  all.push_back(
      entry("EXP", "e to the power of the argument.", of_one<std::exp>(), {{"EXP(0)", "1.0"}}));
  all.push_back(entry("LN", "The natural logarithm.", of_one<std::log>(),
                      {{"LN(1)", "0.0"}, {"LN(0)", "-Infinity"}, {"LN(-1)", "NaN"}}));
  all.push_back({"LOG",
                 "MATHEMATICAL",
                 "The natural logarithm, or the logarithm of the second argument to a base.",
                 {of_one<std::log>(), of_two<LogarithmToBase>()},
                 {{"LOG(1)", "0.0"}, {"LOG(2, 8)", "3.0"}, {"LOG(1, 8)", "NaN"}}});
  all.push_back(entry("POWER", "The first argument to the power of the second.", of_two<Power>(),
                      {{"POWER(2, 10)", "1024.0"}}));
  all.push_back(entry("SQRT", "The square root; NaN for a negative number.", of_one<std::sqrt>(),
                      {{"SQRT(9)", "3.0"}, {"SQRT(-1)", "NaN"}}));
  return all;
}

}  // namespace penstock::engine::functions
