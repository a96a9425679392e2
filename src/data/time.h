// Time as streams know it.
#pragma once

#include <cstdint>

namespace penstock::data {

// Milliseconds since 1970-01-01T00:00:00Z; may be negative.
using TimestampMs = std::int64_t;

}  // namespace penstock::data
