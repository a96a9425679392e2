// Conversions between DATE, TIMESTAMP and their numbers.
#include <cstdint>

#include "engine/functions/families.h"
#include "engine/functions/kernel.h"
#include "engine/functions/overload.h"
#include "engine/functions/volatile.h"

namespace penstock::engine::functions {
namespace {

struct Same {
  template <typename T>
  T operator()(T a) const {
    return a;
  }
};

}  // namespace

FunctionList time_functions() {
  using enum ArgKind;
  constexpr auto days = map_one<std::int32_t, std::int32_t, Same>;
  constexpr auto milliseconds = map_one<std::int64_t, std::int64_t, Same>;
  return {
      {.name = "UNIX_DATE",
       .category = "DATE / TIME",
       .help = "Days from 1970-01-01 to the date, or to today.",
       .overloads = {overload({}, kInteger, today), overload({date}, kInteger, days)},
       .examples = {{"UNIX_DATE(DATE '1970-01-11')", "10"}},
       .deterministic = false},
      {.name = "UNIX_TIMESTAMP",
       .category = "DATE / TIME",
       .help = "Milliseconds from 1970-01-01T00:00:00Z to the timestamp, or to now.",
       .overloads = {overload({}, kBigint, now_in_ms),
                     overload({timestamp}, kBigint, milliseconds)},
       .examples = {{"UNIX_TIMESTAMP(TIMESTAMP '1970-01-01T00:00:01')", "1000"}},
       .deterministic = false},
      {"FROM_UNIXTIME",
       "DATE / TIME",
       "The timestamp that is so many milliseconds after 1970-01-01T00:00:00Z.",
       {overload({bigint}, kTimestamp, milliseconds)},
       {{"FROM_UNIXTIME(1000)", "1970-01-01T00:00:01.000"}}},
      {"FROM_DAYS",
       "DATE / TIME",
       "The date that is so many days after 1970-01-01.",
       {overload({integer}, kDate, days)},
       {{"FROM_DAYS(-1)", "1969-12-31"}}},
  };
}

}  // namespace penstock::engine::functions
