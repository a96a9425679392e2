// Public keys of other people's PKIs: P-256, P-384 and RSA, and the signatures that they check. Any
// thread. The kind, curve and hash are the caller's to name: nothing is taken from the signature.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/bytes.h"
#include "crypto/sha.h"

struct evp_pkey_st;

namespace penstock::crypto {

enum class KeyKind : std::uint8_t { p256, p384, rsa };
std::string_view to_text(KeyKind kind);  // "P-256", "P-384", "RSA"

enum class Hash : std::uint8_t { sha1, sha256, sha384, sha512 };
std::string_view to_text(Hash hash);          // "sha256"
std::size_t size_of(Hash hash);               // bytes of a digest
ByteBuffer digest(Hash hash, ByteView data);  // sha1 only to replay logs that carry it

// How a signature is made and written. Raw: r || s, each as long as the curve's coordinate.
enum class SignatureForm : std::uint8_t { ecdsa_raw, ecdsa_der, rsa_pkcs1, rsa_pss };

// A value; copies share the parsed key.
class PublicKey {
 public:
  // DER SubjectPublicKeyInfo. unsupported: another kind or curve, RSA outside 2048..8192 bits.
  static Result<PublicKey> from_spki(ByteView der);
  static Result<PublicKey> from_pem(std::string_view pem);
  // x || y, big endian, 64 or 96 bytes; refuses points that are not on the curve.
  static Result<PublicKey> from_point(KeyKind kind, ByteView xy);
  static Result<PublicKey> from_rsa(ByteView modulus, ByteView exponent);  // big endian

  KeyKind kind() const { return kind_; }
  int bits() const { return bits_; }
  const ByteBuffer& spki() const { return spki_; }
  const Sha256Digest& id() const { return id_; }  // SHA-256 of spki()

  // Whether `signature` is this key's over `hash` of `message`. SHA-1 never is; PSS has MGF1 of the
  // same hash and a salt of its length.
  [[nodiscard]] bool verify(SignatureForm form, Hash hash, ByteView message,
                            ByteView signature) const;

  friend bool operator==(const PublicKey& a, const PublicKey& b) { return a.spki_ == b.spki_; }

 private:
  friend class PkixCertificate;
  friend class Crl;
  // `spki` is the key's own encoding where the caller has it; empty: it is made here.
  static Result<PublicKey> own(std::shared_ptr<evp_pkey_st> key, ByteBuffer spki = {});
  PublicKey() = default;
  std::shared_ptr<evp_pkey_st> key_;
  KeyKind kind_ = KeyKind::p256;
  int bits_ = 0;
  ByteBuffer spki_;
  Sha256Digest id_{};
};

}  // namespace penstock::crypto
