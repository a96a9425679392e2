// Enrolment of a TPM's attestation key (enclaves.md 2): a secret that only the TPM with a certified
// endorsement key can open, and only while the attestation key is in it, comes back as a MAC over
// the runtime data. So the attestation key is proved to sit in that TPM. Any thread.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "base/json.h"
#include "base/secret.h"
#include "crypto/public_key.h"
#include "crypto/random.h"

namespace penstock::attest {

// What a challenge asked, kept by whoever gave it until it is answered.
struct TpmCredentialAsked {
  SecretBuffer secret;        // 32 random bytes
  crypto::Sha256Digest ek{};  // id of the endorsement key that can open it
  ByteBuffer ak_name;         // of the key that must be in the same TPM
  ByteBuffer ak_public_area;  // as it was sent
};

struct TpmChallenge {
  Json extra_params;  // {"credential_blob", "secret"}: base64 of TPM2B structures
  std::shared_ptr<const TpmCredentialAsked> asked;
};

// `tpm`: {"ek_cert", "ek_public", "ak_public"}, base64 of DER and of TPMT_PUBLIC (or TPM2B_PUBLIC).
// The certificate's chain is judged later, with the evidence; here its key must be that of
// `ek_public`, which must be the default RSA-2048 template. invalid_argument, unsupported.
Result<TpmChallenge> make_tpm_challenge(const Json& tpm, crypto::RandomSource& random);

// HMAC-SHA256(secret, SHA-256 of the canonical runtime data): the answer.
crypto::Sha256Digest tpm_activation(ByteView secret, std::string_view runtime_data);

// The default template of an endorsement key (TCG EK credential profile, L-1), without its key.
// Whether the area is one of it.
bool is_default_ek(ByteView area);

}  // namespace penstock::attest
