// What a key broker answers (protocol 0.4), from bytes to values. Pure; what the fuzz target
// drives.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.h"
#include "crypto/x509.h"

namespace penstock::enroll {

// The nonce of a challenge {"nonce","extra-params"}, as it came: it goes back letter by letter.
Result<std::string> read_challenge(std::string_view body);

struct BrokerToken {
  std::string text;            // a compact JWT; its signature is for others to check
  std::int64_t issued_s = 0;   // iat; 0: it does not say
  std::int64_t expires_s = 0;  // exp
};
Result<BrokerToken> read_token(std::string_view body);  // {"token"}

// The flattened JWE of a resource.
Result<Json> read_resource(std::string_view body);

// The cookie `kbs-session-id` of a Set-Cookie field: "kbs-session-id=<value>".
Result<std::string> read_session_cookie(std::string_view set_cookie);

// An answer that is no 200. {"type": ".../errors/<Kind>","detail"}; the detail is cut and cleaned.
//   403, and 401 of kind AttestationError whose detail begins with "denied": permission_denied;
//   other 401: unauthenticated (a session that the manager has forgotten, a token that is over);
//   404: not_found; 408, 429 and 5xx: unavailable; others: failed_precondition.
// {"certificate"}: one certificate, as PEM.
Result<crypto::Certificate> read_certificate(std::string_view body);
// The term of a lease.
Result<std::int64_t> read_lease(std::string_view body);
Error read_refusal(int status, std::string_view body);

}  // namespace penstock::enroll
