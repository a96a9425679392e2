// Bounds on what this module takes from outside.
#pragma once

#include <cstddef>

namespace penstock::keys {

inline constexpr std::size_t kSegmentBytesMax = 128;           // of a resource path
inline constexpr std::size_t kSecretBytesMax = 1 << 20;        // of one resource
inline constexpr std::size_t kNamedSecretBytesMax = 32 << 10;  // of one of kind "secret"
inline constexpr std::size_t kManagerCasMax = 2;      // that a client pins: this and the next
inline constexpr std::size_t kWorkloadNamesMax = 16;  // that one certificate may have
inline constexpr std::size_t kCheckpointPartsMax = 100'000;  // tasks of a service on Kafka
inline constexpr std::size_t kCheckpointNameBytesMax = 512;

}  // namespace penstock::keys
