// A fast pseudo-random function: SHA-256 over a block that holds the key, the message's length and
// the message. The block is hashed once per key, and the length in front makes all inputs
// prefix-free, so no longer message says anything about a shorter one's value.
#pragma once

#include <memory>

#include "crypto/sha.h"

namespace penstock::crypto {

// Immutable; any thread.
class KeyedSha256 {
 public:
  explicit KeyedSha256(ByteView key);  // 32 bytes, CHECKed; the caller wipes its own copy
  ~KeyedSha256();
  KeyedSha256(const KeyedSha256&) = delete;
  KeyedSha256& operator=(const KeyedSha256&) = delete;

  // 32 uniform bytes: SHA-256(key || 32 zeros || length, 8 bytes little endian || message).
  Sha256Digest operator()(ByteView message) const;

 private:
  struct Middle;
  std::unique_ptr<const Middle> middle_;
};

}  // namespace penstock::crypto
