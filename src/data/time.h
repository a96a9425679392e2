// Time as streams know it.
#pragma once

#include <cstdint>
#include <limits>

namespace penstock::data {

// No record is later (in the year 73,000,000), no length of time in a statement longer: sums of a
// few of them do not overflow.
inline constexpr std::int64_t kTimeMax_ms = std::numeric_limits<std::int64_t>::max() / 4;
inline constexpr std::int64_t kDurationMax_ms = std::numeric_limits<std::int64_t>::max() / 16;

// Milliseconds since 1970-01-01T00:00:00Z; may be negative.
using TimestampMs = std::int64_t;

// Whether a time is, taken for seconds, one of 2001 to 2286: as milliseconds it lies in early 1970,
// when nothing was recorded that is streamed today.
constexpr bool looks_like_seconds(TimestampMs time) {
  return time >= 1'000'000'000 && time < 10'000'000'000;
}

}  // namespace penstock::data
