// Bodies of the key broker protocol 0.4, as guests send them and as they are answered. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "crypto/csr.h"
#include "crypto/jwe.h"
#include "keys/held_checkpoint.h"

namespace penstock::manager {

inline constexpr std::string_view kProtocolVersion = "0.4.0";

struct AuthRequest {
  std::string version;
  std::string tee;
  Json extra_params = Json::object();  // as they came; for the TEE's verifier
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

// What an enclave says about its service's lease (our own route, beside the protocol's):
// {"step":"start"|"renew"|"stop","instance":"","term":n,"checkpoint":{...}}
struct LeaseRequest {
  enum class Step : std::uint8_t { start, renew, stop };
  Step step = Step::start;
  std::string instance;   // "" unless processes share the service
  std::int64_t term = 0;  // of the lease that it has; 0 at the start
  keys::HeldCheckpoint checkpoint;
};
// invalid_argument, limit_exceeded: names the member.
Result<LeaseRequest> parse_lease_request(std::string_view body);

// {"csr":"<base64 of a PKCS #10 request>","life_s":86400}
struct CertificateCall {
  crypto::CertificateRequest request;
  std::int64_t life_s = 0;
};
// invalid_argument, limit_exceeded: names the member; not_authentic: the request is not signed by
// its key.
Result<CertificateCall> parse_certificate_call(std::string_view body);

// {"type":".../errors/<kind>","detail":...}
std::string broker_error(std::string_view kind, std::string_view detail);

}  // namespace penstock::manager
