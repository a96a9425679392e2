// DATEADD and its kin, FORMAT_..., PARSE_..., CONVERT_TZ and the older names of the same.
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "base/ascii.h"
#include "data/time_text.h"
#include "engine/functions/families.h"
#include "engine/functions/kernel.h"
#include "engine/functions/limits.h"
#include "engine/functions/overload.h"
#include "engine/functions/time_pattern.h"
#include "engine/functions/time_zone.h"

namespace penstock::engine::functions {
namespace {

constexpr std::string_view kBadUnit = "no_such_time_unit";
constexpr std::string_view kBadTimePattern = "malformed_time_pattern";
constexpr std::string_view kBadZone = "no_such_time_zone";
constexpr std::string_view kTimeOutOfRange = "time_out_of_range";

constexpr std::int64_t kFarthestMs = std::int64_t{1} << 61;  // far from where sums overflow

std::optional<std::int64_t> unit_ms(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, std::int64_t>, 6> kUnits = {
      {{"MILLISECOND", 1},
       {"SECOND", 1000},
       {"MINUTE", 60'000},
       {"HOUR", 3'600'000},
       {"DAY", data::kDayMs},
       {"WEEK", 7 * data::kDayMs}}};
  std::string upper_name = upper(name);
  if (upper_name.ends_with('S')) upper_name.pop_back();
  for (const auto& [unit, ms] : kUnits)
    if (upper_name == unit) return ms;
  return std::nullopt;
}

std::int64_t floored(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0);
}

// Adds the interval in milliseconds to what ms_of makes of the value; store takes the sum back.
template <typename T, int sign, typename ToMs, typename Store>
void add_interval(const KernelCall& call, ToMs to_ms, Store store) {
  const Text* units = argument<Text>(call, 0);
  const std::int32_t* counts = argument<std::int32_t>(call, 1);
  const T* in = argument<T>(call, 2);
  T* out = results<T>(call);
  for (RowIndex row : call.rows) {
    out[row] = T{};
    const auto unit = unit_ms(units[row].view());
    if (!unit) {
      call.errors.add(row, kBadUnit);
      continue;
    }
    const Int128 sum = Int128{to_ms(in[row])} + Int128{sign} * counts[row] * *unit;
    if (sum > (Int128{1} << 62) || sum < -(Int128{1} << 62)) {
      call.errors.add(row, kTimeOutOfRange);
      continue;
    }
    const std::optional<T> stored = store(static_cast<std::int64_t>(sum));
    if (stored)
      out[row] = *stored;
    else
      call.errors.add(row, kTimeOutOfRange);
  }
}

std::optional<std::int32_t> day_of_ms(std::int64_t ms) {
  const std::int64_t days = floored(ms, data::kDayMs);
  if (days != static_cast<std::int32_t>(days)) return std::nullopt;
  return static_cast<std::int32_t>(days);
}

template <int sign>
void add_to_date(const KernelCall& call) {
  add_interval<std::int32_t, sign>(
      call, [](std::int32_t days) { return days * data::kDayMs; }, day_of_ms);
}
template <int sign>
void add_to_time(const KernelCall& call) {
  add_interval<std::int32_t, sign>(
      call, [](std::int32_t ms) { return std::int64_t{ms}; },
      [](std::int64_t ms) -> std::optional<std::int32_t> {
        return static_cast<std::int32_t>(ms - floored(ms, data::kDayMs) * data::kDayMs);
      });
}
template <int sign>
void add_to_timestamp(const KernelCall& call) {
  add_interval<std::int64_t, sign>(
      call, [](std::int64_t ms) { return ms; },
      [](std::int64_t ms) -> std::optional<std::int64_t> { return ms; });
}

// The pattern of a call: nearly always a constant, looked at again only when it changes.
class LastPattern {
 public:
  explicit LastPattern(TimePattern::Style style = TimePattern::Style::strict) : style_(style) {}
  const TimePattern* find(Text text) {
    if (!text_ || *text_ != text.view()) {
      text_ = text.view();
      auto made = TimePattern::compile(*text_, style_);
      pattern_.reset();
      if (made) pattern_ = *std::move(made);
    }
    return pattern_ ? &*pattern_ : nullptr;
  }

 private:
  TimePattern::Style style_;
  std::optional<std::string> text_;
  std::optional<TimePattern> pattern_;
};

// The third argument's zone, or UTC.
std::string_view zone_name(const KernelCall& call, RowIndex row) {
  return call.args.size() > 2 ? argument<Text>(call, 2)[row].view() : "UTC";
}

// What of a pattern a value can fill in.
enum class Holds : std::uint8_t { date, time, both };

bool suits(const TimePattern& pattern, Holds holds) {
  return holds == Holds::both || (holds == Holds::date ? !pattern.has_time() : !pattern.has_date());
}

template <typename T, Holds holds>
void format_time(const KernelCall& call) {
  LastPattern patterns;
  LastZone zones;
  for (RowIndex row : call.rows) {
    results<Text>(call)[row] = Text();
    const TimePattern* pattern = patterns.find(argument<Text>(call, 1)[row]);
    const TimeZone* zone = zones.find(zone_name(call, row));
    if (pattern == nullptr || zone == nullptr || !suits(*pattern, holds)) {
      call.errors.add(row, zone == nullptr ? kBadZone : kBadTimePattern);
      continue;
    }
    const std::int64_t value = argument<T>(call, 0)[row];
    const std::int64_t ms = holds == Holds::date ? value * data::kDayMs : value;
    if (ms > kFarthestMs || ms < -kFarthestMs) {
      call.errors.add(row, kTimeOutOfRange);
      continue;
    }
    results<Text>(call)[row] = call.arena.copy(pattern->format(ms, *zone, zone_name(call, row)));
  }
}

// A text that does not match gives NULL.
template <typename T, Holds holds, TimePattern::Style style = TimePattern::Style::strict>
void parse_time_text(const KernelCall& call) {
  LastPattern patterns(style);
  LastZone zones;
  for (RowIndex row : call.rows) {
    results<T>(call)[row] = T{};
    const TimePattern* pattern = patterns.find(argument<Text>(call, 1)[row]);
    if (pattern == nullptr || !suits(*pattern, holds)) {
      call.errors.add(row, kBadTimePattern);
      continue;
    }
    const auto parsed = pattern->parse(argument<Text>(call, 0)[row].view());
    if (!parsed) {
      call.result.set_null(row);
      continue;
    }
    if (holds == Holds::date) {
      const auto day = day_of_ms(parsed->local);
      results<T>(call)[row] = static_cast<T>(day.value_or(0));
      if (!day) call.errors.add(row, kTimeOutOfRange);
      continue;
    }
    if (holds == Holds::time) {
      results<T>(call)[row] = static_cast<T>(parsed->local);
      continue;
    }
    const TimeZone* zone =
        zones.find(parsed->zone ? std::string_view(*parsed->zone) : zone_name(call, row));
    if (zone == nullptr) {
      call.errors.add(row, kBadZone);
      continue;
    }
    results<T>(call)[row] = static_cast<T>(
        parsed->local - parsed->offset_ms.value_or(zone->offset_ms_of_local(parsed->local)));
  }
}

// The local time of one zone as that of another.
void convert_tz(const KernelCall& call) {
  LastZone from, to;
  for (RowIndex row : call.rows) {
    std::int64_t& out = results<std::int64_t>(call)[row];
    out = 0;
    const TimeZone* source = from.find(argument<Text>(call, 1)[row].view());
    const TimeZone* target = to.find(argument<Text>(call, 2)[row].view());
    if (source == nullptr || target == nullptr) {
      call.errors.add(row, kBadZone);
      continue;
    }
    const std::int64_t local = argument<std::int64_t>(call, 0)[row];
    if (local > kFarthestMs || local < -kFarthestMs) {
      call.errors.add(row, kTimeOutOfRange);
      continue;
    }
    const std::int64_t utc = local - source->offset_ms_of_local(local);
    out = utc + target->offset_ms(utc);
  }
}

sql::ScalarFunction calendar(std::string_view name, std::string_view help,
                             std::vector<Overload> overloads,
                             std::vector<sql::FunctionExample> examples) {
  return {name, "DATE / TIME", help, std::move(overloads), std::move(examples)};
}

FunctionList adding_functions() {
  return {
      calendar("DATEADD", "The date so many units later.",
               {declared("DATEADD(UNIT, INTEGER, DATE) -> DATE", add_to_date<1>)},
               {{"DATEADD(DAYS, 2, DATE '2026-02-27')", "2026-03-01"}}),
      calendar("DATESUB", "The date so many units earlier.",
               {declared("DATESUB(UNIT, INTEGER, DATE) -> DATE", add_to_date<-1>)},
               {{"DATESUB(DAYS, 1, DATE '2026-03-01')", "2026-02-28"}}),
      calendar("TIMEADD", "The time so many units later; midnight begins it anew.",
               {declared("TIMEADD(UNIT, INTEGER, TIME) -> TIME", add_to_time<1>)},
               {{"TIMEADD(HOURS, 2, TIME '23:30')", "01:30"}}),
      calendar("TIMESUB", "The time so many units earlier.",
               {declared("TIMESUB(UNIT, INTEGER, TIME) -> TIME", add_to_time<-1>)},
               {{"TIMESUB(MINUTES, 10, TIME '00:05')", "23:55"}}),
      calendar(
          "TIMESTAMPADD", "The timestamp so many units later.",
          {declared("TIMESTAMPADD(UNIT, INTEGER, TIMESTAMP) -> TIMESTAMP", add_to_timestamp<1>)},
          {{"TIMESTAMPADD(SECONDS, 1, TIMESTAMP '2026-05-17T09:08:07')",
            "2026-05-17T09:08:08.000"}}),
      calendar(
          "TIMESTAMPSUB", "The timestamp so many units earlier.",
          {declared("TIMESTAMPSUB(UNIT, INTEGER, TIMESTAMP) -> TIMESTAMP", add_to_timestamp<-1>)},
          {{"TIMESTAMPSUB(HOURS, 10, TIMESTAMP '2026-05-17T09:08:07')",
            "2026-05-16T23:08:07.000"}}),
      calendar("CONVERT_TZ", "The local time of one zone as that of another.",
               {declared("CONVERT_TZ(TIMESTAMP, STRING, STRING) -> TIMESTAMP", convert_tz)},
               {{"CONVERT_TZ(TIMESTAMP '2026-05-17T09:00', '+0200', '+0500')",
                 "2026-05-17T12:00:00.000"}}),
  };
}

FunctionList formatting_functions() {
  constexpr auto kDay = format_time<std::int32_t, Holds::date>;
  constexpr auto kClock = format_time<std::int32_t, Holds::time>;
  constexpr auto kInstant = format_time<std::int64_t, Holds::both>;
  return {
      calendar("FORMAT_DATE", "The date by a pattern of java.time.",
               {declared("FORMAT_DATE(DATE, STRING) -> STRING", kDay)},
               {{"FORMAT_DATE(DATE '2026-05-07', 'd MMM yyyy')", "'7 May 2026'"}}),
      calendar("FORMAT_TIME", "The time by a pattern of java.time.",
               {declared("FORMAT_TIME(TIME, STRING) -> STRING", kClock)},
               {{"FORMAT_TIME(TIME '21:05', 'hh:mm a')", "'09:05 PM'"}}),
      calendar("FORMAT_TIMESTAMP", "The timestamp by a pattern of java.time, in UTC or a zone.",
               {declared("FORMAT_TIMESTAMP(TIMESTAMP, STRING) -> STRING", kInstant),
                declared("FORMAT_TIMESTAMP(TIMESTAMP, STRING, STRING) -> STRING", kInstant)},
               {{"FORMAT_TIMESTAMP(TIMESTAMP '2026-05-17T09:08:07', 'yyyy-MM-dd HH:mm:ss.SSS')",
                 "'2026-05-17 09:08:07.000'"},
                {"FORMAT_TIMESTAMP(TIMESTAMP '2026-05-17T09:08', 'HH:mm', '+02:00')", "'11:08'"}}),
      calendar("DATETOSTRING", "The date of so many days since 1970-01-01, by a pattern.",
               {declared("DATETOSTRING(INTEGER, STRING) -> STRING", kDay)},
               {{"DATETOSTRING(10, 'yyyy-MM-dd')", "'1970-01-11'"}}),
      calendar("TIMESTAMPTOSTRING", "The instant of so many milliseconds since 1970, by a pattern.",
               {declared("TIMESTAMPTOSTRING(BIGINT, STRING) -> STRING", kInstant),
                declared("TIMESTAMPTOSTRING(BIGINT, STRING, STRING) -> STRING", kInstant)},
               {{"TIMESTAMPTOSTRING(0, 'yyyy-MM-dd HH:mm')", "'1970-01-01 00:00'"}}),
  };
}

FunctionList parsing_functions() {
  constexpr auto kDay = parse_time_text<std::int32_t, Holds::date, TimePattern::Style::lenient>;
  constexpr auto kStrictDay = parse_time_text<std::int32_t, Holds::date>;
  constexpr auto kClock = parse_time_text<std::int32_t, Holds::time>;
  constexpr auto kInstant = parse_time_text<std::int64_t, Holds::both>;
  return {
      calendar("PARSE_DATE",
               "The date that a text says by a pattern; NULL when it says none. Read leniently: "
               "numbers of any length, the 32nd is the next month's first, what follows is not "
               "looked at.",
               {declared("PARSE_DATE(STRING, STRING) -> DATE", kDay)},
               {{"PARSE_DATE('17/05/26', 'dd/MM/yy')", "2026-05-17"},
                {"PARSE_DATE('2026-5-32, noon', 'yyyy-MM-dd')", "2026-06-01"},
                {"PARSE_DATE('x', 'yyyy')", "NULL"}}),
      calendar("PARSE_TIME",
               "The time that a text says by a pattern of java.time; NULL when it says none.",
               {declared("PARSE_TIME(STRING, STRING) -> TIME", kClock)},
               {{"PARSE_TIME('9:08 pm', 'h:mm a')", "21:08"}}),
      calendar("PARSE_TIMESTAMP",
               "The timestamp that a text says by a pattern of java.time, in UTC or a zone; NULL "
               "when it says none.",
               {declared("PARSE_TIMESTAMP(STRING, STRING) -> TIMESTAMP", kInstant),
                declared("PARSE_TIMESTAMP(STRING, STRING, STRING) -> TIMESTAMP", kInstant)},
               {{"PARSE_TIMESTAMP('2026-05-17T09:08:07', 'yyyy-MM-dd''T''HH:mm:ss')",
                 "2026-05-17T09:08:07.000"},
                {"PARSE_TIMESTAMP('20260517 09+02', 'yyyyMMdd HHX')", "2026-05-17T07:00:00.000"}}),
      calendar("STRINGTODATE", "The date that a text says, in days since 1970-01-01.",
               {declared("STRINGTODATE(STRING, STRING) -> INTEGER", kStrictDay)},
               {{"STRINGTODATE('1970-01-11', 'yyyy-MM-dd')", "10"}}),
      calendar("STRINGTOTIMESTAMP", "The instant that a text says, in milliseconds since 1970.",
               {declared("STRINGTOTIMESTAMP(STRING, STRING) -> BIGINT", kInstant),
                declared("STRINGTOTIMESTAMP(STRING, STRING, STRING) -> BIGINT", kInstant)},
               {{"STRINGTOTIMESTAMP('1970-01-01 00:00:01', 'yyyy-MM-dd HH:mm:ss')", "1000"}}),
  };
}

}  // namespace

FunctionList calendar_functions() {
  FunctionList all = adding_functions();
  for (FunctionList part : {formatting_functions(), parsing_functions()})
    for (sql::ScalarFunction& function : part) all.push_back(std::move(function));
  return all;
}

}  // namespace penstock::engine::functions
