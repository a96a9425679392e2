#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "attest/limits.h"
#include "attest/rfc3339.h"
#include "attest/verifier.h"

namespace penstock::attest {

// The only maker of verdicts.
class Judge {
 public:
  Judge(const Verifier& verifier, const JudgeContext& context)
      : verifier_(verifier), context_(context) {
    verdict_.tee_ = verifier.tee;
  }

  Verdict judge(std::string_view evidence) && {
    auto parsed = parse(evidence);
    verdict_.rules_.push_back(parse_rule(parsed));
    if (!parsed) return std::move(verdict_);
    Appraisal appraisal = verifier_.appraise(**parsed, context_);
    std::ranges::move(appraisal.rules, std::back_inserter(verdict_.rules_));
    verdict_.trust_ = appraisal.trust;
    verdict_.claims_ = std::move(appraisal.claims);
    verdict_.claims_["tee"] = verifier_.tee;
    verdict_.claims_["trust"] = to_text(appraisal.trust);
    verdict_.claims_["judged_at"] = rfc3339(context_.expected.now_s);
    name_configuration();
    name_waived();
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

  // The digest that we made of the document that came, where the TEE measured the same: never the
  // field itself, whose padding and length are the TEE's.
  void name_configuration() {
    const RuleOutcome* rule = find("config_digest");
    if (rule == nullptr) return;
    if (rule->result == RuleResult::pass)
      verdict_.claims_["config_digest"] = to_hex(context_.expected.config_digest);
    else
      verdict_.claims_.erase("config_digest");
  }

  // Rules that a policy let off stand in the claims, so that policies and results can mind them.
  void name_waived() {
    Json waived = Json::array();
    for (const RuleOutcome& rule : verdict_.rules_)
      if (rule.result == RuleResult::waived_by_policy) waived.push_back(rule.name);
    if (waived.empty())
      verdict_.claims_.erase("waived");
    else
      verdict_.claims_["waived"] = std::move(waived);
  }

  const RuleOutcome* find(std::string_view name) const {
    const auto found = std::ranges::find(verdict_.rules_, name, &RuleOutcome::name);
    return found == verdict_.rules_.end() ? nullptr : &*found;
  }

  const Verifier& verifier_;
  const JudgeContext& context_;
  Verdict verdict_;
};

Result<ChallengeExtra> no_challenge(const Json&, crypto::RandomSource&) {
  return ChallengeExtra{};
}

const Verifier* find_verifier(std::string_view tee) {
  const auto verifiers = builtin_verifiers();
  const auto found = std::ranges::find(verifiers, tee, &Verifier::tee);
  return found == verifiers.end() ? nullptr : &*found;
}

Result<Verdict> judge(std::string_view tee, std::string_view evidence,
                      const JudgeContext& context) {
  const Verifier* verifier = find_verifier(tee);
  if (verifier == nullptr) {
    std::string known;
    for (const Verifier& each : builtin_verifiers()) {
      known += fmt::format("{}{}", known.empty() ? "" : ", ", each.tee);
    }
    return fail(ErrorCode::unsupported,
                fmt::format("evidence of this TEE cannot be verified; known are {}", known));
  }
  return Judge(*verifier, context).judge(evidence);
}

}  // namespace penstock::attest
