// SHA-256 after a first block that is as good as a key: hashed once, then the start of every
// message. For this module only.
#pragma once

#include <initializer_list>
#include <span>

#include <openssl/sha.h>

#include "base/secret.h"
#include "crypto/sha.h"

namespace penstock::crypto {

// Immutable; any thread.
class Sha256Middle {
 public:
  using Block = std::span<const std::uint8_t, SHA256_CBLOCK>;
  explicit Sha256Middle(Block block);
  Sha256Middle(const Sha256Middle&) = delete;
  Sha256Middle& operator=(const Sha256Middle&) = delete;

  // SHA-256(block || parts, one after the other).
  Sha256Digest operator()(std::initializer_list<ByteView> parts) const;

 private:
  SecretBuffer memory_{sizeof(SHA256_CTX)};
  const SHA256_CTX* context_;
};

}  // namespace penstock::crypto
