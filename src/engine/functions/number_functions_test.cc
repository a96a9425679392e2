// Functions over numbers and of NULL: what the examples of the list leave out.
#include <gtest/gtest.h>

#include "engine/functions/example_evaluator.h"
#include "engine/functions/rounding.h"

namespace penstock::engine::functions {
namespace {

TEST(Round, TakesHalvesTowardsPositiveInfinity) {
  EXPECT_EQ(round_to_integer(2.5), 3);
  EXPECT_EQ(round_to_integer(-2.5), -2);
  EXPECT_EQ(round_to_integer(-2.6), -3);
  EXPECT_EQ(round_to_integer(0.49999999999999994), 0);
  EXPECT_EQ(round_to_integer(4503599627370497.0), 4503599627370497);
  EXPECT_EQ(round_to_integer(1e30), INT64_MAX);
  EXPECT_EQ(round_to_integer(-1e30), INT64_MIN);
}

TEST(Round, GoesByTheShortestDecimalText) {
  EXPECT_EQ(round_double(2.675, 2, RoundTo::nearest), 2.68);
  EXPECT_EQ(round_double(-2.675, 2, RoundTo::nearest), -2.67);
  EXPECT_EQ(round_double(-2.6751, 2, RoundTo::nearest), -2.68);
  EXPECT_EQ(round_double(0.5, 0, RoundTo::nearest), 1.0);
  EXPECT_EQ(round_double(0.05, 0, RoundTo::nearest), 0.0);
  EXPECT_EQ(round_double(999.99, 1, RoundTo::nearest), 1000.0);
  EXPECT_EQ(round_double(1.5, 2147483647, RoundTo::nearest), 1.5);
  EXPECT_EQ(round_double(1.5, -2147483647, RoundTo::nearest), 0.0);
  EXPECT_EQ(round_double(1.2345e300, 2, RoundTo::nearest), 1.2345e300);
  EXPECT_EQ(round_double(1.7976931348623157e308, -308, RoundTo::nearest),
            std::numeric_limits<double>::infinity());
  EXPECT_EQ(round_double(-1.999, 1, RoundTo::zero), -1.9);
}

TEST(Round, OfDecimalsKeepsTheType) {
  EXPECT_EQ(evaluated("ROUND(1.50)"), "2.00");
  EXPECT_EQ(evaluated("ROUND(-1.50)"), "-1.00");
  EXPECT_EQ(evaluated("ROUND(-1.51)"), "-2.00");
  EXPECT_EQ(evaluated("ROUND(1254.00, -2)"), "1300.00");
  EXPECT_EQ(evaluated("ROUND(1.25, 9)"), "1.25");
  EXPECT_EQ(evaluated("ROUND(1.25, -90)"), "0.00");
  EXPECT_EQ(evaluated("ROUND(9.9)"), "error: decimal_overflow");
  EXPECT_EQ(evaluated("FLOOR(-1.01)"), "-2.00");
  EXPECT_EQ(evaluated("CEIL(-1.99)"), "-1.00");
  EXPECT_EQ(evaluated("TRUNC(-1.99)"), "-1.00");
}

TEST(Absolute, OfTheLeastIntegerWraps) {
  EXPECT_EQ(evaluated("ABS(-2147483648)"), "-2147483648");
}

TEST(Power, IsUndefinedWhereJavaSaysSo) {
  EXPECT_EQ(evaluated("POWER(1, SQRT(-1))"), "NaN");
  EXPECT_EQ(evaluated("POWER(1, $divide(1E0, 0E0))"), "NaN");
  EXPECT_EQ(evaluated("POWER(15, -1)"), "0.06666666666666667");
  EXPECT_EQ(evaluated("POWER(0, 0)"), "1.0");
}

TEST(Extremum, PassesOverNulls) {
  EXPECT_EQ(evaluated("GREATEST(NULL, 1, NULL)"), "1");
  EXPECT_EQ(evaluated("LEAST(NULL, 'b', 'a')"), "'a'");
  EXPECT_EQ(evaluated("GREATEST(-1, 5000000000, 99999.99999, 2E0)"), "5.0E9");
  EXPECT_EQ(evaluated("LEAST(1.5, 1)"), "1.0");
  EXPECT_EQ(evaluated("GREATEST(1E0, SQRT(-1))"), "NaN");
  EXPECT_EQ(evaluated("LEAST(SQRT(-1), 1E0)"), "1.0");
  EXPECT_EQ(evaluated("GREATEST(X'6170', X'68', X'617a')"), "X'68'");
}

TEST(Coalesce, TakesTheFirstValueOfTheCommonType) {
  EXPECT_EQ(evaluated("COALESCE(NULL, 1, 2.50)"), "1.00");
  EXPECT_EQ(evaluated("COALESCE(NULL, NULL)"), "NULL");
  EXPECT_EQ(evaluated("IFNULL(NULL, DATE '2026-05-17')"), "2026-05-17");
}

TEST(NullIf, ComparesByValue) {
  EXPECT_EQ(evaluated("NULLIF(1.0, 1.00)"), "NULL");
  EXPECT_EQ(evaluated("NULLIF('a', NULL)"), "'a'");
  EXPECT_EQ(evaluated("NULLIF(NULL, 'a')"), "NULL");
}

TEST(GeoDistance, RefusesPlacesOffTheGlobe) {
  EXPECT_EQ(evaluated("GEO_DISTANCE(91, 0, 0, 0)"), "error: invalid_argument");
  EXPECT_EQ(evaluated("GEO_DISTANCE(0, 0, 0, 181)"), "error: invalid_argument");
}

}  // namespace
}  // namespace penstock::engine::functions
