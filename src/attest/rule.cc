#include "attest/rule.h"

#include <algorithm>

namespace penstock::attest {

std::string_view to_text(RuleResult result) {
  switch (result) {
    case RuleResult::pass:
      return "pass";
    case RuleResult::fail:
      return "fail";
    case RuleResult::not_checked:
      return "not-checked";
    case RuleResult::waived_by_policy:
      return "waived_by_policy";
  }
  return "fail";
}

Json to_json(const RuleOutcome& outcome) {
  Json out = {{"name", outcome.name},
              {"code", outcome.code},
              {"result", to_text(outcome.result)},
              {"expected", outcome.expected},
              {"seen", outcome.seen}};
  if (!outcome.advice.empty()) out["advice"] = outcome.advice;
  return out;
}

Json to_json(const std::vector<RuleOutcome>& outcomes) {
  Json out = Json::array();
  for (const RuleOutcome& outcome : outcomes) out.push_back(to_json(outcome));
  return out;
}

bool all_pass(const std::vector<RuleOutcome>& outcomes) {
  return !outcomes.empty() && first_failure(outcomes) == nullptr;
}

const RuleOutcome* first_failure(const std::vector<RuleOutcome>& outcomes) {
  auto found = std::ranges::find_if(outcomes, [](const RuleOutcome& outcome) {
    return outcome.result != RuleResult::pass && outcome.result != RuleResult::waived_by_policy;
  });
  return found == outcomes.end() ? nullptr : &*found;
}

}  // namespace penstock::attest
