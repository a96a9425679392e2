// AES-256 key wrap (RFC 3394, default initial value). Any thread.
#pragma once

#include "base/secret.h"

namespace penstock::crypto {

// kek: 32 bytes. key: 16 to kKeyWrapBytesMax bytes, a multiple of 8. The result is 8 bytes longer.
Result<ByteBuffer> wrap_key(ByteView kek, ByteView key);

// not_authentic when the integrity check fails: wrong kek or changed bytes.
Result<SecretBuffer> unwrap_key(ByteView kek, ByteView wrapped);

}  // namespace penstock::crypto
