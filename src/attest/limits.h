// Bounds on what this module takes from outside.
#pragma once

#include <cstddef>

namespace penstock::attest {

inline constexpr std::size_t kEvidenceBytesMax = 1 << 20;  // with an event log inside
inline constexpr std::size_t kInitdataBytesMax = 64 << 10;
inline constexpr std::size_t kInitdataFilesMax = 64;
inline constexpr std::size_t kPolicyBytesMax = 64 << 10;
inline constexpr std::size_t kPolicyDepthMax = 8;
inline constexpr std::size_t kPolicyConditionsMax = 256;

}  // namespace penstock::attest
