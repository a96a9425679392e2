// Bodies of the key broker protocol 0.4, as guests send them and as they are answered. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "crypto/jwe.h"

namespace penstock::manager {

inline constexpr std::string_view kProtocolVersion = "0.4.0";

struct AuthRequest {
  std::string version;
  std::string tee;
};
// invalid_argument: malformed; unauthenticated: another protocol version (both are named).
Result<AuthRequest> parse_auth_request(std::string_view body);

struct AttestRequest {
  std::string nonce;                    // as it came
  crypto::JweRecipient key;             // tee-pubkey
  std::string evidence;                 // JSON text of primary_evidence
  std::string additional;               // additional_evidence as it came
  std::optional<std::string> initdata;  // raw text of the configuration
};
// invalid_argument, unsupported: names the member.
Result<AttestRequest> parse_attest_request(std::string_view body);

// {"type":".../errors/<kind>","detail":...}
std::string broker_error(std::string_view kind, std::string_view detail);

}  // namespace penstock::manager
