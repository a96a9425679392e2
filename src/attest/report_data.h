// What evidence must be bound to: the session's nonce, the guest's key and the configuration.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/json.h"
#include "crypto/sha.h"

namespace penstock::attest {

using ReportData = std::array<std::uint8_t, 64>;

// SHA-384 of the canonical JSON of {"additional-evidence", "nonce", "tee-pubkey"}, right-padded
// with zeros (key broker protocol 0.4: reference/key-broker.md 1). The key's JWK holds exactly its
// typed members (crypto::JweRecipient::jwk).
// Its canonical text is what other forms are made of (a TPM takes SHA-256).
Result<std::string> runtime_data(std::string_view additional_evidence, std::string_view nonce,
                                 const Json& tee_pubkey);
Result<ReportData> report_data(std::string_view additional_evidence, std::string_view nonce,
                               const Json& tee_pubkey);

// For the report of a running server (penstock attest), which has no broker in between: SHA-384 of
// the canonical JSON of {"exporter","nonce","role","spki_sha256"}; exporter and spki_sha256 are ""
// where the connection is not TLS.
struct SessionBinding {
  std::string nonce;        // base64 of 32 bytes
  std::string exporter;     // base64 of 32 bytes
  std::string role;         // "server"
  std::string spki_sha256;  // hex
};
Result<ReportData> report_data(const SessionBinding& binding);

}  // namespace penstock::attest
