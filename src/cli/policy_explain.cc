#include "cli/policy_explain.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include "attest/limits.h"
#include "base/clock.h"
#include "base/file.h"
#include "cli/console/cell_text.h"
#include "cli/evidence_set.h"

namespace penstock::cli {
namespace {

std::string value_in_words(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string leaf_in_words(const Json& leaf) {
  if (leaf.contains("build_in"))
    return fmt::format("all claims of one build of the list '{}' fit",
                       leaf.at("build_in").get<std::string>());
  const std::string claim = leaf.at("claim").get<std::string>();
  if (leaf.contains("equals"))
    return fmt::format("{} is {}", claim, value_in_words(leaf.at("equals")));
  if (leaf.contains("at_least"))
    return fmt::format("{} is at least {}", claim, value_in_words(leaf.at("at_least")));
  if (leaf.contains("in_list"))
    return fmt::format("{} is in the list '{}', which the manager keeps", claim,
                       leaf.at("in_list").get<std::string>());
  if (leaf.contains("max_age_s"))
    return fmt::format("{} is at most {} s ago", claim, value_in_words(leaf.at("max_age_s")));
  const bool subset = leaf.contains("subset_of");
  std::string out = fmt::format("{} {}", claim, subset ? "has nothing but" : "is one of");
  const Json& values = leaf.at(subset ? "subset_of" : "in");
  if (values.empty()) return out + (subset ? " an empty list" : " nothing: denies everybody");
  for (const Json& each : values) out += " " + value_in_words(each);
  return out;
}

void node_in_words(const Json& node, std::size_t indent, std::string& out) {
  const std::string space(indent, ' ');
  const bool all = node.contains("allOf");
  if (!all && !node.contains("anyOf")) {
    out += fmt::format("{}- {}\n", space, leaf_in_words(node));
    return;
  }
  const Json& list = node.at(all ? "allOf" : "anyOf");
  out += list.empty() ? fmt::format("{}- never: the list is empty\n", space)
                      : fmt::format("{}- {} of these:\n", space, all ? "all" : "one");
  for (const Json& each : list) node_in_words(each, indent + 2, out);
}

// What the caller says is approved.
struct GivenLists final : attest::PolicyLists {
  std::vector<std::string> measurements, digests;
  std::vector<attest::Build> builds;
  const std::vector<std::string>* find(std::string_view list) const override {
    return list == "builds" ? &measurements : list == "configs" ? &digests : nullptr;
  }
  const std::vector<attest::Build>* find_builds(std::string_view list) const override {
    return list == "builds" ? &builds : nullptr;
  }
};

void print_rules(const std::vector<attest::RuleOutcome>& rules) {
  for (const attest::RuleOutcome& rule : rules)
    fmt::print("{}", printable_lines(fmt::format("  {:<5} {}: {}; seen: {}\n",
                                                 attest::to_text(rule.result), rule.name,
                                                 rule.expected, rule.seen)));
}

}  // namespace

std::string policy_in_words(const attest::Policy& policy) {
  std::string out = fmt::format("Version {}. A secret is released when the evidence holds, and\n",
                                policy.version());
  out += policy.allow_simulated()
             ? "- it is of any TEE, a simulated one too, which protects nothing\n"
             : "- it is of a TEE that protects something\n";
  if (!policy.tolerated_tcb().empty())
    out += fmt::format("- its TCB is UpToDate, or {}\n", fmt::join(policy.tolerated_tcb(), ", "));
  if (policy.collateral_grace_days() > 0)
    out += fmt::format("- collateral is at most {} days past its end\n",
                       policy.collateral_grace_days());
  const Json advisories = policy.document().value("accepted_advisories", Json::array());
  for (const Json& each : advisories)
    out += fmt::format("- {} is accepted until {}\n", each.at("id").get<std::string>(),
                       each.at("until").get<std::string>());
  node_in_words(policy.document(), 0, out);
  return out;
}

void ExplainPolicy::declare(CLI::App& verb) {
  verb.add_option("FILE", file_, "A release policy (JSON)")->required();
  verb.add_option("--evidence", evidence_,
                  "A folder of evidence, as `penstock evidence verify` takes it: what the policy "
                  "would say to it");
  verb.add_option("--measurement", builds_,
                  "An approved measurement (hex); may be given several "
                  "times")
      ->allow_extra_args(false);
  verb.add_option("--config-digest", configs_, "An approved configuration's digest (hex)")
      ->allow_extra_args(false);
  verb.footer(
      "Example:\n  penstock policy explain release.json --evidence evidence-folder "
      "--measurement 6d6c35...\nEnds with status 1 when the policy would refuse.");
}

Result<> ExplainPolicy::run() {
  const std::string text = TRY(read_file(file_, attest::kPolicyBytesMax));
  const attest::Policy policy = TRY(attest::Policy::parse(text));
  fmt::print("{}", printable_lines(policy_in_words(policy)));
  if (const auto ready = policy.check_release(); !ready)
    fmt::print("A manager will not take it: {}\n", printable(ready.error().text()));
  if (evidence_.empty()) return {};
  const EvidenceQuestion question = TRY(read_evidence_set(evidence_));
  const EvidenceAnswer answer = TRY(judge_evidence(question, system_clock().now_ms() / 1000));
  fmt::print("\nThe evidence: {}\n", answer.outcome);
  GivenLists lists;
  lists.measurements = builds_;
  lists.digests = configs_;
  for (const std::string& each : builds_) lists.builds.push_back({each, {{"measurement", each}}});
  const auto rules = policy.evaluate(answer.appraisal.trust, answer.appraisal.claims, lists,
                                     question.at_s.value_or(system_clock().now_ms() / 1000));
  print_rules(rules);
  const bool good = answer.outcome == "accept" && attest::all_pass(rules);
  fmt::print("{}\n", good ? "The policy would release." : "The policy would refuse.");
  status_ = good ? 0 : 1;
  return {};
}

}  // namespace penstock::cli
