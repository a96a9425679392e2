// Bounds on what this module takes from outside.
#pragma once

#include <cstddef>

namespace penstock::crypto {

inline constexpr std::size_t kCborBytesMax = 1 << 20;  // of one document
inline constexpr std::size_t kCborDepthMax = 16;       // nested arrays, maps and tags
inline constexpr std::size_t kCoseRecipientsMax = 64;  // of one COSE_Encrypt
inline constexpr std::size_t kPemBytesMax = 16 << 10;  // of one key
inline constexpr std::size_t kKeyWrapBytesMax = 4096;  // of key data in one wrapping

}  // namespace penstock::crypto
