// Encryption to a guest's key: JSON Web Encryption (RFC 7516) in the flattened form that key
// brokers answer with, and the public keys (RFC 7517, 7518) that guests send. Any thread.
#pragma once

#include <string_view>
#include <variant>

#include "base/json.h"
#include "base/secret.h"
#include "crypto/ec.h"
#include "crypto/random.h"

namespace penstock::crypto {

// The public key of a recipient: P-256, P-521 or RSA of 2048 to 4096 bits, with the key-wrapping
// algorithm that belongs to it. A value.
class JweRecipient {
 public:
  // {"alg":"ECDH-ES+A256KW","crv":"P-256"|"P-521","kty":"EC","x","y"} or
  // {"alg":"RSA-OAEP-256","e","kty":"RSA","n"}; other members are ignored, as brokers do.
  // invalid_argument: not such a key, a point off the curve; unsupported: another algorithm, such
  // as RSA1_5. `what` names the key in errors.
  static Result<JweRecipient> from_jwk(const Json& jwk, std::string_view what);
  static JweRecipient of(const P256PublicKey& key);

  // Exactly the typed members: what report data is computed over.
  const Json& jwk() const { return jwk_; }
  std::string_view algorithm() const;  // "ECDH-ES+A256KW", "RSA-OAEP-256"
  // SHA-256 of the canonical JSON of the required members (RFC 7638).
  Sha256Digest thumbprint() const;

  friend bool operator==(const JweRecipient& a, const JweRecipient& b) { return a.jwk_ == b.jwk_; }

 private:
  explicit JweRecipient(Json jwk) : jwk_(std::move(jwk)) {}
  Json jwk_;
};

// {"protected","encrypted_key","iv","ciphertext","tag"}, all base64url, `enc` A256GCM, no `aad`.
// The protected header is compact JSON whose members stand in the order alg, enc, then by name
// (inside epk: crv, kty, x, y): guests parse and write it again to rebuild what is authenticated.
Result<Json> jwe_encrypt(ByteView plaintext, const JweRecipient& to, RandomSource& random);

// For a P-256 key. Bytes of the protected header are authenticated as they came.
// invalid_argument: not such a message; unsupported: another algorithm; not_authentic.
Result<SecretBuffer> jwe_decrypt(const Json& message, const P256PrivateKey& key);

}  // namespace penstock::crypto
