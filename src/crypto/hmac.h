// HMAC (RFC 2104). Compare results with equal_constant_time. Any thread.
#pragma once

#include "crypto/sha.h"

namespace penstock::crypto {

Sha256Digest hmac_sha256(ByteView key, ByteView data);
Sha384Digest hmac_sha384(ByteView key, ByteView data);
Sha512Digest hmac_sha512(ByteView key, ByteView data);

}  // namespace penstock::crypto
