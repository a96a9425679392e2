// The keys that bind a service's checkpoints to its states (topics/state_key.h).
#pragma once

#include <memory>
#include <string>

#include "base/secret.h"
#include "crypto/keyed_sha256.h"
#include "seal/key_source.h"
#include "topics/state_key.h"

namespace penstock::engine {

using seal::kStateKeyBytes;

// HMAC-SHA-256 and a keyed SHA-256, under keys that HKDF takes from the service's secret.
class ServiceStateKey final : public topics::StateKey {
 public:
  // invalid_argument: not 32 bytes. The caller wipes its own copy.
  static Result<std::shared_ptr<const topics::StateKey>> create(ByteView secret);

  topics::Digest mac(ByteView message) const override;
  topics::Digest prf(ByteView message) const override { return prf_(message); }
  topics::Digest hash(ByteView message) const override;
  bool is_public() const override { return is_public_; }

 private:
  friend std::shared_ptr<const topics::StateKey> public_state_key();
  static Result<std::shared_ptr<const topics::StateKey>> make(ByteView secret, bool is_public);
  ServiceStateKey(SecretBuffer mac_key, const SecretBuffer& prf_key, bool is_public);

  const SecretBuffer mac_key_;
  const crypto::KeyedSha256 prf_;
  const bool is_public_;
};

// Whose checkpoints a service of these keys writes; null keys: under the public key. The name of
// the service is the log's. failed_precondition: the keys have no state key.
Result<topics::StateIdentity> state_identity(std::string service, const seal::KeySource* keys);

// For services that have no keys: a constant. Against accidents only.
std::shared_ptr<const topics::StateKey> public_state_key();

}  // namespace penstock::engine
