// The login of the admin API: the admin token, or a short-lived JWT of the owner's key.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/secret.h"
#include "crypto/ec.h"

namespace penstock::manager {

// Thread-safe. What it is given outlives it.
class AdminGate {
 public:
  AdminGate(const SecretBuffer& admin_token, const crypto::P256PublicKey& owner_key,
            const Clock& clock)
      : admin_token_(admin_token), owner_key_(owner_key), clock_(clock) {}

  // Who calls, "admin" or "owner", from the Authorization field. unauthenticated: nobody known; the
  // text does not say what was wrong with the credential beyond its kind.
  Result<std::string> check(std::string_view authorization) const;

 private:
  const SecretBuffer& admin_token_;
  const crypto::P256PublicKey& owner_key_;
  const Clock& clock_;
};

// The credential behind "Bearer " (any case); empty if the field is something else.
std::string_view bearer_of(std::string_view authorization);

}  // namespace penstock::manager
