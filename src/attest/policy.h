// What a verdict must say before something is given out. A small JSON document:
//   {"version": 3, "allow_simulated": false, "allow_operator_vtpm": false, "allow_any_build":
//   false,
//    "tolerated_tcb": ["SWHardeningNeeded"], "collateral_grace_days": 7,
//    "accepted_advisories": [{"id": "INTEL-SA-00615", "until": "2026-12-31T00:00:00Z"}],
//    "allOf": [{"claim": "measurement", "in_list": "builds"},
//              {"claim": "config_digest", "in_list": "configs"},
//              {"claim": "debug", "equals": false},
//              {"claim": "svn", "at_least": 2},
//              {"claim": "reported_tcb", "at_least": {"snp": 23, "microcode": 219}},
//              {"claim": "tcb_status", "in": ["UpToDate", "SWHardeningNeeded"]},
//              {"claim": "advisory_ids", "subset_of": ["INTEL-SA-00615"]},
//              {"claim": "lowest_tcb_date", "at_least": "2024-03-13T00:00:00Z"},
//              {"claim": "judged_at", "max_age_s": 300},
//              {"build_in": "builds"},
//              {"anyOf": [{"claim": "platform", "in": ["ab..", "cd.."]}, ...]}]}
// at_least of an object: every part named is there and at least as large; of a text: a time in UTC,
// not before that one. build_in: one approved build whose claims all fit, so that a register of one
// build never passes with a register of another.
// Exactly one of allOf and anyOf at each level. An absent claim never satisfies anything; an empty
// list denies. There is no "not". A TCB status other than UpToDate denies unless it is tolerated,
// and where advisories are accepted, every other one and every one past its date denies. A
// measurement of zeros fits no list.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attest/rule.h"
#include "attest/verdict.h"
#include "attest/verifier.h"

namespace penstock::attest {

// Values that a policy names and somebody else keeps: "builds" -> approved measurements. null: no
// such list, which denies.
struct Build {
  std::string name;  // for people
  std::map<std::string, std::string>
      claims;  // all of them, or it is another build; none: never fits
  bool withdrawn = false;
};

class PolicyLists {
 public:
  virtual ~PolicyLists() = default;
  // Builds of a list, matched whole. null: no such list.
  virtual const std::vector<Build>* find_builds(std::string_view) const { return nullptr; }
  virtual const std::vector<std::string>* find(std::string_view list) const = 0;
};

// A checked policy. A value, for any thread.
class Policy {
 public:
  // invalid_argument names the place ("allOf[2].anyOf[0]: ..."), unknown members are refused.
  // At most kPolicyDepthMax levels, kPolicyConditionsMax conditions.
  static Result<Policy> parse(std::string_view document);
  static Result<Policy> from_json(const Json& document);
  static Policy deny_all();
  // invalid_argument: a way through it names no build and allow_any_build is not said, or zero is
  // taken for a measurement. Asked before a policy is put in force; older ones stay readable.
  Result<> check_release() const;
  // Approved builds and configurations, no debug.
  static Policy for_app(bool allow_simulated);

  std::int64_t version() const { return version_; }
  bool allow_simulated() const { return allow_simulated_; }
  // Lets the judge let through what this policy tolerates, so that it can decide; evaluate()
  // refuses what another policy's tolerance has let through.
  void widen(Expectations& expected) const;
  const std::vector<std::string>& tolerated_tcb() const { return tolerated_tcb_; }
  std::int64_t collateral_grace_days() const { return collateral_grace_days_; }
  const Json& document() const { return document_; }
  std::string digest() const;  // hex of SHA-256 of the canonical document

  // Every condition that ran. Granted only if the verdict affirms, its trust is allowed and the
  // conditions hold: all_pass() of the result. Under anyOf, failures of alternatives are told only
  // when none holds.
  // `now_s`: for what ends or ages; without it such conditions do not hold.
  std::vector<RuleOutcome> evaluate(const Verdict& verdict, const PolicyLists& lists,
                                    std::optional<std::int64_t> now_s = std::nullopt) const;
  // The same from the claims of a token that we issued ourselves.
  std::vector<RuleOutcome> evaluate(Trust trust, const Claims& claims, const PolicyLists& lists,
                                    std::optional<std::int64_t> now_s = std::nullopt) const;

 private:
  Policy() = default;
  void check_tcb_status(const Claims& claims, std::vector<RuleOutcome>& out) const;
  void check_advisories(const Claims& claims, std::optional<std::int64_t> now_s,
                        std::vector<RuleOutcome>& out) const;
  void check_collateral(const Claims& claims, std::vector<RuleOutcome>& out) const;
  std::int64_t version_ = 1;
  bool allow_simulated_ = false, allow_operator_vtpm_ = false;
  std::int64_t collateral_grace_days_ = 0;
  std::vector<std::string> tolerated_tcb_;
  Json document_;
};

}  // namespace penstock::attest
