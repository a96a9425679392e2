// links: engine sql data base
// The first line is a pattern of java.time's letters, the rest a text: nothing reads beyond either,
// strictly or leniently.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "engine/functions/time_pattern.h"
#include "engine/functions/time_zone.h"

namespace functions = penstock::engine::functions;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t end = std::min(input.find('\n'), input.size());
  const std::string_view text = input.substr(std::min(end + 1, input.size()));
  (void)functions::TimeZone::find(text.substr(0, 80));
  const auto pattern = functions::TimePattern::compile(input.substr(0, end));
  if (!pattern) return 0;
  const auto lenient =
      functions::TimePattern::compile(input.substr(0, end), functions::TimePattern::Style::lenient);
  CHECK(lenient.has_value());
  (void)lenient->parse(text);
  const auto parsed = pattern->parse(text);
  if (!parsed) return 0;
  const std::string printed = pattern->format(parsed->local, functions::TimeZone::utc(), "UTC");
  CHECK(printed.size() <= 256 * 32);
  (void)pattern->parse(printed);
  return 0;
}
