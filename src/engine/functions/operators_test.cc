// Operators and casts: what the examples of the list leave out.
#include <gtest/gtest.h>

#include "data/cast.h"
#include "engine/functions/example_evaluator.h"

namespace penstock::engine::functions {
namespace {

TEST(Arithmetic, WrapsIntegersAsJavaDoes) {
  EXPECT_EQ(evaluated("$multiply(2147483647, 2)"), "-2");
  EXPECT_EQ(evaluated("$subtract(-2147483648, 1)"), "2147483647");
  EXPECT_EQ(evaluated("$add(9223372036854775807, 1)"), "-9223372036854775808");
  EXPECT_EQ(evaluated("$negate(-2147483648)"), "-2147483648");
}

TEST(Arithmetic, DividesTheLeastIntegerByMinusOneWithoutATrap) {
  EXPECT_EQ(evaluated("$divide(-2147483648, -1)"), "-2147483648");
  EXPECT_EQ(evaluated("$modulo(-2147483648, -1)"), "0");
  EXPECT_EQ(evaluated("$divide(-9223372036854775808, -1)"), "-9223372036854775808");
}

TEST(Arithmetic, FailsTheRowForAZeroDivisorExceptOfDoubles) {
  EXPECT_EQ(evaluated("$divide(1, 0)"), "error: division_by_zero");
  EXPECT_EQ(evaluated("$modulo(5000000000, 0)"), "error: division_by_zero");
  EXPECT_EQ(evaluated("$divide(1.5, 0.0)"), "error: division_by_zero");
  EXPECT_EQ(evaluated("$modulo(1.5, 0.0)"), "error: division_by_zero");
  EXPECT_EQ(evaluated("$divide(-1E0, 0E0)"), "-Infinity");
  EXPECT_EQ(evaluated("$divide(0E0, 0E0)"), "NaN");
  EXPECT_EQ(evaluated("$modulo(1E0, 0E0)"), "NaN");
}

TEST(Arithmetic, WidensToTheWiderNumber) {
  EXPECT_EQ(evaluated("$add(1, 5000000000)"), "5000000001");
  EXPECT_EQ(evaluated("$add(1, 0.5)"), "1.5");
  EXPECT_EQ(evaluated("$multiply(2, 1.5E0)"), "3.0");
}

TEST(Arithmetic, KeepsDecimalsExact) {
  EXPECT_EQ(evaluated("$add(0.1, 0.02)"), "0.12");
  EXPECT_EQ(evaluated("$subtract(100.00, 0.001)"), "99.999");
  EXPECT_EQ(evaluated("$multiply(99999999999999999999.5, 2.0)"), "199999999999999999999.00");
  EXPECT_EQ(evaluated("$negate(0.05)"), "-0.05");
}

TEST(Arithmetic, FailsTheRowForADecimalThatDoesNotFit) {
  const std::string nines(38, '9');
  EXPECT_EQ(evaluated("$add($cast('" + nines + "', DECIMAL(38, 0)), $cast('1', DECIMAL(38, 0)))"),
            "error: decimal_overflow");
  EXPECT_EQ(evaluated("$multiply($cast('" + nines + "', DECIMAL(38, 0)), 10.0)"),
            "error: decimal_overflow");
}

TEST(Comparison, WithNullIsFalse) {
  for (const char* name :
       {"$equal", "$not_equal", "$less", "$less_equal", "$greater", "$greater_equal"}) {
    EXPECT_EQ(evaluated(std::string(name) + "(1, NULL)"), "false") << name;
    EXPECT_EQ(evaluated(std::string(name) + "(NULL, 'a')"), "false") << name;
    EXPECT_EQ(evaluated(std::string(name) + "(NULL, NULL)"), "false") << name;
  }
}

TEST(Comparison, OfDistinctnessTakesNullsAsEqual) {
  EXPECT_EQ(evaluated("$is_distinct(NULL, NULL)"), "false");
  EXPECT_EQ(evaluated("$is_distinct(NULL, 'a')"), "true");
  EXPECT_EQ(evaluated("$is_distinct('b', 'a')"), "true");
}

TEST(Comparison, OfDecimalsGoesByValueWhateverTheScale) {
  EXPECT_EQ(evaluated("$equal(1.5, 1.500)"), "true");
  EXPECT_EQ(evaluated("$less(1.19, 1.200)"), "true");
  EXPECT_EQ(evaluated("$greater(1, 0.99)"), "true");
}

TEST(Comparison, OfStringsGoesByUtf16Units) {
  EXPECT_EQ(evaluated("$less('B2', 'b2')"), "true");
  EXPECT_EQ(evaluated("$less('a', 'ab')"), "true");
  // U+FF5E is one unit 0xFF5E, U+1F600 begins with the unit 0xD83D.
  EXPECT_EQ(evaluated("$less('😀', '～')"), "true");
  EXPECT_EQ(evaluated("$greater('～', '😀')"), "true");
  EXPECT_EQ(evaluated("$less(X'F0', X'EF')"), "false");
}

TEST(Comparison, OfNotANumberIsFalse) {
  EXPECT_EQ(evaluated("$equal(SQRT(-1E0), SQRT(-1E0))"), "false");
  EXPECT_EQ(evaluated("$not_equal(SQRT(-1E0), 1E0)"), "true");
  EXPECT_EQ(evaluated("$less(SQRT(-1E0), 1E0)"), "false");
}

TEST(Cast, FailsTheRowForAMalformedText) {
  for (const char* text : {"abc", "", "1.5", "2147483648", "--1", "+-1", "0x10"})
    EXPECT_EQ(evaluated("$cast('" + std::string(text) + "', INTEGER)"), "error: cast_failed")
        << text;
  for (const char* text : {"abc", "", "0x10", "1d", "inf", "1e"})
    EXPECT_EQ(evaluated("$cast('" + std::string(text) + "', DOUBLE)"), "error: cast_failed")
        << text;
  EXPECT_EQ(evaluated("$cast('2026-02-30', DATE)"), "error: cast_failed");
  EXPECT_EQ(evaluated("$cast('25:00', TIME)"), "error: cast_failed");
  EXPECT_EQ(evaluated("$cast('100.0', DECIMAL(3, 1))"), "error: cast_failed");
}

TEST(Cast, ReadsNumbersOutOfTexts) {
  EXPECT_EQ(evaluated("$cast('+7', BIGINT)"), "7");
  EXPECT_EQ(evaluated("$cast(' -7 ', BIGINT)"), "-7");
  EXPECT_EQ(evaluated("$cast('-1.5e3', DOUBLE)"), "-1500.0");
  EXPECT_EQ(evaluated("$cast('1e400', DOUBLE)"), "Infinity");
  EXPECT_EQ(evaluated("$cast('-1e-400', DOUBLE)"), "-0.0");
  EXPECT_EQ(evaluated("$cast('NaN', DOUBLE)"), "NaN");
  EXPECT_EQ(evaluated("$cast('2.345', DECIMAL(5, 2))"), "2.35");
}

TEST(Cast, ConvertsNumbersAsJavaDoes) {
  EXPECT_EQ(evaluated("$cast(1E10, INTEGER)"), "2147483647");
  EXPECT_EQ(evaluated("$cast(-1E30, BIGINT)"), "-9223372036854775808");
  EXPECT_EQ(evaluated("$cast(SQRT(-1E0), INTEGER)"), "0");
  EXPECT_EQ(evaluated("$cast(-1.99E0, INTEGER)"), "-1");
  EXPECT_EQ(evaluated("$cast(12.99, BIGINT)"), "12");
  EXPECT_EQ(evaluated("$cast(4294967297.5, INTEGER)"), "1");
  EXPECT_EQ(evaluated("$cast(0.1, DOUBLE)"), "0.1");
  EXPECT_EQ(evaluated("$cast(7, DECIMAL(4, 2))"), "7.00");
  EXPECT_EQ(evaluated("$cast(100, DECIMAL(4, 2))"), "error: decimal_overflow");
  EXPECT_EQ(evaluated("$cast(1.005E0, DECIMAL(4, 2))"), "1.01");
}

TEST(Cast, WritesTexts) {
  EXPECT_EQ(evaluated("$cast(TRUE, STRING)"), "'true'");
  EXPECT_EQ(evaluated("$cast(-9223372036854775808, STRING)"), "'-9223372036854775808'");
  EXPECT_EQ(evaluated("$cast(10E0, STRING)"), "'10.0'");
  EXPECT_EQ(evaluated("$cast(TIME '09:08:07', STRING)"), "'09:08:07'");
  EXPECT_EQ(evaluated("$cast(DATE '2026-05-17', STRING)"), "'2026-05-17'");
}

TEST(Cast, TakesTimestampsApart) {
  EXPECT_EQ(evaluated("$cast(TIMESTAMP '1969-12-31T23:00:00', DATE)"), "1969-12-31");
  EXPECT_EQ(evaluated("$cast(TIMESTAMP '1969-12-31T23:00:00', TIME)"), "23:00");
  EXPECT_EQ(evaluated("$cast('2026-05-17', TIMESTAMP)"), "2026-05-17T00:00:00.000");
}

TEST(Cast, ReadsTruthFromWords) {
  for (const char* text : {"true", "TRU", "t", "Yes", "y", " true "})
    EXPECT_EQ(evaluated("$cast('" + std::string(text) + "', BOOLEAN)"), "true") << text;
  for (const char* text : {"false", "no", "1", "", "truer"})
    EXPECT_EQ(evaluated("$cast('" + std::string(text) + "', BOOLEAN)"), "false") << text;
}

TEST(Cast, ExistsOnlyWhereItHasAMeaning) {
  using data::cast_kernel;
  using data::TypeKind;
  EXPECT_NE(cast_kernel(TypeKind::string, TypeKind::timestamp), nullptr);
  EXPECT_EQ(cast_kernel(TypeKind::string, TypeKind::bytes), nullptr);
  EXPECT_EQ(cast_kernel(TypeKind::boolean, TypeKind::integer), nullptr);
  EXPECT_EQ(cast_kernel(TypeKind::time, TypeKind::timestamp), nullptr);
  EXPECT_NE(cast_kernel(TypeKind::array, TypeKind::string), nullptr);
  EXPECT_EQ(cast_kernel(TypeKind::array, TypeKind::map), nullptr);
  EXPECT_EQ(cast_kernel(TypeKind::string, TypeKind::array), nullptr);
  EXPECT_EQ(evaluated("$cast(TRUE, INTEGER)"), "error: cast_failed");
}

}  // namespace
}  // namespace penstock::engine::functions
