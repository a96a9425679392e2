// The JWT by which an owner signs one call of a manager's API: what it says. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.h"
#include "crypto/ec.h"
#include "crypto/random.h"

namespace penstock::keys {

// Claims: {"aud":"penstock-manager","mgr","htm","htu","bdy","jti","iat","iat_ms","exp"}.
struct OwnerToken {
  std::string manager;      // pin of the manager's CA: hex of SHA-256 of its key (SPKI)
  std::string method;       // "PUT"
  std::string target;       // path, and '?' with the query where there is one
  std::string body_digest;  // hex of SHA-256; of nothing for a call without a body
  std::string id;           // 16 random bytes in hex: serves once
  std::int64_t issued_ms = 0;
  std::int64_t expires_s = 0;

  // invalid_argument: the text says which claim.
  static Result<OwnerToken> from_claims(const Json& claims);
};

std::string request_target(std::string_view path, std::string_view query);

// For one call, now. The signed JWT.
Result<std::string> sign_owner_token(std::string_view manager, std::string_view method,
                                     std::string_view target, ByteView body, std::int64_t now_ms,
                                     const crypto::P256PrivateKey& key,
                                     crypto::RandomSource& random);

}  // namespace penstock::keys
