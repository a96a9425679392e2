// ISO 8601 texts of DATE, TIME and TIMESTAMP values, in UTC.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "data/time.h"

namespace penstock::data {

inline constexpr std::int64_t kDayMs = 86'400'000;

// A day of the proleptic Gregorian calendar.
struct CivilDate {
  std::int64_t year = 1970;
  int month = 1;  // 1-12
  int day = 1;    // 1-31
};
CivilDate civil_from_days(std::int64_t days_since_1970);
std::int64_t days_from_civil(CivilDate date);  // month and day in range
int days_in_month(std::int64_t year, int month);

// Writers put at most kTimeTextMax characters and return how many. Years print with at least four
// digits, "-" before year 0 and "+" above 9999.
inline constexpr std::size_t kTimeTextMax = 40;
std::size_t write_date(char* out, std::int32_t days);              // 2026-05-17
std::size_t write_time(char* out, std::int32_t ms_of_day);         // see time_text
std::size_t write_timestamp(char* out, TimestampMs timestamp_ms);  // 2026-05-17T09:08:07.006

std::string date_text(std::int32_t days);
// 09:08, with :07 when there are seconds or milliseconds and .006 when there are milliseconds, as
// java.time prints it.
std::string time_text(std::int32_t ms_of_day);
std::string timestamp_text(TimestampMs timestamp_ms);

// Readers; nullopt when malformed or out of range.
// yyyy-MM-dd; month and day may be left out from the end (then 01).
std::optional<std::int32_t> parse_date(std::string_view text);
// HH:mm[:ss[.S]] with 1-9 digits of fraction, cut to milliseconds.
std::optional<std::int32_t> parse_time(std::string_view text);
// yyyy[-MM[-dd[THH[:mm[:ss[.S]]]]]] and then nothing, Z, +HH:mm, +HHmm or +HH; no zone means UTC.
std::optional<TimestampMs> parse_timestamp(std::string_view text);

}  // namespace penstock::data
