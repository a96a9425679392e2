#include "cli/quantity.h"

#include <array>
#include <charconv>

#include <fmt/format.h>

namespace penstock::cli {
namespace {

struct TimeUnit {
  std::string_view name;
  std::int64_t ms;
};
constexpr std::array<TimeUnit, 5> kTimeUnits = {
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};
constexpr std::int64_t kDurationMax_ms = std::int64_t{36'500} * 86'400'000;  // a hundred years

}  // namespace

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string_view name(end, static_cast<std::size_t>(text.data() + text.size() - end));
  for (const TimeUnit& unit : kTimeUnits) {
    if (error != std::errc() || name != unit.name || count <= 0) continue;
    if (count > kDurationMax_ms / unit.ms) break;
    return std::chrono::milliseconds(count * unit.ms);
  }
  return fail(ErrorCode::invalid_argument,
              fmt::format("'{}' is no duration: expected a whole number and d, h, m, s or ms, like "
                          "7d",
                          text));
}

std::string duration_text(std::chrono::milliseconds duration) {
  for (const TimeUnit& unit : kTimeUnits)
    if (duration.count() % unit.ms == 0 && duration.count() >= unit.ms)
      return fmt::format("{}{}", duration.count() / unit.ms, unit.name);
  return "0ms";
}

std::string size_text(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 5> kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  auto size = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; size >= 1024 && unit + 1 < kUnits.size(); ++unit) size /= 1024;
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", size, kUnits[unit]);
}

}  // namespace penstock::cli
