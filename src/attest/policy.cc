#include "attest/policy.h"

#include <algorithm>

#include <fmt/format.h>

#include "attest/limits.h"
#include "attest/policy_document.h"
#include "attest/rfc3339.h"
#include "crypto/sha.h"

namespace penstock::attest {
namespace {

constexpr std::size_t kShownMax = 3, kShownBytes = 24;

std::string shown(const Json& value) {
  std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  if (text.empty()) return "none";
  return text;
}

std::string shortened(const std::string& text) {
  return text.size() <= kShownBytes ? text : text.substr(0, kShownBytes) + "...";
}

template <typename Values, typename ToText>
std::string several(const Values& values, ToText to_text) {
  if (values.empty()) return "nothing: the list is empty";
  std::string out = fmt::format("one of {}:", values.size());
  std::size_t count = 0;
  for (const auto& value : values) {
    if (++count > kShownMax) return out + " ...";
    out += " " + shortened(to_text(value));
  }
  return out;
}

std::string_view advice_for(std::string_view claim) {
  if (claim == "measurement") {
    return "if this build is meant to run, approve it: penstock manager build approve --app APP "
           "--measurement (the value seen)";
  }
  if (claim == "config_digest") {
    return "if this configuration is meant, approve it: penstock manager config approve --app APP "
           "FILE; else the host changed it";
  }
  if (claim == "debug") return "the host can read this enclave's memory: start it without debug";
  return "the release policy does not allow it: penstock manager policy show --app APP";
}

class Evaluator {
 public:
  Evaluator(const Claims& claims, const PolicyLists& lists, std::optional<std::int64_t> now_s)
      : claims_(claims), lists_(lists), now_s_(now_s) {}

  // Outcomes of a node, appended; whether it holds.
  bool node(const Json& node, std::vector<RuleOutcome>& out) const {
    if (node.contains("allOf")) return all_of(node.at("allOf"), out);
    if (node.contains("anyOf")) return any_of(node.at("anyOf"), out);
    out.push_back(node.contains("build_in") ? build(node) : leaf(node));
    return out.back().result == RuleResult::pass;
  }

 private:
  bool all_of(const Json& list, std::vector<RuleOutcome>& out) const {
    if (list.empty()) return empty_list(out);
    bool holds = true;
    for (const Json& each : list) holds = node(each, out) && holds;
    return holds;
  }

  bool any_of(const Json& list, std::vector<RuleOutcome>& out) const {
    if (list.empty()) return empty_list(out);
    std::vector<RuleOutcome> failures;
    for (const Json& each : list) {
      std::vector<RuleOutcome> one;
      if (node(each, one)) {
        std::ranges::move(one, std::back_inserter(out));
        return true;
      }
      std::ranges::move(one, std::back_inserter(failures));
    }
    std::ranges::move(failures, std::back_inserter(out));
    return false;
  }

  static bool empty_list(std::vector<RuleOutcome>& out) {
    out.push_back({.name = "policy",
                   .code = "policy",
                   .result = RuleResult::fail,
                   .expected = "a condition that allows something",
                   .seen = "an empty list, which denies everybody",
                   .advice = "write a release policy: penstock manager policy set --app APP"});
    return false;
  }

  bool fits(const Build& build) const {
    if (build.withdrawn || build.claims.empty()) return false;
    const auto measured = build.claims.find("measurement");
    if (measured != build.claims.end() && is_zero_measurement(measured->second)) return false;
    return std::ranges::all_of(build.claims, [&](const auto& each) {
      const auto found = claims_.find(each.first);
      return found != claims_.end() && found->is_string() &&
             found->template get_ref<const std::string&>() == each.second;
    });
  }

  RuleOutcome build(const Json& condition) const {
    const std::string& name = condition.at("build_in").get_ref<const std::string&>();
    const std::vector<Build>* builds = lists_.find_builds(name);
    const Build* found = nullptr;
    if (builds != nullptr)
      for (const Build& each : *builds)
        if (fits(each)) found = &each;
    const auto measurement = claims_.find("measurement");
    return {.name = "build",
            .code = "measurement",
            .result = found != nullptr ? RuleResult::pass : RuleResult::fail,
            .expected = builds == nullptr
                            ? fmt::format("a build of the list '{}', which is not there", name)
                            : fmt::format("one of {} builds of '{}', with all of its claims",
                                          builds->size(), name),
            .seen = found != nullptr               ? found->name
                    : measurement == claims_.end() ? "another"
                                                   : "another, with " + shown(*measurement),
            .advice = found != nullptr ? "" : std::string(advice_for("measurement"))};
  }

  RuleOutcome leaf(const Json& condition) const {
    const std::string& claim = condition.at("claim").get_ref<const std::string&>();
    const auto found = claims_.find(claim);
    const Json* value = found == claims_.end() ? nullptr : &*found;
    auto [holds, expected] = compare(condition, value);
    RuleOutcome out{.name = claim,
                    .code = claim == "measurement" ? "measurement"
                            : claim == "debug"     ? "debug"
                                                   : "policy",
                    .result = holds ? RuleResult::pass : RuleResult::fail,
                    .expected = std::move(expected),
                    .seen = value == nullptr ? "nothing: the evidence does not say" : shown(*value),
                    .advice = ""};
    if (!holds) out.advice = advice_for(claim);
    return out;
  }

  struct Comparison {
    bool holds;
    std::string expected;
  };

  static bool at_least(const Json& value, const Json& least) {
    if (least.is_number_integer())
      return value.is_number_integer() && value.get<std::int64_t>() >= least.get<std::int64_t>();
    if (least.is_string()) {
      if (!value.is_string()) return false;
      const auto seen = parse_rfc3339(value.get_ref<const std::string&>());
      const auto wanted = parse_rfc3339(least.get_ref<const std::string&>());
      return seen && wanted && *seen >= *wanted;
    }
    for (const auto& [part, wanted] : least.items()) {
      const auto found = value.is_object() ? value.find(part) : value.end();
      if (!value.is_object() || found == value.end() || !at_least(*found, wanted)) return false;
    }
    return true;
  }

  Comparison compare(const Json& condition, const Json* value) const {
    // Zero is what debug enclaves and machines that do not measure have: no list can allow it.
    const std::string& claim = condition.at("claim").get_ref<const std::string&>();
    if (value != nullptr && is_build_claim(claim) && is_zero_measurement(*value))
      return {false, "something that was measured"};
    if (condition.contains("max_age_s")) {
      const auto age_s = condition.at("max_age_s").get<std::int64_t>();
      return {is_young(value, age_s), fmt::format("a time not older than {} s", age_s)};
    }
    if (condition.contains("equals")) {
      const Json& wanted = condition.at("equals");
      return {value != nullptr && *value == wanted, shown(wanted)};
    }
    if (condition.contains("in")) {
      const Json& wanted = condition.at("in");
      return {value != nullptr && std::ranges::find(wanted, *value) != wanted.end(),
              several(wanted, shown)};
    }
    if (condition.contains("at_least")) {
      const Json& least = condition.at("at_least");
      return {value != nullptr && at_least(*value, least),
              fmt::format("at least {}", shown(least))};
    }
    if (condition.contains("subset_of")) {
      const Json& wanted = condition.at("subset_of");
      const bool holds = value != nullptr && value->is_array() &&
                         std::ranges::all_of(*value, [&](const Json& each) {
                           return std::ranges::find(wanted, each) != wanted.end();
                         });
      return {holds, "nothing but " + several(wanted, shown)};
    }
    return compare_list(condition.at("in_list").get_ref<const std::string&>(), value);
  }

  Comparison compare_list(const std::string& name, const Json* value) const {
    const std::vector<std::string>* list = lists_.find(name);
    if (list == nullptr)
      return {false, fmt::format("a value of the list '{}', which is not there", name)};
    const bool holds =
        value != nullptr && value->is_string() &&
        std::ranges::find(*list, value->get_ref<const std::string&>()) != list->end();
    return {holds,
            fmt::format("{} ({})", several(*list, [](const std::string& s) { return s; }), name)};
  }

  // No time: older than anything allows.
  bool is_young(const Json* value, std::int64_t max_age_s) const {
    if (!now_s_ || value == nullptr || !value->is_string()) return false;
    const auto at = parse_rfc3339(value->get_ref<const std::string&>());
    return at && *now_s_ - *at <= max_age_s;
  }

  const Claims& claims_;
  const PolicyLists& lists_;
  const std::optional<std::int64_t> now_s_;
};

}  // namespace

Result<Policy> Policy::parse(std::string_view document) {
  return from_json(TRY(parse_json(document, "policy", {.bytes_max = kPolicyBytesMax})));
}

Result<Policy> Policy::from_json(const Json& document) {
  TRY(check_policy_document(document));
  Policy out;
  out.document_ = document;
  out.version_ = document.at("version").get<std::int64_t>();
  out.allow_simulated_ = document.value("allow_simulated", false);
  out.allow_operator_vtpm_ = document.value("allow_operator_vtpm", false);
  out.collateral_grace_days_ = document.value("collateral_grace_days", std::int64_t{0});
  out.tolerated_tcb_ = document.value("tolerated_tcb", std::vector<std::string>());
  TRY(canonical_json(document));
  return out;
}

Result<> Policy::check_release() const {
  return check_release_document(document_);
}

void Policy::widen(Expectations& expected) const {
  expected.collateral_grace_days = std::max(expected.collateral_grace_days, collateral_grace_days_);
  for (const std::string& each : tolerated_tcb_)
    if (std::ranges::find(expected.tolerated_tcb, each) == expected.tolerated_tcb.end())
      expected.tolerated_tcb.push_back(each);
}

Policy Policy::deny_all() {
  Policy out;
  out.document_ = {{"version", 1}, {"anyOf", Json::array()}};
  return out;
}

Policy Policy::for_app(bool allow_simulated) {
  Policy out;
  out.allow_simulated_ = allow_simulated;
  out.document_ = {{"version", 1},
                   {"allow_simulated", allow_simulated},
                   {"allOf",
                    {{{"claim", "measurement"}, {"in_list", "builds"}},
                     {{"claim", "config_digest"}, {"in_list", "configs"}},
                     {{"claim", "debug"}, {"equals", false}}}}};
  return out;
}

std::string Policy::digest() const {
  // The document was checked when the policy was made.
  return to_hex(crypto::sha256(as_bytes(canonical_json(document_).value_or(""))));
}

std::vector<RuleOutcome> Policy::evaluate(const Verdict& verdict, const PolicyLists& lists,
                                          std::optional<std::int64_t> now_s) const {
  std::vector<RuleOutcome> out;
  const RuleOutcome* failure = first_failure(verdict.rules());
  const bool affirming = verdict.affirming();
  out.push_back({.name = "verdict",
                 .code = failure != nullptr ? failure->code : "policy",
                 .result = affirming ? RuleResult::pass : RuleResult::fail,
                 .expected = "every rule of the verifier holds",
                 .seen = affirming ? "they do"
                                   : fmt::format("'{}' does not", failure ? failure->name : "any"),
                 .advice = affirming || failure == nullptr ? "" : failure->advice});
  for (RuleOutcome& each : evaluate(verdict.trust(), verdict.claims(), lists, now_s)) {
    out.push_back(std::move(each));
  }
  return out;
}

// A platform that is behind is refused by every policy that does not tolerate its status.
void Policy::check_tcb_status(const Claims& claims, std::vector<RuleOutcome>& out) const {
  const auto status = claims.find("tcb_status");
  if (status == claims.end() || *status == "UpToDate") return;
  const bool good = status->is_string() && *status != "Revoked" &&
                    std::ranges::find(tolerated_tcb_, status->get_ref<const std::string&>()) !=
                        tolerated_tcb_.end();
  std::string expected = "UpToDate";
  for (const std::string& each : tolerated_tcb_) expected += " or " + each;
  out.push_back({.name = "tolerated_tcb",
                 .code = "policy",
                 .result = good ? RuleResult::pass : RuleResult::fail,
                 .expected = std::move(expected),
                 .seen = shown(*status),
                 .advice = good ? ""
                                : "update the platform, or name the status in the policy's "
                                  "tolerated_tcb, and its advisories in accepted_advisories"});
}

// Of a status that is tolerated, what it is vulnerable to is accepted one by one, and not for ever.
void Policy::check_advisories(const Claims& claims, std::optional<std::int64_t> now_s,
                              std::vector<RuleOutcome>& out) const {
  const auto list = document_.find("accepted_advisories");
  const auto seen = claims.find("advisory_ids");
  if (list == document_.end() || seen == claims.end() || !seen->is_array()) return;
  std::string wrong;
  for (const Json& each : *seen) {
    const auto accepted =
        std::ranges::find_if(*list, [&](const Json& entry) { return entry.at("id") == each; });
    const bool there = accepted != list->end();
    const auto until = there ? parse_rfc3339(accepted->at("until").get_ref<const std::string&>())
                             : Result<std::int64_t>(fail(ErrorCode::not_found, ""));
    if (there && until && now_s && *now_s <= *until) continue;
    wrong += fmt::format("{}{}{}", wrong.empty() ? "" : ", ", shown(each),
                         there ? " (no longer accepted)" : "");
  }
  out.push_back({.name = "accepted_advisories",
                 .code = "policy",
                 .result = wrong.empty() ? RuleResult::pass : RuleResult::fail,
                 .expected = fmt::format("none but the {} that are accepted", list->size()),
                 .seen = wrong.empty() ? "none else" : wrong,
                 .advice = wrong.empty() ? ""
                                         : "update the platform, or accept the advisory until a "
                                           "date: accepted_advisories"});
}

void Policy::check_collateral(const Claims& claims, std::vector<RuleOutcome>& out) const {
  const auto late = claims.find("collateral_late_s");
  if (late == claims.end()) return;
  constexpr std::int64_t kDayS = 86'400;
  const bool good =
      late->is_number_integer() && late->get<std::int64_t>() <= collateral_grace_days_ * kDayS;
  out.push_back(
      {.name = "collateral_grace_days",
       .code = "collateral-expired",
       .result = good ? RuleResult::waived_by_policy : RuleResult::fail,
       .expected = fmt::format("collateral at most {} days past its end", collateral_grace_days_),
       .seen = fmt::format("{} s past it", shown(*late)),
       .advice = "import newer collateral: penstock collateral import"});
}

std::vector<RuleOutcome> Policy::evaluate(Trust trust, const Claims& claims,
                                          const PolicyLists& lists,
                                          std::optional<std::int64_t> now_s) const {
  const bool trusted = trust == Trust::hardware || trust == Trust::provider ||
                       (trust == Trust::operator_ && allow_operator_vtpm_) ||
                       (trust == Trust::none && allow_simulated_);
  std::string expected = "hardware or provider";
  if (allow_operator_vtpm_) expected += " or operator";
  if (allow_simulated_) expected += " or none (simulated)";
  std::vector<RuleOutcome> out = {
      {.name = "trust",
       .code = "policy",
       .result = trusted ? RuleResult::pass : RuleResult::fail,
       .expected = std::move(expected),
       .seen = std::string(to_text(trust)),
       .advice = trusted ? ""
                 : trust == Trust::none
                     ? "simulated evidence protects nothing; a policy must say allow_simulated"
                     : "the operator's own vTPM does not resist the host; a policy must say "
                       "allow_operator_vtpm"}};
  check_tcb_status(claims, out);
  check_advisories(claims, now_s, out);
  check_collateral(claims, out);
  Evaluator(claims, lists, now_s).node(document_, out);
  return out;
}

}  // namespace penstock::attest
