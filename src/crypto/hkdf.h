// HKDF (RFC 5869), extract and expand in one. Any thread.
#pragma once

#include <cstddef>

#include "base/secret.h"

namespace penstock::crypto {

struct HkdfInput {
  ByteView key_material;
  ByteView salt;  // empty: a salt of zeros of the hash's length
  ByteView info;
};

// `bytes` of output, 1 to 255 times the hash's length; more is our own mistake. io: no
// memory for secrets.
Result<SecretBuffer> hkdf_sha256(const HkdfInput& input, std::size_t bytes);
Result<SecretBuffer> hkdf_sha512(const HkdfInput& input, std::size_t bytes);

}  // namespace penstock::crypto
