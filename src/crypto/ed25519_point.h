// Whether 32 bytes are a point that an Ed25519 key may have. For this module only.
#pragma once

#include "base/bytes.h"

namespace penstock::crypto {

// The encoding of a point of the curve (RFC 8032, 5.1.3), reduced, and not one of the eight of
// small order, under which a signature may fit many messages. Not in constant time: for public
// keys.
Result<bool> is_ed25519_key(ByteView bytes);

}  // namespace penstock::crypto
