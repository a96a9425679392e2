#include "attest/policy.h"

#include <algorithm>

#include <fmt/format.h>

#include "attest/limits.h"
#include "attest/rfc3339.h"
#include "crypto/sha.h"

namespace penstock::attest {
namespace {

constexpr std::size_t kShownMax = 3, kShownBytes = 24;

Error wrong(std::string_view where, std::string_view text) {
  return {ErrorCode::invalid_argument,
          fmt::format("policy: {}{}{}", where, where.empty() ? "" : ": ", text)};
}

bool is_value(const Json& value) {
  return value.is_string() || value.is_number_integer() || value.is_boolean();
}

// Checks the document once, so that evaluation meets no surprise.
class Checker {
 public:
  Result<> condition(const Json& node, const std::string& where, std::size_t depth) {
    if (++conditions_ > kPolicyConditionsMax) {
      return fail(ErrorCode::limit_exceeded,
                  fmt::format("policy: more than {} conditions", kPolicyConditionsMax));
    }
    if (!node.is_object()) return fail(wrong(where, "expected an object"));
    if (node.contains("allOf") || node.contains("anyOf")) {
      if (node.size() != 1) return fail(wrong(where, "expected allOf or anyOf alone"));
      return group(node, where, depth);
    }
    return leaf(node, where);
  }

  Result<> group(const Json& node, const std::string& where, std::size_t depth) {
    const char* kind = node.contains("allOf") ? "allOf" : "anyOf";
    const std::string here = fmt::format("{}{}{}", where, where.empty() ? "" : ".", kind);
    if (depth >= kPolicyDepthMax) {
      return fail(ErrorCode::limit_exceeded,
                  fmt::format("policy: {}: nested more than {} deep", here, kPolicyDepthMax));
    }
    const Json& list = node.at(kind);
    if (!list.is_array()) return fail(wrong(here, "expected a list of conditions"));
    for (std::size_t i = 0; i < list.size(); ++i) {
      TRY(condition(list[i], fmt::format("{}[{}]", here, i), depth + 1));
    }
    return {};
  }

 private:
  // A number, a time, or an object of numbers.
  static bool is_least(const Json& value) {
    if (value.is_string()) return parse_rfc3339(value.get_ref<const std::string&>()).has_value();
    if (!value.is_object()) return value.is_number_integer();
    return !value.empty() &&
           std::ranges::all_of(value, [](const Json& part) { return part.is_number_integer(); });
  }

  static Result<> leaf(const Json& node, const std::string& where) {
    if (node.contains("build_in")) {
      const bool good = node.size() == 1 && node.at("build_in").is_string();
      return good ? Result<>() : fail(wrong(where, "build_in: expected the name of a list, alone"));
    }
    if (node.size() != 2 || !node.contains("claim") || !node.at("claim").is_string()) {
      return fail(wrong(where,
                        "expected {\"claim\": NAME} with one of equals, in, in_list, subset_of "
                        "and at_least"));
    }
    if (node.contains("subset_of")) {
      const Json& list = node.at("subset_of");
      const bool good = list.is_array() && std::ranges::all_of(list, is_value);
      return good ? Result<>() : fail(wrong(where, "subset_of: expected a list of values"));
    }
    if (node.contains("equals")) {
      return is_value(node.at("equals")) ? Result<>()
                                         : fail(wrong(where,
                                                      "equals: expected a text, a whole "
                                                      "number or a boolean"));
    }
    if (node.contains("in")) {
      const Json& list = node.at("in");
      const bool good = list.is_array() && std::ranges::all_of(list, is_value);
      return good ? Result<>() : fail(wrong(where, "in: expected a list of values"));
    }
    if (node.contains("in_list")) {
      return node.at("in_list").is_string() ? Result<>()
                                            : fail(wrong(where, "in_list: expected a name"));
    }
    if (node.contains("at_least")) {
      return is_least(node.at("at_least"))
                 ? Result<>()
                 : fail(wrong(where,
                              "at_least: expected a whole number, an object of them, or a "
                              "time such as 2024-03-13T00:00:00Z"));
    }
    return fail(wrong(where, "expected one of equals, in, in_list, subset_of and at_least"));
  }

  std::size_t conditions_ = 0;
};

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
  Evaluator(const Claims& claims, const PolicyLists& lists) : claims_(claims), lists_(lists) {}

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

  const Claims& claims_;
  const PolicyLists& lists_;
};

}  // namespace

Result<Policy> Policy::parse(std::string_view document) {
  return from_json(TRY(parse_json(document, "policy", {.bytes_max = kPolicyBytesMax})));
}

Result<Policy> Policy::from_json(const Json& document) {
  if (!document.is_object()) return fail(wrong("", "expected an object"));
  Policy out;
  out.document_ = document;
  for (const auto& [name, value] : document.items()) {
    if (name == "version" || name == "allow_simulated" || name == "allow_operator_vtpm" ||
        name == "allOf" || name == "anyOf") {
      continue;
    }
    return fail(wrong("", fmt::format("member '{}' is not known", name)));
  }
  out.version_ = TRY(json_integer(document, "policy", "version"));
  if (out.version_ < 1) return fail(wrong("version", "expected a number from 1"));
  if (document.contains("allow_simulated")) {
    out.allow_simulated_ = TRY(json_bool(document, "policy", "allow_simulated"));
  }
  if (document.contains("allow_operator_vtpm")) {
    out.allow_operator_vtpm_ = TRY(json_bool(document, "policy", "allow_operator_vtpm"));
  }
  if (document.contains("allOf") == document.contains("anyOf")) {
    return fail(wrong("", "expected either allOf or anyOf"));
  }
  TRY(Checker().group(document, "", 0));
  TRY(canonical_json(document));
  return out;
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

std::vector<RuleOutcome> Policy::evaluate(const Verdict& verdict, const PolicyLists& lists) const {
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
  for (RuleOutcome& each : evaluate(verdict.trust(), verdict.claims(), lists)) {
    out.push_back(std::move(each));
  }
  return out;
}

std::vector<RuleOutcome> Policy::evaluate(Trust trust, const Claims& claims,
                                          const PolicyLists& lists) const {
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
  Evaluator(claims, lists).node(document_, out);
  return out;
}

}  // namespace penstock::attest
