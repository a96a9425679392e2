// The decision whether a resource leaves, and its wrapping to the guest's key. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "attest/policy.h"
#include "attest/verdict.h"
#include "crypto/jwe.h"
#include "keys/resource.h"

namespace penstock::keys {

// Who asks: what attestation found, kept in the session or signed into the token.
struct Requester {
  std::string tee;
  attest::Trust trust = attest::Trust::none;
  attest::Claims claims;
  crypto::JweRecipient key;
};

struct Decision {
  bool granted = false;
  std::vector<attest::RuleOutcome> rules;
  std::int64_t policy_version = 0;
  std::string policy_digest;
};

// Checked at every release, not only when the token was made: builds and policies change. `now_s`:
// Policy::evaluate.
Decision decide(const Requester& requester, const attest::Policy& policy,
                const attest::PolicyLists& lists, std::optional<std::int64_t> now_s = std::nullopt);

// The flattened JWE of a granted resource. CHECKs that it was granted.
Result<Json> release(const Decision& decision, ByteView secret, const crypto::JweRecipient& to,
                     crypto::RandomSource& random);

}  // namespace penstock::keys
