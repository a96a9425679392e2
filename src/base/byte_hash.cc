#include "base/byte_hash.h"

#include <sys/random.h>

#include <cstring>

#include "base/check.h"

namespace penstock {

std::uint64_t hash_secret() {
  static const std::uint64_t secret = [] {
    std::uint64_t drawn = 0;
    CHECK(::getrandom(&drawn, sizeof drawn, 0) == sizeof drawn);  // never less of so few
    return drawn | 1;
  }();
  return secret;
}

std::uint64_t hash_bytes(ByteView bytes) {
  const std::uint64_t secret = hash_secret();
  std::uint64_t hash = secret + bytes.size();
  while (bytes.size() >= 8) {
    std::uint64_t word;
    std::memcpy(&word, bytes.data(), 8);
    hash = mix_hash(hash, word, secret);
    bytes = bytes.subspan(8);
  }
  std::uint64_t rest = 0;
  if (!bytes.empty()) std::memcpy(&rest, bytes.data(), bytes.size());
  return mix_hash(hash, rest, secret);
}

}  // namespace penstock
