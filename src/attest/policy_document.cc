#include "attest/policy_document.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "attest/intel_collateral.h"
#include "attest/limits.h"
#include "attest/rfc3339.h"
#include "base/error.h"

namespace penstock::attest {
namespace {

constexpr std::int64_t kGraceDaysMax = 90;
constexpr std::size_t kAdvisoriesMax = 256;
// Claims that say which code runs.
constexpr std::array<std::string_view, 10> kBuildClaims = {
    "measurement", "mrenclave", "mrtd",     "mrsigner", "signer",
    "pcr0",        "pcr8",      "tpm.pcr4", "tpm.pcr9", "tpm.pcr11"};

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
                        "expected {\"claim\": NAME} with one of equals, in, in_list, subset_of, "
                        "at_least and max_age_s"));
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
    if (node.contains("max_age_s")) {
      const Json& age = node.at("max_age_s");
      const bool good = age.is_number_integer() && age.get<std::int64_t>() > 0;
      return good ? Result<>() : fail(wrong(where, "max_age_s: expected a number of seconds"));
    }
    return fail(
        wrong(where, "expected one of equals, in, in_list, subset_of, at_least and max_age_s"));
  }

  std::size_t conditions_ = 0;
};

Result<> check_tolerated(const Json& document) {
  const auto found = document.find("tolerated_tcb");
  if (found == document.end()) return {};
  if (!found->is_array()) return fail(wrong("tolerated_tcb", "expected a list of statuses"));
  for (const Json& each : *found) {
    const auto status = each.is_string() ? tcb_status_named(each.get_ref<const std::string&>())
                                         : std::optional<TcbStatus>();
    if (!status) return fail(wrong("tolerated_tcb", "a status that is not known"));
    if (*status == TcbStatus::revoked)
      return fail(wrong("tolerated_tcb", "Revoked cannot be tolerated"));
  }
  return {};
}

Result<> check_advisories(const Json& document) {
  const auto found = document.find("accepted_advisories");
  if (found == document.end()) return {};
  constexpr std::string_view kForm =
      R"(expected a list of {"id": "INTEL-SA-00615", "until": "2026-12-31T00:00:00Z"})";
  if (!found->is_array() || found->size() > kAdvisoriesMax)
    return fail(wrong("accepted_advisories", kForm));
  for (const Json& each : *found) {
    const bool good = each.is_object() && each.size() == 2 && each.contains("id") &&
                      each.at("id").is_string() && each.contains("until") &&
                      each.at("until").is_string() &&
                      parse_rfc3339(each.at("until").get_ref<const std::string&>());
    if (!good) return fail(wrong("accepted_advisories", kForm));
  }
  return {};
}

Result<> check_grace(const Json& document) {
  const auto found = document.find("collateral_grace_days");
  if (found == document.end()) return {};
  if (!found->is_number_integer() || found->get<std::int64_t>() < 0 ||
      found->get<std::int64_t>() > kGraceDaysMax)
    return fail(wrong("collateral_grace_days",
                      fmt::format("expected a number of days up to {}", kGraceDaysMax)));
  return {};
}

bool names_a_build(const Json& leaf) {
  if (leaf.contains("build_in")) return true;
  return is_build_claim(leaf.at("claim").get_ref<const std::string&>()) &&
         (leaf.contains("equals") || leaf.contains("in") || leaf.contains("in_list"));
}

// Whether whatever satisfies the node runs code that somebody has named. An empty list is satisfied
// by nothing.
bool constrains_builds(const Json& node) {
  const auto asks = [](const Json& each) { return constrains_builds(each); };
  if (node.contains("allOf"))
    return node.at("allOf").empty() || std::ranges::any_of(node.at("allOf"), asks);
  if (node.contains("anyOf")) return std::ranges::all_of(node.at("anyOf"), asks);
  return names_a_build(node);
}

Result<> refuse_zeros(const Json& node, const std::string& where) {
  for (const char* kind : {"allOf", "anyOf"})
    if (node.contains(kind)) {
      std::size_t i = 0;
      for (const Json& each : node.at(kind))
        TRY(refuse_zeros(each,
                         fmt::format("{}{}{}[{}]", where, where.empty() ? "" : ".", kind, i++)));
      return {};
    }
  if (!names_a_build(node) || node.contains("build_in")) return {};
  const auto zero = [](const Json& value) { return is_zero_measurement(value); };
  if ((node.contains("equals") && zero(node.at("equals"))) ||
      (node.contains("in") && std::ranges::any_of(node.at("in"), zero)))
    return fail(wrong(where,
                      "zero is the measurement of debug enclaves and of machines that do not "
                      "measure: it is never acceptable"));
  return {};
}

}  // namespace

bool is_build_claim(std::string_view claim) {
  return std::ranges::find(kBuildClaims, claim) != kBuildClaims.end();
}

bool is_zero_measurement(const Json& value) {
  if (!value.is_string()) return false;
  const std::string& text = value.get_ref<const std::string&>();
  return std::ranges::all_of(text, [](char c) { return c == '0'; });
}

Result<> check_policy_document(const Json& document) {
  if (!document.is_object()) return fail(wrong("", "expected an object"));
  constexpr std::array<std::string_view, 9> kMembers = {
      "version",       "allow_simulated",     "allow_operator_vtpm",   "allow_any_build",
      "tolerated_tcb", "accepted_advisories", "collateral_grace_days", "allOf",
      "anyOf"};
  for (const auto& [name, value] : document.items())
    if (std::ranges::find(kMembers, name) == kMembers.end())
      return fail(wrong("", fmt::format("member '{}' is not known", name)));
  if (TRY(json_integer(document, "policy", "version")) < 1)
    return fail(wrong("version", "expected a number from 1"));
  for (const char* name : {"allow_simulated", "allow_operator_vtpm", "allow_any_build"})
    if (document.contains(name)) TRY(json_bool(document, "policy", name));
  TRY(check_tolerated(document));
  TRY(check_advisories(document));
  TRY(check_grace(document));
  if (document.contains("allOf") == document.contains("anyOf"))
    return fail(wrong("", "expected either allOf or anyOf"));
  TRY(Checker().group(document, "", 0));
  return {};
}

Result<> check_release_document(const Json& document) {
  Json conditions = Json::object();
  for (const char* kind : {"allOf", "anyOf"})
    if (document.contains(kind)) conditions[kind] = document.at(kind);
  TRY(refuse_zeros(conditions, ""));
  const bool any_build = document.value("allow_any_build", false);
  if (any_build || constrains_builds(conditions)) return {};
  return fail(wrong("",
                    "a way through it names no build, so any code would get the secrets: add "
                    "{\"build_in\": \"builds\"} to every alternative, or say "
                    "\"allow_any_build\": true"));
}

}  // namespace penstock::attest
