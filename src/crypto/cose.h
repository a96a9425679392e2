// COSE (RFC 9052, 9053): the messages that sealed streams use. All CBOR is deterministic.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "crypto/ec.h"
#include "crypto/random.h"

namespace penstock::crypto {

// Numbers of RFC 9052, 9053 and 9679.
inline constexpr std::int64_t kCoseAlgA256Gcm = 3;
inline constexpr std::int64_t kCoseAlgA256Kw = -5;
inline constexpr std::int64_t kCoseAlgEs256 = -7;
inline constexpr std::int64_t kCoseAlgEcdhEsA256Kw = -31;
inline constexpr std::uint64_t kCoseTagEncrypt0 = 16;
inline constexpr std::uint64_t kCoseTagSign1 = 18;
inline constexpr std::uint64_t kCoseTagEncrypt = 96;

// COSE_Sign1 by view into the input. Headers are encoded CBOR; protected_header is what the
// byte string holds.
struct CoseSign1 {
  ByteView protected_header;
  ByteView unprotected_header;
  ByteView payload;
  ByteView signature;
};
// Tagged (18) and with its payload inside.
Result<CoseSign1> parse_sign1(ByteView message);
// `protected_header` must say ES256; whose key it is, the caller decides.
Result<> verify_sign1(const CoseSign1& message, ByteView external_aad, const P256PublicKey& key);
Result<ByteBuffer> sign1(ByteView protected_header, ByteView payload, ByteView external_aad,
                         const P256PrivateKey& key);

// COSE_Encrypt0, tagged (16), AES-256-GCM, with a nonce that the caller derives. For records there
// is a faster way in seal; both give equal bytes.
struct CoseEncrypt0 {
  ByteView protected_header;
  ByteView unprotected_header;
  ByteView ciphertext;  // with its tag
};
Result<CoseEncrypt0> parse_encrypt0(ByteView message);
ByteBuffer encode_encrypt0(ByteView protected_header, ByteView ciphertext);

// What is authenticated beside the plaintext: ["Encrypt0" or "Encrypt", protected, external_aad].
ByteBuffer enc_structure(std::string_view context, ByteView protected_header,
                         ByteView external_aad);

// COSE_Encrypt, tagged (96): content under a fresh AES-256-GCM key, the key wrapped for every
// recipient by ECDH-ES+A256KW (HKDF-SHA-256, no salt, context of RFC 9053 5.2 without party
// information). 1 to kCoseRecipientsMax recipients.
Result<ByteBuffer> encrypt_for(ByteView plaintext, std::span<const P256PublicKey> recipients,
                               RandomSource& random);

// not_found when no recipient carries the thumbprint of `key`; not_authentic when unwrapping or
// opening fails.
Result<SecretBuffer> decrypt_with(ByteView message, const P256PrivateKey& key);

// The key-encryption key of one recipient from the ECDH output.
Result<SecretBuffer> ecdh_es_a256kw_key(ByteView shared_secret,
                                        ByteView recipient_protected_header);

}  // namespace penstock::crypto
