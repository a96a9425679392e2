// What an attested guest carries: an EAR in a JWT (ES256), with the token certificate that our CA
// issued in its header, and our own claims for deciding again at each release. Thread-safe.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "attest/verdict.h"
#include "base/clock.h"
#include "keys/release.h"
#include "manager/owner_files.h"

namespace penstock::manager {

// What an attestation found; all of it goes into the token but the evidence itself.
struct Attested {
  const keys::Requester& requester;
  std::string_view nonce;
  std::string_view report_data;    // hex
  std::string_view config_digest;  // hex; empty: no configuration came
};

// What verification alone has found, for whoever relies on it.
struct VerifiedAlone {
  std::string_view tee;
  attest::Trust trust = attest::Trust::none;
  const attest::Claims& claims;
  std::string_view policy;         // the app whose policy holds; empty: none was asked
  std::string_view report_data;    // hex
  std::string_view config_digest;  // hex
  const Json& runtime_claims;      // null: they came raw
};

class TokenIssuer {
 public:
  // Issues its certificate. The files, clock and random outlive it.
  static Result<std::unique_ptr<TokenIssuer>> create(const OwnerFiles& files, bool development,
                                                     const Clock& clock,
                                                     crypto::RandomSource& random);

  // Valid for kTokenSeconds.
  Result<std::string> issue(const Attested& attested) const;

  // A result that opens nothing here: check() refuses it.
  Result<std::string> issue_result(const VerifiedAlone& verified) const;

  // unauthenticated: not our token, for another use, expired, or changed.
  Result<keys::Requester> check(std::string_view token) const;

  // {"keys":[...]} for those who check tokens themselves.
  const Json& jwks() const { return jwks_; }

 private:
  TokenIssuer(const OwnerFiles& files, bool development, const Clock& clock,
              crypto::RandomSource& random)
      : files_(files), development_(development), clock_(clock), random_(random) {}

  Result<Json> base_claims(std::string_view issuer) const;

  const OwnerFiles& files_;
  const bool development_;
  const Clock& clock_;
  crypto::RandomSource& random_;
  Json header_ = Json::object();
  Json jwks_ = Json::object();
};

}  // namespace penstock::manager
