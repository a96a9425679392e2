// What a verifier says about a piece of evidence: facts (claims) and the rules that were run.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "attest/rule.h"
#include "base/error.h"
#include "base/json.h"

namespace penstock::attest {

// How much the evidence is worth whatever its rules say (enclaves.md 1).
enum class Trust : std::uint8_t {
  hardware,   // a TEE that resists its host
  provider,   // a vTPM in the hands of the cloud provider
  operator_,  // a vTPM in the operator's hands: shows changes, resists nobody
  none,       // simulated, sample: protects nothing
};
std::string_view to_text(Trust trust);            // "hardware", "provider", "operator", "none"
Result<Trust> trust_from(std::string_view text);  // invalid_argument: none of these

// Facts from the evidence, by name. Common names, lower-case hex where bytes:
//   tee            "simulated", "sample", "snp" ...
//   trust          see above
//   measurement    what runs
//   config_digest  of the measured configuration; "" when none was given
//   debug          boolean
//   svn            security version, a number
//   platform       SHA-256 id of the platform's key or chip
//   judged_at      when, in UTC: "2026-02-01T00:00:00Z"
//   collateral_late_s  how far past its end the oldest collateral was taken; absent: none was
//   waived         names of rules that do not hold and that a policy lets off; absent: none
// Verifiers add their own, under "<tee>.<name>".
using Claims = Json;  // an object

// Made by judge() only (attest/judge.h), with every rule of the verifier in it.
class Verdict {
 public:
  const std::string& tee() const { return tee_; }
  Trust trust() const { return trust_; }
  const std::vector<RuleOutcome>& rules() const { return rules_; }
  const Claims& claims() const { return claims_; }  // to be believed only if affirming()
  bool affirming() const { return all_pass(rules_); }
  Json to_json() const;  // {"tee","trust","affirming","rules","claims"}

 private:
  friend class Judge;
  Verdict() = default;
  std::string tee_;
  Trust trust_ = Trust::none;
  std::vector<RuleOutcome> rules_;
  Claims claims_ = Json::object();
};

}  // namespace penstock::attest
