#include "attest/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "attest/limits.h"

namespace penstock::attest {
namespace {

using ::testing::HasSubstr;

class Lists final : public PolicyLists {
 public:
  const std::vector<std::string>* find(std::string_view list) const override {
    const auto found = lists.find(list);
    return found == lists.end() ? nullptr : &found->second;
  }
  std::map<std::string, std::vector<std::string>, std::less<>> lists;
};

const Claims kClaims = {
    {"measurement", "aa"}, {"config_digest", "cc"}, {"debug", false}, {"svn", 3}, {"tee", "snp"}};

bool allows(std::string_view document, const Lists& lists = {}, Trust trust = Trust::hardware) {
  const auto policy = Policy::parse(document);
  EXPECT_TRUE(policy) << policy.error().text();
  return policy && all_pass(policy->evaluate(trust, kClaims, lists));
}

std::string policy_refusal(std::string_view document) {
  const auto policy = Policy::parse(document);
  EXPECT_FALSE(policy) << document;
  return policy ? "" : policy.error().text();
}

TEST(Policy, ConditionsCompareClaims) {
  EXPECT_TRUE(allows(R"({"version":1,"allOf":[{"claim":"measurement","equals":"aa"}]})"));
  EXPECT_FALSE(allows(R"({"version":1,"allOf":[{"claim":"measurement","equals":"ab"}]})"));
  EXPECT_TRUE(allows(R"({"version":1,"allOf":[{"claim":"measurement","in":["x","aa"]}]})"));
  EXPECT_FALSE(allows(R"({"version":1,"allOf":[{"claim":"measurement","in":[]}]})"));
  EXPECT_TRUE(allows(R"({"version":1,"allOf":[{"claim":"svn","at_least":3}]})"));
  EXPECT_FALSE(allows(R"({"version":1,"allOf":[{"claim":"svn","at_least":4}]})"));
  EXPECT_FALSE(allows(R"({"version":1,"allOf":[{"claim":"tee","at_least":0}]})"));
  EXPECT_FALSE(allows(R"({"version":1,"allOf":[{"claim":"debug","equals":0}]})"));
}

TEST(Policy, WhatIsAbsentOrEmptyDenies) {
  EXPECT_FALSE(allows(R"({"version":1,"allOf":[]})"));
  EXPECT_FALSE(allows(R"({"version":1,"anyOf":[]})"));
  EXPECT_FALSE(allows(R"({"version":1,"allOf":[{"claim":"nothing","equals":""}]})"));
  EXPECT_FALSE(allows(R"({"version":1,"allOf":[{"claim":"measurement","in_list":"builds"}]})"));
  Lists lists;
  lists.lists["builds"] = {};
  EXPECT_FALSE(
      allows(R"({"version":1,"allOf":[{"claim":"measurement","in_list":"builds"}]})", lists));
  EXPECT_FALSE(all_pass(Policy::deny_all().evaluate(Trust::hardware, kClaims, lists)));
  EXPECT_FALSE(all_pass(std::vector<RuleOutcome>{}));
}

TEST(Policy, GroupsNest) {
  EXPECT_TRUE(allows(R"({"version":1,"anyOf":[{"claim":"svn","equals":9},
      {"allOf":[{"claim":"tee","equals":"snp"},{"claim":"debug","equals":false}]}]})"));
  EXPECT_FALSE(allows(R"({"version":1,"allOf":[{"claim":"debug","equals":false},
      {"anyOf":[{"claim":"svn","equals":9},{"claim":"tee","equals":"tdx"}]}]})"));
  EXPECT_FALSE(allows(R"({"version":1,"anyOf":[{"anyOf":[]},{"allOf":[]}]})"));
}

TEST(Policy, TheAppPolicyTakesApprovedBuildsAndConfigurations) {
  Lists lists;
  lists.lists = {{"builds", {"00", "aa"}}, {"configs", {"cc"}}};
  EXPECT_TRUE(all_pass(Policy::for_app(false).evaluate(Trust::hardware, kClaims, lists)));
  EXPECT_FALSE(all_pass(Policy::for_app(false).evaluate(Trust::none, kClaims, lists)));
  EXPECT_TRUE(all_pass(Policy::for_app(true).evaluate(Trust::none, kClaims, lists)));
  EXPECT_FALSE(all_pass(Policy::for_app(true).evaluate(Trust::operator_, kClaims, lists)));
  lists.lists["builds"] = {"00", "01", "02", "03"};
  const auto rules = Policy::for_app(false).evaluate(Trust::hardware, kClaims, lists);
  const RuleOutcome* failure = first_failure(rules);
  ASSERT_NE(failure, nullptr);
  EXPECT_EQ(failure->name, "measurement");
  EXPECT_EQ(failure->code, "measurement");
  EXPECT_EQ(failure->seen, "aa");
  EXPECT_THAT(failure->expected, HasSubstr("one of 4"));
  EXPECT_THAT(failure->advice, HasSubstr("build approve"));
}

TEST(Policy, WeakTrustMustBeNamed) {
  const std::string any = R"("allOf":[{"claim":"debug","equals":false}]})";
  EXPECT_FALSE(allows(R"({"version":1,)" + any, {}, Trust::none));
  EXPECT_TRUE(allows(R"({"version":1,"allow_simulated":true,)" + any, {}, Trust::none));
  EXPECT_FALSE(allows(R"({"version":1,"allow_simulated":true,)" + any, {}, Trust::operator_));
  EXPECT_TRUE(allows(R"({"version":1,"allow_operator_vtpm":true,)" + any, {}, Trust::operator_));
  EXPECT_TRUE(allows(R"({"version":1,)" + any, {}, Trust::provider));
}

TEST(Policy, MistakesNameTheirPlace) {
  EXPECT_THAT(policy_refusal("[]"), HasSubstr("object"));
  EXPECT_THAT(policy_refusal(R"({"allOf":[]})"), HasSubstr("version"));
  EXPECT_THAT(policy_refusal(R"({"version":0,"allOf":[]})"), HasSubstr("version"));
  EXPECT_THAT(policy_refusal(R"({"version":1})"), HasSubstr("allOf or anyOf"));
  EXPECT_THAT(policy_refusal(R"({"version":1,"allOf":[],"anyOf":[]})"),
              HasSubstr("allOf or anyOf"));
  EXPECT_THAT(policy_refusal(R"({"version":1,"allof":[],"allOf":[]})"), HasSubstr("'allof'"));
  EXPECT_THAT(policy_refusal(R"({"version":1,"allOf":{}})"), HasSubstr("allOf: expected a list"));
  EXPECT_THAT(policy_refusal(R"({"version":1,"allOf":[{"anyOf":[{"claim":1,"equals":1}]}]})"),
              HasSubstr("allOf[0].anyOf[0]"));
  EXPECT_THAT(policy_refusal(R"({"version":1,"allOf":[{"claim":"a","equals":1,"in":[]}]})"),
              HasSubstr("allOf[0]"));
  EXPECT_THAT(policy_refusal(R"({"version":1,"allOf":[{"claim":"a","equals":1.5}]})"),
              HasSubstr("allOf[0]"));
  EXPECT_THAT(policy_refusal(R"({"version":1,"allOf":[{"claim":"a","not":1}]})"),
              HasSubstr("one of"));
  EXPECT_THAT(policy_refusal(R"({"version":1,"allow_simulated":"yes","allOf":[]})"),
              HasSubstr("allow_simulated"));
}

TEST(Policy, LimitsHold) {
  const auto nested = [](std::size_t levels) {
    std::string out = R"({"claim":"debug","equals":false})";
    for (std::size_t i = 1; i < levels; ++i) out = R"({"allOf":[)" + out + "]}";
    return R"({"version":1,"allOf":[)" + out + "]}";
  };
  EXPECT_TRUE(allows(nested(kPolicyDepthMax)));
  EXPECT_THAT(policy_refusal(nested(kPolicyDepthMax + 1)), HasSubstr("deep"));
  const auto many = [](std::size_t count) {
    std::string out = R"({"version":1,"allOf":[)";
    for (std::size_t i = 0; i < count; ++i) {
      out += std::string(i == 0 ? "" : ",") + R"({"claim":"debug","equals":false})";
    }
    return out + "]}";
  };
  EXPECT_TRUE(allows(many(kPolicyConditionsMax)));
  EXPECT_THAT(policy_refusal(many(kPolicyConditionsMax + 1)), HasSubstr("conditions"));
  EXPECT_FALSE(Policy::parse(std::string(kPolicyBytesMax + 1, ' ')));
}

TEST(Policy, TheDigestIsOfTheContent) {
  const auto a = Policy::parse(R"({"version":1,"allOf":[{"claim":"a","equals":1}]})");
  const auto b = Policy::parse(R"({ "allOf": [{"equals":1, "claim":"a"}], "version": 1 })");
  const auto c = Policy::parse(R"({"version":2,"allOf":[{"claim":"a","equals":1}]})");
  EXPECT_EQ(a->digest(), b->digest());
  EXPECT_NE(a->digest(), c->digest());
}

struct TwoBuilds final : PolicyLists {
  std::vector<Build> builds = {{"a", {{"measurement", "11"}, {"tpm.pcr4", "22"}}, false},
                               {"b", {{"measurement", "33"}, {"tpm.pcr4", "44"}}, false}};
  const std::vector<std::string>* find(std::string_view) const override { return nullptr; }
  const std::vector<Build>* find_builds(std::string_view list) const override {
    return list == "builds" ? &builds : nullptr;
  }
};

bool allows(std::string_view condition, const Claims& claims, const PolicyLists& lists) {
  const auto policy = Policy::parse(R"({"version":1,"allOf":[)" + std::string(condition) + "]}");
  EXPECT_TRUE(policy) << policy.error().text();
  return policy && all_pass(policy->evaluate(Trust::hardware, claims, lists));
}

TEST(PolicyBuilds, AreMatchedWhole) {
  TwoBuilds lists;
  const char* policy = R"({"build_in":"builds"})";
  EXPECT_TRUE(allows(policy, {{"measurement", "11"}, {"tpm.pcr4", "22"}}, lists));
  EXPECT_FALSE(allows(policy, {{"measurement", "11"}, {"tpm.pcr4", "44"}}, lists));
  EXPECT_FALSE(allows(policy, {{"measurement", "11"}}, lists));
  EXPECT_FALSE(allows(R"({"build_in":"others"})", {{"measurement", "11"}}, lists));
  lists.builds[0].withdrawn = true;
  EXPECT_FALSE(allows(policy, {{"measurement", "11"}, {"tpm.pcr4", "22"}}, lists));
  lists.builds = {{"nothing", {}, false}};
  EXPECT_FALSE(allows(policy, {{"measurement", "11"}}, lists));
}

TEST(PolicyVectors, EveryPartMustReach) {
  const TwoBuilds lists;
  const char* policy = R"({"claim":"reported_tcb","at_least":{"snp":23,"microcode":7}})";
  const auto tcb = [](int snp, int microcode) {
    return Claims{{"reported_tcb", {{"snp", snp}, {"microcode", microcode}, {"tee", 0}}}};
  };
  EXPECT_TRUE(allows(policy, tcb(23, 9), lists));
  EXPECT_FALSE(allows(policy, tcb(22, 9), lists));
  EXPECT_FALSE(allows(policy, tcb(99, 6), lists));
  EXPECT_FALSE(allows(policy, {{"reported_tcb", {{"snp", 23}}}}, lists));
  EXPECT_FALSE(allows(policy, {{"reported_tcb", 99}}, lists));
}

TEST(PolicySubsets, NothingElseMayBeThere) {
  const TwoBuilds lists;
  const char* policy = R"({"claim":"advisory_ids","subset_of":["A","B"]})";
  EXPECT_TRUE(allows(policy, {{"advisory_ids", {"A"}}}, lists));
  EXPECT_TRUE(allows(policy, {{"advisory_ids", Json::array()}}, lists));
  EXPECT_FALSE(allows(policy, {{"advisory_ids", {"A", "C"}}}, lists));
  EXPECT_FALSE(allows(policy, Claims::object(), lists));
}

TEST(PolicyDates, ArePointsInTime) {
  const TwoBuilds lists;
  const char* policy = R"({"claim":"lowest_tcb_date","at_least":"2024-03-13T00:00:00Z"})";
  EXPECT_TRUE(allows(policy, {{"lowest_tcb_date", "2024-03-13T00:00:00Z"}}, lists));
  EXPECT_FALSE(allows(policy, {{"lowest_tcb_date", "2024-03-12T23:59:59Z"}}, lists));
  EXPECT_FALSE(allows(policy, {{"lowest_tcb_date", "later"}}, lists));
  EXPECT_FALSE(Policy::parse(R"({"version":1,"allOf":[{"claim":"a","at_least":"soon"}]})"));
  EXPECT_FALSE(Policy::parse(R"({"version":1,"allOf":[{"claim":"a","at_least":{}}]})"));
}

// Before it is put in force, every way through a policy names a build.
TEST(Policy, IsNotTakenWithoutABuild) {
  const auto taken = [](std::string_view document) {
    const auto policy = Policy::parse(document);
    EXPECT_TRUE(policy) << document;
    return policy && policy->check_release().has_value();
  };
  EXPECT_TRUE(Policy::for_app(false).check_release());
  EXPECT_TRUE(Policy::deny_all().check_release());
  EXPECT_TRUE(taken(R"({"version":1,"allOf":[{"build_in":"builds"}]})"));
  EXPECT_TRUE(taken(R"({"version":1,"allOf":[{"claim":"signer","equals":"ab"}]})"));
  EXPECT_FALSE(taken(R"({"version":1,"allOf":[{"claim":"debug","equals":false}]})"));
  EXPECT_FALSE(taken(R"({"version":1,"allOf":[{"claim":"svn","at_least":2}]})"));
  EXPECT_TRUE(
      taken(R"({"version":1,"allow_any_build":true,"allOf":[{"claim":"debug","equals":false}]})"));
  // One alternative without is one too many.
  EXPECT_FALSE(taken(R"({"version":1,"anyOf":[{"build_in":"b"},{"claim":"tee","equals":"snp"}]})"));
  EXPECT_TRUE(
      taken(R"({"version":1,"anyOf":[{"build_in":"b"},{"claim":"measurement","in":["ab"]}]})"));
  EXPECT_TRUE(taken(
      R"({"version":1,"allOf":[{"claim":"measurement","in":["ab"]},{"anyOf":[{"claim":"svn","at_least":1}]}]})"));
}

TEST(Policy, ZeroIsNoMeasurement) {
  const std::string zero(96, '0');
  for (const std::string& condition : {R"({"claim":"measurement","equals":")" + zero + R"("})",
                                       R"({"claim":"pcr0","in":["ab",")" + zero + R"("]})"}) {
    const auto policy = Policy::parse(R"({"version":1,"allOf":[)" + condition + "]}");
    ASSERT_TRUE(policy);
    EXPECT_FALSE(policy->check_release()) << condition;
  }
  // Nor out of a list that somebody else keeps.
  Lists lists;
  lists.lists["builds"] = {zero};
  Claims claims = kClaims;
  claims["measurement"] = zero;
  const auto listed =
      Policy::parse(R"({"version":1,"allOf":[{"claim":"measurement","in_list":"builds"}]})");
  EXPECT_FALSE(all_pass(listed->evaluate(Trust::hardware, claims, lists)));
  // A register that must be empty may be.
  claims = kClaims;
  claims["tpm.pcr12"] = zero;
  const auto empty =
      Policy::parse(R"({"version":1,"allOf":[{"claim":"tpm.pcr12","equals":")" + zero + R"("}]})");
  EXPECT_TRUE(all_pass(empty->evaluate(Trust::hardware, claims, lists)));
}

TEST(Policy, StatusesAreRefusedUnlessTheyAreTolerated) {
  const auto decides = [](const std::string& members, const Claims& claims, std::int64_t now_s) {
    const auto policy = Policy::parse(R"({"version":1,)" + members +
                                      R"("allOf":[{"claim":"measurement","equals":"aa"}]})");
    EXPECT_TRUE(policy) << members;
    return policy && all_pass(policy->evaluate(Trust::hardware, claims, Lists(), now_s));
  };
  Claims claims = kClaims;
  claims["tcb_status"] = "UpToDate";
  EXPECT_TRUE(decides("", claims, 1));
  claims["tcb_status"] = "OutOfDate";
  EXPECT_FALSE(decides("", claims, 1));
  const std::string tolerant = R"("tolerated_tcb":["OutOfDate"],)";
  EXPECT_TRUE(decides(tolerant, claims, 1));
  claims["advisory_ids"] = {"INTEL-SA-00615"};
  const std::string until =
      tolerant +
      R"("accepted_advisories":[{"id":"INTEL-SA-00615","until":"2026-01-01T00:00:00Z"}],)";
  EXPECT_TRUE(decides(until, claims, 1'700'000'000));
  EXPECT_FALSE(decides(until, claims, 1'800'000'000));  // its date has passed
  claims["advisory_ids"].push_back("INTEL-SA-00616");
  EXPECT_FALSE(decides(until, claims, 1'700'000'000));
  EXPECT_FALSE(
      Policy::parse(R"({"version":1,"tolerated_tcb":["Revoked"],"allOf":[{"build_in":"b"}]})"));
  EXPECT_FALSE(Policy::parse(
      R"({"version":1,"accepted_advisories":["INTEL-SA-00615"],"allOf":[{"build_in":"b"}]})"));
}

TEST(Policy, OneAppsToleranceIsNoOthers) {
  const auto tolerant =
      Policy::parse(R"({"version":1,"tolerated_tcb":["OutOfDate"],"collateral_grace_days":7,)"
                    R"("allOf":[{"claim":"measurement","equals":"aa"}]})");
  Expectations expected;
  tolerant->widen(expected);
  tolerant->widen(expected);
  EXPECT_EQ(expected.tolerated_tcb, std::vector<std::string>{"OutOfDate"});
  EXPECT_EQ(expected.collateral_grace_days, 7);
  Claims claims = kClaims;  // as the judge gives them once it has been let
  claims["tcb_status"] = "OutOfDate";
  claims["collateral_late_s"] = 86'400;
  const auto other =
      Policy::parse(R"({"version":1,"allOf":[{"claim":"measurement","equals":"aa"}]})");
  EXPECT_TRUE(all_pass(tolerant->evaluate(Trust::hardware, claims, Lists(), 1)));
  EXPECT_FALSE(all_pass(other->evaluate(Trust::hardware, claims, Lists(), 1)));
}

TEST(Policy, AgesCount) {
  Claims claims = kClaims;
  claims["judged_at"] = "2026-01-01T00:00:00Z";
  constexpr std::int64_t kJudged = 1'767'225'600;
  const auto fresh =
      Policy::parse(R"({"version":1,"allOf":[{"claim":"judged_at","max_age_s":300}]})");
  ASSERT_TRUE(fresh);
  EXPECT_TRUE(all_pass(fresh->evaluate(Trust::hardware, claims, Lists(), kJudged + 300)));
  EXPECT_FALSE(all_pass(fresh->evaluate(Trust::hardware, claims, Lists(), kJudged + 301)));
  EXPECT_FALSE(all_pass(fresh->evaluate(Trust::hardware, claims, Lists())));
  EXPECT_FALSE(all_pass(fresh->evaluate(Trust::hardware, kClaims, Lists(), kJudged)));
  claims = kClaims;
  claims["collateral_late_s"] = 86'400 * 3;
  const auto days = [&](int count) {
    const auto policy =
        Policy::parse(R"({"version":1,"collateral_grace_days":)" + std::to_string(count) +
                      R"(,"allOf":[{"claim":"measurement","equals":"aa"}]})");
    return all_pass(policy->evaluate(Trust::hardware, claims, Lists(), kJudged));
  };
  EXPECT_FALSE(days(0));
  EXPECT_FALSE(days(2));
  EXPECT_TRUE(days(3));
}

}  // namespace
}  // namespace penstock::attest
