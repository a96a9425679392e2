// HMAC (RFC 2104). Compare results with equal_constant_time. Any thread.
#pragma once

#include "crypto/sha.h"
#include "crypto/sha256_middle.h"

namespace penstock::crypto {

Sha256Digest hmac_sha256(ByteView key, ByteView data);
Sha384Digest hmac_sha384(ByteView key, ByteView data);
Sha512Digest hmac_sha512(ByteView key, ByteView data);

// HMAC-SHA-256 under a key that stays: hashed once, and no algorithm is looked up per message.
class HmacSha256 {
 public:
  explicit HmacSha256(ByteView key);  // at most 64 bytes, CHECKed; the caller wipes its own copy
  Sha256Digest operator()(ByteView data) const { return outer_({inner_({data})}); }

 private:
  Sha256Middle inner_, outer_;
};

}  // namespace penstock::crypto
