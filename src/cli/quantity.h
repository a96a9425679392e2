// Durations and sizes as people write them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace penstock::cli {

// "7d", "12h", "30m", "90s", "1500ms". invalid_argument: anything else, or too long to be counted.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);
std::string duration_text(std::chrono::milliseconds duration);  // in the largest unit that fits
std::string size_text(std::uint64_t bytes);                     // "12.3 MiB"

}  // namespace penstock::cli
