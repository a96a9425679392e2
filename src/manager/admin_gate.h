// The login of the admin API: the admin token, or a JWT of the owner's key, made for one call.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/secret.h"
#include "crypto/ec.h"
#include "manager/principal.h"
#include "net/http_message.h"

namespace penstock::manager {

// What a login is compared with. Replaced as a whole when something is rotated.
struct Credentials {
  SecretBuffer admin_token;
  crypto::P256PublicKey owner_key;
  // Pins of this manager's CA, lower-case hex: more than one while that is being replaced. JWTs
  // name one of them, so that they are no good at another manager.
  std::vector<std::string> managers;
};

// Thread-safe. The clock outlives it.
class AdminGate {
 public:
  AdminGate(Credentials credentials, const Clock& clock);

  // Who sends this request. unauthenticated: nobody known (the text does not say what was wrong
  // with the credential beyond its kind); permission_denied: known, but not for that. An owner's
  // JWT serves once: it is bound to this manager, method, path, query and body, expires within 5
  // minutes, and is refused if it is older than this gate, which has forgotten which were used.
  Result<Principal> check(const net::HttpRequest& request, Permission wanted);

  // The same for the head of a request, before its body is read; uses nothing up. Comparing the
  // admin token costs nothing; a signature is verified only if `verify` lets it be.
  bool knows(const net::HttpRequest& head, const std::function<bool()>& verify) const;

  // After a rotation.
  Result<> replace_admin_token(ByteView token);
  Result<> replace_owner_key(const crypto::P256PublicKey& key);
  Result<> replace_managers(std::vector<std::string> pins);

 private:
  struct Claimed {
    std::string id;  // jti
    std::string body_digest;
    std::int64_t expires_s = 0;
  };
  std::shared_ptr<const Credentials> credentials() const;
  Result<Claimed> check_owner(const net::HttpRequest& head, std::string_view credential,
                              const Credentials& known) const;
  Result<> use_up(const Claimed& claimed);

  const Clock& clock_;
  const std::int64_t started_ms_;
  mutable std::mutex mutex_;  // of what follows
  std::shared_ptr<const Credentials> credentials_;
  std::map<std::string, std::int64_t, std::less<>> used_;  // ids of JWTs and when they expire
};

// The credential behind "Bearer " (any case); empty if the field is something else.
std::string_view bearer_of(std::string_view authorization);

}  // namespace penstock::manager
