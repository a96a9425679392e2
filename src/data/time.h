// Time as streams know it.
#pragma once

#include <cstdint>

namespace penstock::data {

// Milliseconds since 1970-01-01T00:00:00Z; may be negative.
using TimestampMs = std::int64_t;

// Whether a time is, taken for seconds, one of 2001 to 2286: as milliseconds it lies in early 1970,
// when nothing was recorded that is streamed today.
constexpr bool looks_like_seconds(TimestampMs time) {
  return time >= 1'000'000'000 && time < 10'000'000'000;
}

}  // namespace penstock::data
