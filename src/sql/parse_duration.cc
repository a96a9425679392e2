// Lengths of time: 5 SECONDS, 1 DAY.
#include <fmt/format.h>
#include <array>

#include "data/time.h"
#include "sql/parser.h"

namespace penstock::sql {
namespace {

struct TimeUnit {
  std::string_view name;  // singular
  std::int64_t ms;
};
constexpr std::array<TimeUnit, 8> kUnits = {{{"MILLISECOND", 1},
                                             {"SECOND", 1000},
                                             {"MINUTE", 60'000},
                                             {"HOUR", 3'600'000},
                                             {"DAY", 86'400'000},
                                             {"WEEK", 604'800'000},
                                             {"MONTH", 2'592'000'000},
                                             {"YEAR", 31'536'000'000}}};

const TimeUnit* unit_of(std::string_view word) {
  for (const TimeUnit& unit : kUnits) {
    const bool plural = word.ends_with('S') && word.substr(0, word.size() - 1) == unit.name;
    if (word == unit.name || plural) return &unit;
  }
  return nullptr;
}

}  // namespace

bool is_time_unit(std::string_view word) {
  return unit_of(word) != nullptr;
}

Parsed<std::int64_t> parse_duration(TokenCursor& cursor) {
  const std::uint32_t begin = cursor.position();
  const std::int64_t count = TRY(cursor.expect_count("a number, as in 5 MINUTES"));
  const Token& token = cursor.peek();
  const TimeUnit* unit = token.kind == TokenKind::word ? unit_of(token.text) : nullptr;
  if (unit == nullptr) {
    return cursor.unexpected("MILLISECONDS, SECONDS, MINUTES, HOURS or DAYS",
                             {"MILLISECONDS", "SECONDS", "MINUTES", "HOURS", "DAYS"});
  }
  cursor.take();
  if (count > data::kDurationMax_ms / unit->ms)
    return problem(
        cursor.span_since(begin),
        fmt::format("A length of time is at most {} milliseconds.", data::kDurationMax_ms));
  return count * unit->ms;
}

}  // namespace penstock::sql
