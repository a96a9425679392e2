// Keys on the curve P-256: ECDSA with SHA-256 (ES256) and ECDH. Any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "crypto/random.h"
#include "crypto/sha.h"

namespace penstock::crypto {

inline constexpr std::size_t kP256CoordinateBytes = 32;
inline constexpr std::size_t kEs256SignatureBytes = 64;
using Es256Signature = std::array<std::uint8_t, kEs256SignatureBytes>;  // r || s
using Thumbprint = Sha256Digest;                                        // RFC 9679

// A point of the curve, checked when made. A value.
class P256PublicKey {
 public:
  // 32-byte big-endian coordinates; refuses points that are not on the curve.
  static Result<P256PublicKey> from_coordinates(ByteView x, ByteView y);
  // 65 bytes: 04 || x || y (SEC 1, uncompressed).
  static Result<P256PublicKey> from_point(ByteView point);
  // Exactly the deterministic map {1: 2, -1: 1, -2: x, -3: y} (RFC 9053, 7.1.1).
  static Result<P256PublicKey> from_cose_key(ByteView cose_key);
  // PEM of a SubjectPublicKeyInfo ("BEGIN PUBLIC KEY").
  static Result<P256PublicKey> from_pem(std::string_view pem);

  ByteView x() const { return ByteView(xy_).first(kP256CoordinateBytes); }
  ByteView y() const { return ByteView(xy_).last(kP256CoordinateBytes); }
  ByteBuffer to_point() const;
  ByteBuffer to_cose_key() const;
  std::string to_pem() const;
  Thumbprint thumbprint() const;  // SHA-256 of to_cose_key(), RFC 9679

  // Whether `signature` (r || s, 64 bytes) is this key's over SHA-256 of `message`.
  [[nodiscard]] bool verify_es256(ByteView message, ByteView signature) const;

  friend bool operator==(const P256PublicKey&, const P256PublicKey&) = default;

 private:
  P256PublicKey() = default;
  std::array<std::uint8_t, 2 * kP256CoordinateBytes> xy_{};
};

// A private key in locked memory. Movable, copied only by create_clone().
class P256PrivateKey {
 public:
  static Result<P256PrivateKey> generate(RandomSource& random);
  // 32 bytes, big endian, between 1 and the group's order minus 1.
  static Result<P256PrivateKey> from_scalar(ByteView scalar);
  // PEM of PKCS#8 ("BEGIN PRIVATE KEY"), not encrypted.
  static Result<P256PrivateKey> from_pem(std::string_view pem);

  const P256PublicKey& public_key() const { return public_key_; }
  ByteView scalar() const { return scalar_.view(); }
  Result<SecretBuffer> to_pem() const;
  Result<P256PrivateKey> create_clone() const {
    return P256PrivateKey(TRY(scalar_.create_clone()), public_key_);
  }
  // The same for tests: ends the process when there is no memory.
  P256PrivateKey clone() const { return {scalar_.clone(), public_key_}; }

  Result<Es256Signature> sign_es256(ByteView message) const;
  // x coordinate of the shared point, 32 bytes (SEC 1, 3.3.1).
  Result<SecretBuffer> agree(const P256PublicKey& peer) const;

 private:
  P256PrivateKey(SecretBuffer scalar, P256PublicKey public_key)
      : scalar_(std::move(scalar)), public_key_(public_key) {}
  SecretBuffer scalar_;
  P256PublicKey public_key_;
};

}  // namespace penstock::crypto
