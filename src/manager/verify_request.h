// The body of POST /v1/attestation, as the field's attestation service takes it. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "crypto/public_key.h"

namespace penstock::manager {

struct VerifyRequest {
  std::string tee, evidence;
  std::string runtime_data;  // what was hashed; canonical JSON where it came structured
  Json runtime_claims;       // that JSON; null: it came raw
  crypto::Hash hash = crypto::Hash::sha384;
  ByteBuffer config_digest;  // empty: no configuration came
  std::string policy;        // an app's; empty: the evidence's own rules alone
};
// invalid_argument, limit_exceeded: names the member. What is not known is refused.
Result<VerifyRequest> parse_verify_request(std::string_view text);

}  // namespace penstock::manager
