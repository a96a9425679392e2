// TPM2_MakeCredential (TPM 2.0 Library, part 1, 24; part 3, 12.6), done without a TPM: a secret
// that only the TPM with this endorsement key can open, and only while the named key is in it.
#pragma once

#include "base/secret.h"
#include "crypto/public_key.h"
#include "crypto/random.h"

namespace penstock::crypto {

struct TpmCredential {
  ByteBuffer blob;    // TPM2B_ID_OBJECT
  ByteBuffer secret;  // TPM2B_ENCRYPTED_SECRET
};

// For an endorsement key of the default RSA-2048 template (SHA-256, AES-128-CFB); `name` is that of
// the key to be proved (2 bytes of algorithm, then a digest), `content` 1 to 32 bytes.
// unsupported: another kind of key.
Result<TpmCredential> make_tpm_credential(const PublicKey& endorsement_key, ByteView name,
                                          ByteView content, RandomSource& random);

// KDFa with HMAC-SHA256 (part 1, 11.4.10.2); `label` without its closing zero. At most 32 bytes.
SecretBuffer tpm_kdfa(ByteView key, std::string_view label, ByteView context, std::size_t bytes);

}  // namespace penstock::crypto
