// Where policies and keys come from: a key file outside enclaves, the key broker inside.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "crypto/ec.h"
#include "seal/policy.h"

namespace penstock::seal {

inline constexpr std::size_t kStateKeyBytes = 32;

// Immutable once made; any thread. What it returns lives as long as it does.
class KeySource {
 public:
  virtual ~KeySource() = default;

  // not_found when there is no such policy.
  virtual Result<const Policy*> policy(std::string_view policy_id) const = 0;
  // The private policy key, or null: this process may not read what the policy covers.
  virtual const crypto::P256PrivateKey* reader_key(std::string_view policy_id) const = 0;
  // A producer's signing key, or null: this process may not seal under the policy.
  virtual const crypto::P256PrivateKey* producer_key(std::string_view policy_id) const = 0;
  virtual std::vector<std::string> policy_ids() const = 0;  // sorted
  // The secret that binds the service's checkpoints to its states (topics/state_key.h), with no
  // relation to any policy's keys: kStateKeyBytes. Empty: these are not a server's keys.
  virtual ByteView state_key() const { return {}; }
};

// The policy that covers `topic`: not_found when none does, failed_precondition when several do
// (the caller must then be told which one).
Result<const Policy*> policy_for_topic(const KeySource& keys, std::string_view topic);

}  // namespace penstock::seal
