#include "keys/release.h"

#include "base/check.h"

namespace penstock::keys {

Decision decide(const Requester& requester, const attest::Policy& policy,
                const attest::PolicyLists& lists, std::optional<std::int64_t> now_s) {
  Decision out{.granted = false,
               .rules = policy.evaluate(requester.trust, requester.claims, lists, now_s),
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
