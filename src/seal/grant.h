// Grants say who may open an epoch; one per epoch, in the compacted topic `<topic>.grants`, its key
// the epoch's name (id || producer thumbprint, so that nobody's grant pushes out another's when the
// topic is compacted), committed with or before the first record of its epoch.
#pragma once

#include <string>
#include <string_view>

#include "base/secret.h"
#include "crypto/random.h"
#include "seal/epoch.h"
#include "seal/policy.h"

namespace penstock::seal {

// "<topic>.grants".
std::string grants_topic(std::string_view topic);
// Whether a topic's name says that it holds grants.
bool is_grants_topic(std::string_view topic);

struct GrantSpec {
  EpochId epoch;
  EpochContext context;
  std::int64_t not_after_s = 0;
  std::uint64_t records_max = 0;
};

// Signed by `producer`, the secret wrapped for every reader of the policy.
Result<ByteBuffer> make_grant(const GrantSpec& spec, ByteView secret, const Policy& policy,
                              const crypto::P256PrivateKey& producer, crypto::RandomSource& random);

// What the reader knows by itself; all of it must match.
struct GrantExpectation {
  std::string_view topic;
  std::string_view policy_id;
  PolicyDigest policy_digest{};
  bool schema_required = false;
  std::int64_t now_s = 0;
};
// Gives the producer's key for a thumbprint, null when the policy does not name it.
class ProducerKeys {
 public:
  virtual ~ProducerKeys() = default;
  virtual const crypto::P256PublicKey* find(ByteView thumbprint) const = 0;
};

struct OpenedGrant {
  GrantSpec spec;
  EpochName name() const { return {spec.context.producer, spec.epoch}; }
  EpochKeys keys;
};
// Verifies the signature with a key that `producers` names, unwraps with `reader`, then checks
// context, not_after and commit. not_authentic: signature, wrapping or commit; permission_denied:
// producer not named, reader not granted; failed_precondition: another topic, policy or digest, or
// expired; invalid_argument: malformed.
Result<OpenedGrant> open_grant(ByteView grant, const ProducerKeys& producers,
                               const crypto::P256PrivateKey& reader,
                               const GrantExpectation& expected);

}  // namespace penstock::seal
