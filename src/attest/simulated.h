// Verifier of the development TEE.
#pragma once

#include <string>

#include "attest/verifier.h"

namespace penstock::attest {

Verifier simulated_verifier();

// How evidence names its platform: hex of SHA-256 of the key's SubjectPublicKeyInfo.
std::string platform_id(const crypto::P256PublicKey& key);

}  // namespace penstock::attest
