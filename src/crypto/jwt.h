// Signed JSON tokens (RFC 7519 over RFC 7515, compact form), ES256 and nothing else. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "crypto/ec.h"

namespace penstock::crypto {

// `header` gets "alg": "ES256" and, unless it has one, "typ": "JWT".
Result<std::string> sign_jwt(const Json& claims, const P256PrivateKey& key,
                             Json header = Json::object());

struct Jwt {
  Json header;
  Json claims;
};
// not_authentic: not signed by `key`; invalid_argument: not a compact ES256 token, or longer than
// kJwtBytesMax. Whether the time fits and who is meant, the caller decides (check_jwt_times).
Result<Jwt> verify_jwt(std::string_view token, const P256PublicKey& key);

// exp (required) and nbf, iat (where present) against `now_s`, with `leeway_s` for clocks that
// differ. unauthenticated: expired or not yet valid; invalid_argument: no exp, or not numbers.
Result<> check_jwt_times(const Json& claims, std::int64_t now_s, std::int64_t leeway_s);

}  // namespace penstock::crypto
