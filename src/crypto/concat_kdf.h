// The single-step key derivation of ECDH-ES (NIST SP 800-56A, "Concat KDF"; RFC 7518, 4.6.2), for
// keys of at most 256 bits. Any thread.
#pragma once

#include <string_view>

#include "base/secret.h"

namespace penstock::crypto {

struct ConcatKdfInput {
  ByteView shared_secret;      // Z
  std::string_view algorithm;  // AlgorithmID: the name in `alg`, or `enc` with plain ECDH-ES
  ByteView party_u;            // the decoded `apu`, empty: none
  ByteView party_v;            // the decoded `apv`
};

// key_bytes: 1 to 32; more is our own mistake. io: no memory for secrets.
Result<SecretBuffer> concat_kdf_sha256(const ConcatKdfInput& input, std::size_t key_bytes);

}  // namespace penstock::crypto
