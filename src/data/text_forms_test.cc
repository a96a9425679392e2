#include <gtest/gtest.h>

#include <limits>

#include "data/double_text.h"
#include "data/time_text.h"

namespace penstock::data {
namespace {

TEST(DoubleText, IsWhatTheJvmPrints) {
  const std::pair<double, std::string_view> cases[] = {
      {10, "10.0"},
      {1e10, "1.0E10"},
      {0.001, "0.001"},
      {1e-4, "1.0E-4"},
      {9999999, "9999999.0"},
      {1e7, "1.0E7"},
      {-0.0, "-0.0"},
      {0, "0.0"},
      {123456.789, "123456.789"},
      {1.5e-7, "1.5E-7"},
      {std::numeric_limits<double>::max(), "1.7976931348623157E308"},
      {std::numeric_limits<double>::denorm_min(), "4.9E-324"},
      {std::numeric_limits<double>::infinity(), "Infinity"},
      {-std::numeric_limits<double>::infinity(), "-Infinity"},
      {std::numeric_limits<double>::quiet_NaN(), "NaN"}};
  for (auto [value, text] : cases) EXPECT_EQ(double_text(value), text);
}

TEST(TimestampText, RoundTrips) {
  const std::pair<TimestampMs, std::string_view> cases[] = {
      {0, "1970-01-01T00:00:00.000"},
      {1785000000123, "2026-07-25T17:20:00.123"},
      {-1, "1969-12-31T23:59:59.999"},
      {951782400000, "2000-02-29T00:00:00.000"},
      {4107542399999, "2100-02-28T23:59:59.999"}};
  for (auto [ms, text] : cases) {
    EXPECT_EQ(timestamp_text(ms), text);
    EXPECT_EQ(parse_timestamp(text), ms) << text;
  }
}

TEST(ParseTimestamp, TakesShortFormsAndZones) {
  EXPECT_EQ(parse_timestamp("1970-01-02"), kDayMs);
  EXPECT_EQ(parse_timestamp("1970"), 0);
  EXPECT_EQ(parse_timestamp("1970-01-01T01:00:00+01:00"), 0);
  EXPECT_EQ(parse_timestamp("1970-01-01T00:00:00.5Z"), 500);
}

TEST(ParseTimes, RefuseWhatDoesNotExist) {
  for (std::string_view bad :
       {"2026-02-29", "2026-13-01", "2026-00-01", "2026-01-32", "20260101", "", "x"})
    EXPECT_EQ(parse_date(bad), std::nullopt) << bad;
  for (std::string_view bad : {"24:00", "12:60", "12", "12:00:61", "1:00:00x"})
    EXPECT_EQ(parse_time(bad), std::nullopt) << bad;
  for (std::string_view bad : {"2026-01-01T25:00", "2026-01-01T00:00:00.000+", "2026-01-01 00:00x"})
    EXPECT_EQ(parse_timestamp(bad), std::nullopt) << bad;
}

TEST(DateText, CoversTheWholeRange) {
  EXPECT_EQ(date_text(0), "1970-01-01");
  EXPECT_EQ(parse_date("1969-12-31"), -1);
  for (std::int32_t days : {-719528, -1, 59, 11016, 20657, 2932896})
    EXPECT_EQ(parse_date(date_text(days)), days);
  EXPECT_EQ(time_text(0), "00:00");
  EXPECT_EQ(time_text(32'887'006), "09:08:07.006");
  EXPECT_EQ(parse_time("09:08:07.006"), 32'887'006);
}

}  // namespace
}  // namespace penstock::data
