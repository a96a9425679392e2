// Signatures of people and tools over documents: ES256 or Ed25519 (RFC 8032), by the key's kind.
// Any thread.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "base/secret.h"
#include "crypto/ec.h"

namespace penstock::crypto {

class Ed25519PublicKey {
 public:
  static Result<Ed25519PublicKey> from_bytes(ByteView bytes);  // 32
  ByteView bytes() const { return bytes_; }
  [[nodiscard]] bool verify(ByteView message, ByteView signature) const;
  friend bool operator==(const Ed25519PublicKey&, const Ed25519PublicKey&) = default;

 private:
  std::array<std::uint8_t, 32> bytes_{};
};

// A public key that may sign. A value.
class VerificationKey {
 public:
  // PEM of a SubjectPublicKeyInfo. unsupported: neither P-256 nor Ed25519.
  static Result<VerificationKey> from_pem(std::string_view pem);
  explicit VerificationKey(P256PublicKey key) : key_(key) {}
  explicit VerificationKey(Ed25519PublicKey key) : key_(key) {}

  std::string to_pem() const;
  std::string_view algorithm() const;  // "ES256", "Ed25519"
  Sha256Digest id() const;             // SHA-256 of the DER SubjectPublicKeyInfo
  [[nodiscard]] bool verify(ByteView message, ByteView signature) const;  // 64 bytes, both kinds

  friend bool operator==(const VerificationKey&, const VerificationKey&) = default;

 private:
  std::variant<P256PublicKey, Ed25519PublicKey> key_;
};

// A private key, PKCS#8 PEM, not encrypted.
class SigningKey {
 public:
  static Result<SigningKey> generate_ed25519(RandomSource& random);
  static Result<SigningKey> from_pem(std::string_view pem);
  Result<SecretBuffer> to_pem() const;
  const VerificationKey& public_key() const { return public_key_; }
  Result<ByteBuffer> sign(ByteView message) const;  // 64 bytes

 private:
  using Key = std::variant<P256PrivateKey, SecretBuffer>;  // Ed25519: its 32-byte seed
  SigningKey(Key key, VerificationKey public_key) : key_(std::move(key)), public_key_(public_key) {}
  Key key_;
  VerificationKey public_key_;
};

}  // namespace penstock::crypto
