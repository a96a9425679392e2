// What operators keep of one row or group: asked before it is kept, so that a row that is too large
// becomes a dead letter instead of failing the commit that would store it.
#pragma once

#include <cstddef>
#include <string_view>

#include "topics/limits.h"

namespace penstock::engine {

// The rest of what the log takes is for what stores put around keys and values.
inline constexpr std::size_t kKeptKeyBytesMax = 60'000;
inline constexpr std::size_t kKeptValueBytesMax = topics::kStateValueBytesMax - (128 << 10);
static_assert(kKeptKeyBytesMax + 4096 < topics::kStateKeyBytesMax);

// Of one group, over all calls of an aggregation; and of one call.
inline constexpr std::size_t kGroupBytesMax = kKeptValueBytesMax;
inline constexpr std::size_t kCallBytesMax = 2 << 20;

inline constexpr std::string_view kKeptKeyTooLarge = "key_too_large_to_keep";
inline constexpr std::string_view kKeptRowTooLarge = "row_too_large_to_keep";

// Why an entry cannot be kept; empty: it can.
inline std::string_view why_not_kept(std::size_t key_bytes, std::size_t value_bytes = 0) {
  if (key_bytes > kKeptKeyBytesMax) return kKeptKeyTooLarge;
  return value_bytes > kKeptValueBytesMax ? kKeptRowTooLarge : std::string_view();
}

}  // namespace penstock::engine
