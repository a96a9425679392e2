#include "data/time_text.h"

#include <charconv>

namespace penstock::data {
namespace {

char* put_padded(char* to, std::uint64_t value, int width) {
  char digits[20];
  char* end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  for (auto have = end - digits; have < width; ++have) *to++ = '0';
  for (char* at = digits; at != end; ++at) *to++ = *at;
  return to;
}

char* put_date(char* to, std::int64_t days) {
  CivilDate date = civil_from_days(days);
  if (date.year < 0) *to++ = '-';
  if (date.year > 9999) *to++ = '+';
  to = put_padded(to, static_cast<std::uint64_t>(date.year < 0 ? -date.year : date.year), 4);
  *to++ = '-';
  to = put_padded(to, static_cast<std::uint64_t>(date.month), 2);
  *to++ = '-';
  return put_padded(to, static_cast<std::uint64_t>(date.day), 2);
}

// Two digits of clock time after `before`.
char* put_part(char* to, char before, int value) {
  *to++ = before;
  return put_padded(to, static_cast<std::uint64_t>(value), 2);
}

char* put_clock(char* to, int ms_of_day) {
  to = put_padded(to, static_cast<std::uint64_t>(ms_of_day / 3'600'000), 2);
  to = put_part(to, ':', ms_of_day / 60'000 % 60);
  to = put_part(to, ':', ms_of_day / 1000 % 60);
  *to++ = '.';
  return put_padded(to, static_cast<std::uint64_t>(ms_of_day % 1000), 3);
}

// Reads from the front of a text.
struct Scanner {
  std::string_view rest;

  bool skip(char c) {
    if (rest.empty() || rest[0] != c) return false;
    rest.remove_prefix(1);
    return true;
  }
  std::optional<int> digits(std::size_t width) {
    if (rest.size() < width) return std::nullopt;
    int value = 0;
    for (std::size_t i = 0; i < width; ++i) {
      if (rest[i] < '0' || rest[i] > '9') return std::nullopt;
      value = value * 10 + (rest[i] - '0');
    }
    rest.remove_prefix(width);
    return value;
  }
  // As digits(), within [low, high].
  std::optional<int> number(std::size_t width, int low, int high) {
    auto value = digits(width);
    if (!value || *value < low || *value > high) return std::nullopt;
    return value;
  }
};

std::optional<std::int64_t> scan_date(Scanner& in) {
  CivilDate date;
  auto year = in.digits(4);
  if (!year) return std::nullopt;
  date.year = *year;
  if (in.skip('-')) {
    auto month = in.number(2, 1, 12);
    if (!month) return std::nullopt;
    date.month = *month;
    if (in.skip('-')) {
      auto day = in.number(2, 1, days_in_month(date.year, date.month));
      if (!day) return std::nullopt;
      date.day = *day;
    }
  }
  return days_from_civil(date);
}

// Digits behind the decimal point of seconds, as milliseconds.
std::optional<int> scan_fraction(Scanner& in) {
  int ms = 0, count = 0;
  for (; count < 9; ++count) {
    auto digit = in.digits(1);
    if (!digit) break;
    if (count < 3) ms = ms * 10 + *digit;
  }
  if (count == 0) return std::nullopt;
  for (; count < 3; ++count) ms *= 10;
  return ms;
}

// HH[:mm[:ss[.S]]]
std::optional<std::int32_t> scan_clock(Scanner& in, bool minutes_needed) {
  auto hour = in.number(2, 0, 23);
  if (!hour) return std::nullopt;
  std::int32_t ms = *hour * 3'600'000;
  if (!in.skip(':')) return minutes_needed ? std::nullopt : std::optional(ms);
  auto minute = in.number(2, 0, 59);
  if (!minute) return std::nullopt;
  ms += *minute * 60'000;
  if (!in.skip(':')) return ms;
  auto second = in.number(2, 0, 59);
  if (!second) return std::nullopt;
  ms += *second * 1000;
  if (!in.skip('.')) return ms;
  auto fraction = scan_fraction(in);
  if (!fraction) return std::nullopt;
  return ms + *fraction;
}

// Offset of a zone in milliseconds; an empty rest is UTC.
std::optional<std::int64_t> scan_zone(Scanner& in) {
  if (in.rest.empty() || in.skip('Z')) return 0;
  bool west = in.skip('-');
  if (!west && !in.skip('+')) return std::nullopt;
  auto hours = in.number(2, 0, 18);
  if (!hours) return std::nullopt;
  std::int64_t minutes = *hours * 60;
  if (!in.rest.empty()) {
    in.skip(':');
    auto more = in.number(2, 0, 59);
    if (!more) return std::nullopt;
    minutes += *more;
  }
  return (west ? -minutes : minutes) * 60'000;
}

}  // namespace

// Days and civil dates by 400-year eras that start on the first of March, so that the leap day is
// last.
CivilDate civil_from_days(std::int64_t days) {
  days += 719'468;
  std::int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  std::int64_t day_of_era = days - era * 146'097;
  std::int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  std::int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  std::int64_t month_from_march = (5 * day_of_year + 2) / 153;
  CivilDate date;
  date.day = static_cast<int>(day_of_year - (153 * month_from_march + 2) / 5 + 1);
  date.month =
      static_cast<int>(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
  date.year = year_of_era + era * 400 + (date.month <= 2);
  return date;
}

std::int64_t days_from_civil(CivilDate date) {
  std::int64_t year = date.year - (date.month <= 2);
  std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  std::int64_t year_of_era = year - era * 400;
  std::int64_t day_of_year =
      (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;
  std::int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + day_of_era - 719'468;
}

int days_in_month(std::int64_t year, int month) {
  if (month == 2) return (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

std::size_t write_date(char* out, std::int32_t days) {
  return static_cast<std::size_t>(put_date(out, days) - out);
}

std::size_t write_time(char* out, std::int32_t ms_of_day) {
  std::int64_t day_ms = ms_of_day % kDayMs;
  int ms = static_cast<int>(day_ms < 0 ? day_ms + kDayMs : day_ms);
  char* end = put_clock(out, ms);
  if (ms % 60'000 == 0)
    end -= 7;
  else if (ms % 1000 == 0)
    end -= 4;
  return static_cast<std::size_t>(end - out);
}

std::size_t write_timestamp(char* out, TimestampMs timestamp_ms) {
  std::int64_t days = timestamp_ms / kDayMs;
  std::int64_t ms = timestamp_ms % kDayMs;
  if (ms < 0) {
    ms += kDayMs;
    --days;
  }
  char* to = put_date(out, days);
  *to++ = 'T';
  return static_cast<std::size_t>(put_clock(to, static_cast<int>(ms)) - out);
}

std::string date_text(std::int32_t days) {
  char out[kTimeTextMax];
  return std::string(out, write_date(out, days));
}

std::string time_text(std::int32_t ms_of_day) {
  char out[kTimeTextMax];
  return std::string(out, write_time(out, ms_of_day));
}

std::string timestamp_text(TimestampMs timestamp_ms) {
  char out[kTimeTextMax];
  return std::string(out, write_timestamp(out, timestamp_ms));
}

std::optional<std::int32_t> parse_date(std::string_view text) {
  Scanner in{text};
  auto days = scan_date(in);
  if (!days || !in.rest.empty()) return std::nullopt;
  return static_cast<std::int32_t>(*days);
}

std::optional<std::int32_t> parse_time(std::string_view text) {
  Scanner in{text};
  auto ms = scan_clock(in, true);
  if (!ms || !in.rest.empty()) return std::nullopt;
  return ms;
}

std::optional<TimestampMs> parse_timestamp(std::string_view text) {
  Scanner in{text};
  auto days = scan_date(in);
  if (!days) return std::nullopt;
  TimestampMs ms = *days * kDayMs;
  if (in.skip('T')) {
    auto clock = scan_clock(in, false);
    if (!clock) return std::nullopt;
    ms += *clock;
  }
  auto zone = scan_zone(in);
  if (!zone || !in.rest.empty()) return std::nullopt;
  return ms - *zone;
}

}  // namespace penstock::data
