// Makers of rule outcomes, for verifiers. Private to attest.
#pragma once

#include <string>
#include <string_view>

#include "attest/verifier.h"
#include "base/secret.h"

namespace penstock::attest {

struct RuleText {
  std::string name;
  std::string_view code;
  std::string expected, seen;
  std::string_view advice;  // told only on failure
};

inline RuleOutcome outcome(bool holds, RuleText text) {
  return {.name = std::move(text.name),
          .code = std::string(text.code),
          .result = holds ? RuleResult::pass : RuleResult::fail,
          .expected = std::move(text.expected),
          .seen = std::move(text.seen),
          .advice = holds ? std::string() : std::string(text.advice)};
}

// The rules that every TEE shares, over what its evidence says.
RuleOutcome report_data_rule(ByteView seen, const JudgeContext& context);
RuleOutcome config_digest_rule(ByteView seen, const JudgeContext& context);
RuleOutcome debug_rule(bool debug, const JudgeContext& context);

}  // namespace penstock::attest
