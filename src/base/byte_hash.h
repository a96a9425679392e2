// Hashes for tables in memory, keyed anew in each process: nobody outside can choose keys that meet
// in one place. Never stored, never sent.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace penstock {

// Odd and random; the same all along.
std::uint64_t hash_secret();

// `hash`, and what comes next. Both halves of the product, so that each bit of it depends on all of
// the secret.
inline std::uint64_t mix_hash(std::uint64_t hash, std::uint64_t next, std::uint64_t secret) {
  const auto product = static_cast<unsigned __int128>(hash ^ next) * secret;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

std::uint64_t hash_bytes(ByteView bytes);

}  // namespace penstock
