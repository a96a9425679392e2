// The curve P-521, as far as answering guests with such keys needs it. For this module only.
#pragma once

#include "base/secret.h"
#include "crypto/random.h"

namespace penstock::crypto {

inline constexpr std::size_t kP521CoordinateBytes = 66;

// invalid_argument: not coordinates of that length, reduced, of a point on the curve.
Result<> check_p521_point(ByteView x, ByteView y);

// A fresh key pair's side of an agreement.
struct P521Agreement {
  ByteBuffer x, y;      // of the fresh public key
  SecretBuffer shared;  // x coordinate of the shared point, 66 bytes
};
Result<P521Agreement> agree_on_p521(ByteView peer_x, ByteView peer_y, RandomSource& random);

}  // namespace penstock::crypto
