// Between this module's keys and libcrypto's, and PEM texts. For this module only. Any thread.
#pragma once

#include <string_view>

#include "crypto/ec.h"
#include "crypto/openssl.h"

namespace penstock::crypto {

Result<PkeyPtr> make_pkey(const P256PublicKey& key);
Result<PkeyPtr> make_pkey(const P256PrivateKey& key);

// A key of libcrypto's `kind` ("EC", "RSA") from its parameters; selection: EVP_PKEY_PUBLIC_KEY ...
Result<PkeyPtr> pkey_from_params(const char* kind, int selection, OSSL_PARAM* params);

bool is_p256(const EVP_PKEY* key);
// invalid_argument: a key of another kind or without a point.
Result<P256PublicKey> p256_of(const EVP_PKEY* key);

// The DER SubjectPublicKeyInfo; a failure would be our own mistake.
ByteBuffer subject_public_key_info(const EVP_PKEY* key);
// The key as "BEGIN PUBLIC KEY", and as "BEGIN PRIVATE KEY" (PKCS#8, not encrypted).
std::string public_pem_of(EVP_PKEY* key);
Result<SecretBuffer> private_pem_of(EVP_PKEY* key);

// Reads from `pem`, which must outlive it; at most kPemBytesMax (else limit_exceeded).
Result<BioPtr> bio_over(std::string_view pem, std::string_view what);
// A key of any kind, null for what is not one. Encrypted ones are not read.
PkeyPtr read_public_pem(BIO* bio);
PkeyPtr read_private_pem(BIO* bio);

// What was written to a memory BIO; valid while that lives and is not written to.
ByteView memory_of(BIO* bio);

}  // namespace penstock::crypto
