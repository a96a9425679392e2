// A fast pseudo-random function of two byte strings: SHA-256 over a block that holds the key, the
// lengths of both and both. The block is hashed once per key, and the lengths in front make all
// inputs prefix-free, so no longer message says anything about a shorter one's value.
#pragma once

#include "crypto/sha256_middle.h"

namespace penstock::crypto {

// Immutable; any thread.
class KeyedSha256 {
 public:
  explicit KeyedSha256(ByteView key);  // 32 bytes, CHECKed; the caller wipes its own copy

  // 32 uniform bytes: SHA-256(key || 32 zeros || length of first || length of second || first ||
  // second), the lengths as unsigned LEB128. 53 bytes of both, each shorter than 128, take one
  // block.
  Sha256Digest operator()(ByteView first, ByteView second = {}) const;

 private:
  Sha256Middle middle_;
};

}  // namespace penstock::crypto
