#include <algorithm>

#include <fmt/format.h>

#include "attest/limits.h"
#include "attest/verifier.h"

namespace penstock::attest {

// The only maker of verdicts.
class Judge {
 public:
  Judge(const Verifier& verifier, const JudgeContext& context)
      : verifier_(verifier), context_(context) {
    verdict_.tee_ = verifier.tee;
    verdict_.trust_ = verifier.trust;
  }

  Verdict judge(std::string_view evidence) && {
    auto parsed = parse(evidence);
    verdict_.rules_.push_back(parse_rule(parsed));
    if (!parsed) return std::move(verdict_);
    for (const Rule rule : verifier_.rules) {
      verdict_.rules_.push_back(rule(**parsed, context_));
    }
    verdict_.claims_ = verifier_.claims(**parsed);
    verdict_.claims_["tee"] = verifier_.tee;
    verdict_.claims_["trust"] = to_text(verifier_.trust);
    return std::move(verdict_);
  }

 private:
  using ParsedResult = Result<std::unique_ptr<Parsed>>;

  ParsedResult parse(std::string_view evidence) const {
    if (evidence.size() > kEvidenceBytesMax) {
      return fail(ErrorCode::limit_exceeded,
                  fmt::format("longer than {} bytes", kEvidenceBytesMax));
    }
    return verifier_.parse(evidence);
  }

  RuleOutcome parse_rule(const ParsedResult& parsed) const {
    RuleOutcome out{.name = "parse",
                    .code = "parse",
                    .result = parsed ? RuleResult::pass : RuleResult::fail,
                    .expected = fmt::format("evidence of the TEE '{}'", verifier_.tee),
                    .seen = parsed ? "well-formed" : parsed.error().text(),
                    .advice = ""};
    if (!parsed) out.advice = "the guest must send its TEE's own evidence; is it our version?";
    return out;
  }

  const Verifier& verifier_;
  const JudgeContext& context_;
  Verdict verdict_;
};

const Verifier* find_verifier(std::string_view tee) {
  const auto verifiers = builtin_verifiers();
  const auto found = std::ranges::find(verifiers, tee, &Verifier::tee);
  return found == verifiers.end() ? nullptr : &*found;
}

Result<Verdict> judge(std::string_view tee, std::string_view evidence, const Expectations& expected,
                      const Anchors& anchors) {
  const Verifier* verifier = find_verifier(tee);
  if (verifier == nullptr) {
    std::string known;
    for (const Verifier& each : builtin_verifiers()) {
      known += fmt::format("{}{}", known.empty() ? "" : ", ", each.tee);
    }
    return fail(ErrorCode::unsupported,
                fmt::format("evidence of this TEE cannot be verified; known are {}", known));
  }
  const JudgeContext context{.expected = expected, .anchors = anchors};
  return Judge(*verifier, context).judge(evidence);
}

}  // namespace penstock::attest
