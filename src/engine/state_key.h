// The keys that bind a service's checkpoints to its states (topics/state_key.h).
#pragma once

#include <memory>

#include "base/secret.h"
#include "crypto/keyed_sha256.h"
#include "topics/state_key.h"

namespace penstock::engine {

inline constexpr std::size_t kStateKeyBytes = 32;

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
  ServiceStateKey(ByteView secret, bool is_public);

  const SecretBuffer mac_key_;
  const crypto::KeyedSha256 prf_;
  const bool is_public_;
};

// For services that have no keys: a constant. Against accidents only.
std::shared_ptr<const topics::StateKey> public_state_key();

}  // namespace penstock::engine
