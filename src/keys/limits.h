// Bounds on what this module takes from outside.
#pragma once

#include <cstddef>

namespace penstock::keys {

inline constexpr std::size_t kSegmentBytesMax = 128;     // of a resource path
inline constexpr std::size_t kSecretBytesMax = 1 << 20;  // of one resource

}  // namespace penstock::keys
