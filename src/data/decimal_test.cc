#include "data/decimal.h"

#include <gtest/gtest.h>

namespace penstock::data {
namespace {

Type decimal(int precision, int scale) {
  return Type::decimal(precision, scale).value();
}
Scaled scaled(std::string_view text) {
  ParsedDecimal parsed = parse_decimal(text).value();
  return {parsed.unscaled, parsed.scale};
}
std::string text_of(std::optional<Int128> unscaled, const Type& type) {
  return unscaled ? decimal_text(*unscaled, type.scale()) : "none";
}

TEST(ParseDecimal, TakesNumbersExactly) {
  struct Case {
    std::string_view text, printed;
    int scale, precision;
  };
  for (const Case& c :
       {Case{"0", "0", 0, 1}, Case{"-12.50", "-12.50", 2, 4}, Case{"+.5", "0.5", 1, 1},
        Case{"5.", "5", 0, 1}, Case{"000123", "123", 0, 3}, Case{"0.001", "0.001", 3, 3},
        Case{"1e3", "1000", 0, 4}, Case{"1.25E-2", "0.0125", 4, 4},
        Case{"99999999999999999999999999999999999999", "99999999999999999999999999999999999999", 0,
             38}}) {
    auto parsed = parse_decimal(c.text);
    ASSERT_TRUE(parsed.has_value()) << c.text;
    EXPECT_EQ(decimal_text(parsed->unscaled, parsed->scale), c.printed) << c.text;
    EXPECT_EQ(parsed->scale, c.scale) << c.text;
    EXPECT_EQ(parsed->precision, c.precision) << c.text;
  }
}

TEST(ParseDecimal, RefusesWhatIsNoNumberAndWhatNeedsMoreThan38Digits) {
  for (std::string_view bad :
       {"", "-", ".", "1.2.3", "1e", "e5", " 1", "1 ", "0x10", "NaN", "1_000", "--1"}) {
    auto parsed = parse_decimal(bad);
    ASSERT_FALSE(parsed.has_value()) << bad;
    EXPECT_EQ(parsed.error(), DecimalFault::malformed) << bad;
  }
  for (std::string_view large :
       {"100000000000000000000000000000000000000", "1e38", "1e999999999999"}) {
    auto parsed = parse_decimal(large);
    ASSERT_FALSE(parsed.has_value()) << large;
    EXPECT_EQ(parsed.error(), DecimalFault::out_of_range) << large;
  }
}

TEST(Rescale, RoundsAsAskedAndNoticesOverflow) {
  EXPECT_EQ(rescale(125, 2, 1, Rounding::half_up), Int128{13});
  EXPECT_EQ(rescale(-125, 2, 1, Rounding::half_up), Int128{-13});
  EXPECT_EQ(rescale(125, 2, 1, Rounding::down), Int128{12});
  EXPECT_EQ(rescale(125, 2, 1, Rounding::exact), std::nullopt);
  EXPECT_EQ(rescale(120, 2, 1, Rounding::exact), Int128{12});
  EXPECT_EQ(rescale(12, 0, 3, Rounding::exact), Int128{12000});
  EXPECT_EQ(rescale(power_of_ten(37), 0, 2, Rounding::exact), std::nullopt);
  EXPECT_EQ(fit_decimal(1000, 0, decimal(3, 0), Rounding::exact), std::nullopt);
  EXPECT_EQ(fit_decimal(999, 0, decimal(3, 0), Rounding::exact), Int128{999});
}

TEST(DecimalTypes, FollowTheRulesOfResults) {
  EXPECT_EQ(decimal_add_type(decimal(5, 2), decimal(7, 3)), decimal(8, 3));
  EXPECT_EQ(decimal_multiply_type(decimal(5, 2), decimal(7, 3)), decimal(13, 5));
  EXPECT_EQ(decimal_divide_type(decimal(5, 2), decimal(7, 3)), decimal(16, 10));
  EXPECT_EQ(decimal_modulo_type(decimal(5, 2), decimal(7, 3)), decimal(6, 3));
  EXPECT_EQ(decimal_add_type(decimal(38, 0), decimal(38, 0)).precision(), 38);
  EXPECT_EQ(decimal_multiply_type(decimal(38, 10), decimal(38, 10)).precision(), 38);
}

TEST(DecimalArithmetic, IsExactAndRoundsHalfUpWhereTheScaleIsCut) {
  Type two = decimal(10, 2);
  EXPECT_EQ(text_of(decimal_add(scaled("1.05"), scaled("2.1"), two), two), "3.15");
  EXPECT_EQ(text_of(decimal_subtract(scaled("1"), scaled("2.50"), two), two), "-1.50");
  EXPECT_EQ(text_of(decimal_multiply(scaled("1.15"), scaled("1.1"), two), two), "1.27");
  EXPECT_EQ(text_of(decimal_divide(scaled("2"), scaled("3"), two), two), "0.67");
  EXPECT_EQ(text_of(decimal_divide(scaled("-2"), scaled("3"), two), two), "-0.67");
  EXPECT_EQ(text_of(decimal_modulo(scaled("-7.5"), scaled("2"), two), two), "-1.50");
  EXPECT_EQ(text_of(decimal_divide(scaled("1"), scaled("0.00"), two), two), "none");
  EXPECT_EQ(text_of(decimal_multiply(scaled("99999"), scaled("99999"), two), two), "none");
  Type wide = decimal(38, 0);
  Scaled large{power_of_ten(37), 0};
  EXPECT_EQ(text_of(decimal_multiply(large, large, wide), wide), "none");
}

TEST(CompareDecimals, ComparesValuesAcrossScales) {
  EXPECT_EQ(compare_decimals(scaled("1.0"), scaled("1.000")), 0);
  EXPECT_LT(compare_decimals(scaled("-2"), scaled("1.5")), 0);
  EXPECT_GT(compare_decimals({power_of_ten(37), 0}, {power_of_ten(37), 30}), 0);
}

TEST(DecimalText, NeverUsesAnExponent) {
  EXPECT_EQ(decimal_text(5, 10), "0.0000000005");
  EXPECT_EQ(decimal_text(-1, 1), "-0.1");
  EXPECT_EQ(decimal_text(power_of_ten(38) - 1, 38), "0.99999999999999999999999999999999999999");
}

TEST(DecimalFromDouble, TakesTheShortestText) {
  EXPECT_EQ(decimal_from_double(0.1, decimal(5, 3)), Int128{100});
  EXPECT_EQ(decimal_from_double(1e300, decimal(38, 0)), std::nullopt);
  EXPECT_EQ(decimal_from_double(std::numeric_limits<double>::quiet_NaN(), decimal(5, 2)),
            std::nullopt);
  EXPECT_DOUBLE_EQ(decimal_to_double(scaled("12.375")), 12.375);
}

}  // namespace
}  // namespace penstock::data
