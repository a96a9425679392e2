// SipHash-2-4 with 128 bits of output, under a key that nobody outside this process knows: tells
// byte strings apart that others choose, without keeping them. Not for what is stored or sent.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace penstock::topics {

using Hash128 = std::array<std::uint64_t, 2>;

class KeyedHash {
 public:
  using Key = std::array<std::uint8_t, 16>;
  explicit KeyedHash(const Key& key);
  Hash128 operator()(ByteView message) const;

 private:
  std::uint64_t k0_, k1_;
};

}  // namespace penstock::topics
