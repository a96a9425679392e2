#include "cli/attest_report.h"

#include <algorithm>

#include <fmt/format.h>

#include "attest/initdata.h"
#include "attest/limits.h"
#include "attest/policy.h"
#include "cli/paragraph.h"

namespace penstock::cli {
namespace {

using attest::RuleOutcome;
using attest::RuleResult;

constexpr std::string_view kSimulated = "simulated";
constexpr std::string_view kAnswer = "the server's answer";
constexpr std::string_view kProtectsNothing =
    "a simulated TEE protects nothing. It shows how everything works; whoever has its platform "
    "key, or this machine, can read and change all of it.";
constexpr std::string_view kBound =
    "The evidence is bound to this TLS connection: what answers here is inside that TEE.";
constexpr std::string_view kUnbound =
    "The evidence is fresh, but not bound to this connection, which is not TLS: it proves that "
    "such a TEE exists and can be asked, not that this connection ends inside it.";

class NoLists final : public attest::PolicyLists {
 public:
  const std::vector<std::string>* find(std::string_view) const override { return nullptr; }
};

RuleOutcome not_checked(std::string name, std::string seen, std::string advice) {
  return {.name = name,
          .code = name,
          .result = RuleResult::not_checked,
          .expected = "any: none was given",
          .seen = std::move(seen),
          .advice = std::move(advice)};
}

std::string claim_text(const attest::Claims& claims, const char* name) {
  return claims.is_object() && claims.contains(name) && claims[name].is_string()
             ? claims[name].get<std::string>()
             : "";
}

// Of the expectations; debugging is refused in any case.
Result<attest::Policy> policy_of(const AttestExpectations& expected) {
  Json conditions = Json::array();
  conditions.push_back({{"claim", "debug"}, {"equals", false}});
  if (!expected.measurements.empty())
    conditions.push_back({{"claim", "measurement"}, {"in", expected.measurements}});
  if (expected.config_digest)
    conditions.push_back({{"claim", "config_digest"}, {"equals", *expected.config_digest}});
  return attest::Policy::from_json({{"version", 1},
                                    {"allow_simulated", expected.allow_simulated},
                                    {"allow_operator_vtpm", false},
                                    {"allOf", std::move(conditions)}});
}

Result<attest::Verdict> judge_with(const AttestAnswer& answer, attest::Expectations wanted,
                                   const AttestExpectations& expected) {
  attest::Anchors anchors;
  if (expected.platform) anchors.simulated_platforms.push_back(*expected.platform);
  if (expected.config_digest)
    wanted.config_digest = TRY(from_hex(*expected.config_digest));
  else if (!answer.initdata.empty())
    wanted.config_digest = TRY_IN(attest::initdata_digest(answer.initdata), kAnswer);
  return attest::judge(answer.tee, answer.evidence, wanted, anchors);
}

std::string joined(const std::vector<std::string>& values) {
  std::string out = values.size() > 1 ? "one of" : "";
  for (const std::string& value : values) out += (out.empty() ? "" : " ") + value;
  return out;
}

// Rules speak to the owner of a manager; here somebody asks who gave the expectations.
void speak_to_the_asker(const AttestExpectations& expected, RuleOutcome& rule) {
  if (rule.name == "measurement") {
    rule.expected = joined(expected.measurements);
    rule.advice =
        "another program runs there than was expected: compare `penstock measure` of the "
        "one that was meant to be installed";
  } else if (rule.name == "config_digest") {
    rule.advice =
        "it was started with another configuration than was expected: ask its operator "
        "for the file and compare the two";
  } else if (rule.name == "trust") {
    rule.advice =
        "it does not run in a TEE that resists its host; for development, "
        "--allow-simulated takes it";
  } else if (rule.name == "platform") {
    rule.advice = "another platform key has signed this than the one of --platform-key";
  }
  if (rule.result == RuleResult::pass) rule.advice.clear();
}

// Whether the evidence binds the program to a configuration at all. Without one in it, whoever
// started the program says by arguments and statements what it does.
bool is_measured(const attest::Claims& claims) {
  return claim_text(claims, "config_digest").find_first_not_of('0') != std::string::npos;
}

RuleOutcome mode_rule(bool measured) {
  RuleOutcome rule{.name = "mode",
                   .code = "not_measured",
                   .result = RuleResult::pass,
                   .expected = "measured",
                   .seen = "measured",
                   .advice = ""};
  if (measured) return rule;
  rule.result = RuleResult::fail;
  rule.seen = "no configuration in the evidence: any statement may run there";
  rule.advice =
      "start it with a packed configuration (penstock config pack): then only its SQL and "
      "statements that its keys signed run";
  return rule;
}

// What the policy found beyond the verifier's own rules, whose sum it tells as "verdict". How
// configuration digests of different sizes compare, the verifier knows better.
void add_policy_rules(std::vector<RuleOutcome> found, std::vector<RuleOutcome>& rules) {
  for (RuleOutcome& rule : found) {
    const bool known = std::ranges::any_of(rules, [&](const RuleOutcome& other) {
      return other.name == rule.name &&
             (other.result == rule.result || rule.name == "config_digest");
    });
    if (!known && rule.name != "verdict") rules.push_back(std::move(rule));
  }
}

bool depends_on_platform(const RuleOutcome& rule) {
  return rule.name == "platform" || rule.name == "signature";
}

// A rule that had nothing to compare with has not said anything, good or bad.
void mark_unchecked(const AttestExpectations& expected, AttestReport& report) {
  for (RuleOutcome& rule : report.rules) {
    if (rule.name == "config_digest" && !expected.config_digest && rule.result == RuleResult::pass)
      rule = not_checked(rule.name, rule.seen,
                         "say which configuration is expected, with --config FILE");
    else if (depends_on_platform(rule) && !expected.platform && report.tee == kSimulated)
      rule = not_checked(rule.name, rule.seen,
                         "say which simulated platform is believed, with --platform-key FILE");
  }
  if (expected.measurements.empty())
    report.rules.push_back(not_checked("measurement", claim_text(report.claims, "measurement"),
                                       "say which program is expected, with --binary FILE or "
                                       "--measurement HEX"));
}

std::string_view word(RuleResult result) {
  switch (result) {
    case RuleResult::pass:
      return "pass";
    case RuleResult::fail:
      return "FAIL";
    case RuleResult::not_checked:
      return "not checked";
    case RuleResult::waived_by_policy:
      return "waived";
  }
  return "";
}

std::string rule_lines(const RuleOutcome& rule, std::size_t columns) {
  constexpr Hanging kHead{.indent = 2, .label_width = 13};
  constexpr Hanging kDetail{.indent = 15, .label_width = 12};
  std::string out = paragraph(word(rule.result), rule.name, kHead, columns);
  if (!rule.expected.empty() && rule.expected != rule.seen)
    out += paragraph("expected", rule.expected, kDetail, columns);
  if (!rule.seen.empty()) out += paragraph("seen", rule.seen, kDetail, columns);
  if (!rule.advice.empty() && rule.result != RuleResult::pass)
    out += paragraph("what to do", rule.advice, kDetail, columns);
  return out;
}

std::string verdict_text(const AttestReport& report) {
  const auto failed = std::ranges::count(report.rules, RuleResult::fail, &RuleOutcome::result);
  if (failed > 0)
    return "NOT what was expected. Do not give it data or keys before that is explained.";
  if (!report.good())
    return "Nothing contradicts it, but it was not told what to expect, so this says nothing good "
           "about the server.";
  return "All rules pass: program, configuration and evidence are what was expected.";
}

std::vector<std::string_view> warnings(const AttestReport& report) {
  std::vector<std::string_view> out;
  if (report.trust == attest::Trust::none) out.push_back(kProtectsNothing);
  if (!report.bound_to_connection) out.push_back(kUnbound);
  return out;
}

}  // namespace

Result<AttestAnswer> parse_attest_answer(std::string_view body) {
  const Json json =
      TRY(parse_json(body, kAnswer, {.bytes_max = attest::kEvidenceBytesMax + (256 << 10)}));
  AttestAnswer answer;
  answer.tee = TRY(json_string(json, kAnswer, "tee"));
  const auto evidence = json.find("evidence");
  if (evidence == json.end() || !evidence->is_object())
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: member 'evidence' must be an object", kAnswer));
  answer.evidence = evidence->dump();
  if (json.contains("init_data") && !json["init_data"].is_null())
    answer.initdata = TRY(json_string(json, kAnswer, "init_data"));
  const auto binding = json.find("binding");
  if (binding != json.end() && binding->is_object() && binding->contains("spki_sha256"))
    answer.spki_sha256 = TRY(json_string(*binding, kAnswer, "spki_sha256"));
  return answer;
}

Result<AttestReport> judge_answer(std::string server, const AttestAnswer& answer,
                                  const attest::SessionBinding& binding,
                                  const AttestExpectations& expected, std::int64_t now_s) {
  attest::Expectations wanted;
  wanted.report_data = TRY(attest::report_data(binding));
  wanted.now_s = now_s;
  const attest::Verdict verdict = TRY(judge_with(answer, std::move(wanted), expected));
  AttestReport report{.server = std::move(server),
                      .tee = verdict.tee(),
                      .trust = verdict.trust(),
                      .bound_to_connection = !binding.exporter.empty(),
                      .measured = is_measured(verdict.claims()),
                      .rules = verdict.rules(),
                      .claims = verdict.claims()};
  const attest::Policy policy = TRY(policy_of(expected));
  add_policy_rules(policy.evaluate(verdict, NoLists()), report.rules);
  report.rules.push_back(mode_rule(report.measured));
  mark_unchecked(expected, report);
  for (RuleOutcome& rule : report.rules)
    if (rule.result != RuleResult::not_checked) speak_to_the_asker(expected, rule);
  return report;
}

std::string report_text(const AttestReport& report, std::size_t columns) {
  std::string out = paragraph("server", report.server, {.label_width = 8}, columns);
  out += paragraph("TEE", fmt::format("{} (trust: {})", report.tee, attest::to_text(report.trust)),
                   {.label_width = 8}, columns);
  out +=
      paragraph("mode", report.measured ? "measured" : "NOT measured", {.label_width = 8}, columns);
  out += "\nRules\n";
  for (const RuleOutcome& rule : report.rules) out += rule_lines(rule, columns);
  out += "\n" + paragraph("Verdict:", verdict_text(report), {.label_width = 9}, columns);
  if (report.bound_to_connection)
    out += paragraph("Connection:", kBound, {.label_width = 12}, columns);
  for (const std::string_view warning : warnings(report))
    out += paragraph("WARNING:", warning, {.label_width = 9}, columns);
  return out;
}

OrderedJson report_json(const AttestReport& report) {
  OrderedJson out;
  out["server"] = report.server;
  out["tee"] = report.tee;
  out["trust"] = attest::to_text(report.trust);
  out["good"] = report.good();
  out["measured"] = report.measured;
  out["bound_to_connection"] = report.bound_to_connection;
  out["rules"] = attest::to_json(report.rules);
  out["claims"] = report.claims;
  out["warnings"] = warnings(report);
  return out;
}

std::string shortcomings(const AttestReport& report) {
  std::string out;
  for (const RuleOutcome& rule : report.rules) {
    if (rule.result == RuleResult::pass) continue;
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", rule.name,
                       rule.result == RuleResult::fail ? "failed" : "was not checked");
  }
  return out;
}

}  // namespace penstock::cli
