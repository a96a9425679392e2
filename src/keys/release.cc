#include "keys/release.h"

#include "base/check.h"

namespace penstock::keys {

Decision decide(const Requester& requester, const attest::Policy& policy,
                const attest::PolicyLists& lists) {
  Decision out{.granted = false,
               .rules = policy.evaluate(requester.trust, requester.claims, lists),
               .policy_version = policy.version(),
               .policy_digest = policy.digest()};
  out.granted = attest::all_pass(out.rules);
  return out;
}

Result<Json> release(const Decision& decision, ByteView secret, const crypto::JweRecipient& to,
                     crypto::RandomSource& random) {
  CHECK(decision.granted);
  CHECK(attest::all_pass(decision.rules));
  return crypto::jwe_encrypt(secret, to, random);
}

}  // namespace penstock::keys
