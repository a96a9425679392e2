// Random bytes through a port, so that tests and simulations are repeatable.
#pragma once

#include "base/bytes.h"

namespace penstock::crypto {

class RandomSource {
 public:
  virtual ~RandomSource() = default;
  // Fills `out` with bytes fit for keys, or fails and leaves it zeroed.
  virtual Result<> fill(ByteSpan out) = 0;
};

// libcrypto's generator for private values, seeded by the operating system. Any thread.
RandomSource& system_random();

}  // namespace penstock::crypto
