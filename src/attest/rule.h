// A rule and what became of it. Every judgement here is a list of these.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace penstock::attest {

enum class RuleResult : std::uint8_t {
  pass,
  fail,
  not_checked,       // what it needs is not there; refuses like a failure
  waived_by_policy,  // it does not hold, and a policy says that this is taken for now
};
std::string_view to_text(RuleResult result);  // "pass", "fail", "not-checked", "waived_by_policy"

// One rule that ran. For the owner's eyes: guests and hosts learn name and code only.
struct RuleOutcome {
  std::string name;  // "report_data", "measurement"
  std::string code;  // stable reason code: signature, nonce, debug, measurement, policy ...
  RuleResult result = RuleResult::fail;
  std::string expected;  // "any" only where a policy says so
  std::string seen;
  std::string advice;  // what to do about a failure, and who can; empty when it passed
};

Json to_json(const RuleOutcome& outcome);
Json to_json(const std::vector<RuleOutcome>& outcomes);
// All of them pass or are waived; false for an empty list.
bool all_pass(const std::vector<RuleOutcome>& outcomes);
const RuleOutcome* first_failure(const std::vector<RuleOutcome>& outcomes);

}  // namespace penstock::attest
