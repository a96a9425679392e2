// The keys that bind a service's checkpoints to its states (topics/state_key.h).
#pragma once

#include <memory>
#include <string>

#include "base/secret.h"
#include "crypto/hmac.h"
#include "crypto/keyed_sha256.h"
#include "seal/key_source.h"
#include "topics/state_key.h"

namespace penstock::engine {

using seal::kStateKeyBytes;

// HMAC-SHA-256 and a keyed SHA-256, under keys that HKDF takes from the service's secret. The key
// of a label's PRF is the value of the keyed SHA-256 for the label.
class ServiceStateKey final : public topics::StateKey {
 public:
  // invalid_argument: not 32 bytes. The caller wipes its own copy.
  static Result<std::shared_ptr<const topics::StateKey>> create(ByteView secret);

  topics::Digest mac(ByteView message) const override { return mac_(message); }
  std::unique_ptr<const topics::Prf> prf(ByteView label) const override;
  topics::Digest hash(ByteView message) const override;
  bool is_public() const override { return is_public_; }

 private:
  friend std::shared_ptr<const topics::StateKey> public_state_key();
  static Result<std::shared_ptr<const topics::StateKey>> make(ByteView secret, bool is_public);
  ServiceStateKey(ByteView mac_key, ByteView prf_key, bool is_public);

  const crypto::HmacSha256 mac_;
  const crypto::KeyedSha256 prf_;
  const bool is_public_;
};

// Whose checkpoints a service of these keys writes; null keys: under the public key. The name of
// the service is the log's. failed_precondition: the keys have no state key.
Result<topics::StateIdentity> state_identity(std::string service, const seal::KeySource* keys);

// For services that have no keys: a constant. Against accidents only.
std::shared_ptr<const topics::StateKey> public_state_key();

}  // namespace penstock::engine
