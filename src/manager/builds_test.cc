// Builds of several claims: all of them must fit, so that no two builds make a third.
#include "manager/builds.h"

#include "manager/test_manager.h"

namespace penstock::manager {
namespace {

const std::string kPcr4 = std::string(64, 'a'), kPcr11 = std::string(64, 'b'),
                  kOtherPcr4 = std::string(64, 'c'), kOtherPcr11 = std::string(64, 'd');

TEST(WholeBuilds, AreReadStrictly) {
  const auto good = parse_whole_build({{"tpm.pcr4", std::string(64, 'A')}, {"tee", "tpm"}}, "x", 7);
  ASSERT_TRUE(good);
  EXPECT_EQ(good->claims.at("tpm.pcr4"), kPcr4);
  EXPECT_EQ(good->id.size(), 64U);
  EXPECT_EQ(parse_whole_build({{"tee", "tpm"}, {"tpm.pcr4", kPcr4}}, "", 9)->id, good->id);
  for (const Json& bad :
       {Json::object(), Json::array(), Json("x"), Json{{"tee", "tpm"}}, Json{{"tpm.pcr4", 7}},
        Json{{"tpm.pcr4", ""}}, Json{{"tpm.pcr4", std::string(64, '0')}}, Json{{"TPM pcr", kPcr4}},
        Json{{"tpm.pcr4", std::string(257, 'x')}}})
    EXPECT_FALSE(parse_whole_build(bad, "", 1)) << bad.dump();
  Json many = Json::object();
  for (std::size_t i = 0; i < kBuildClaimsMax; ++i) many["c" + std::to_string(i)] = kPcr4;
  EXPECT_TRUE(parse_whole_build(many, "", 1));
  many["more"] = kPcr4;
  EXPECT_FALSE(parse_whole_build(many, "", 1));
}

TEST(WholeBuilds, ARegisterOfOneNeverPassesWithOneOfAnother) {
  App app;
  app.whole_builds = {
      *parse_whole_build({{"tpm.pcr4", kPcr4}, {"tpm.pcr11", kPcr11}}, "one", 1),
      *parse_whole_build({{"tpm.pcr4", kOtherPcr4}, {"tpm.pcr11", kOtherPcr11}}, "two", 2)};
  app.index();
  const auto policy = attest::Policy::parse(R"({"version":1,"allOf":[{"build_in":"builds"}]})");
  ASSERT_TRUE(policy);
  const auto allowed = [&](const std::string& pcr4, const std::string& pcr11) {
    return attest::all_pass(policy->evaluate(attest::Trust::provider,
                                             {{"tpm.pcr4", pcr4}, {"tpm.pcr11", pcr11}}, app, 1));
  };
  EXPECT_TRUE(allowed(kPcr4, kPcr11));
  EXPECT_TRUE(allowed(kOtherPcr4, kOtherPcr11));
  EXPECT_FALSE(allowed(kPcr4, kOtherPcr11));
  EXPECT_FALSE(allowed(kOtherPcr4, kPcr11));
}

class ManagerBuilds : public ManagerTest {};

TEST_F(ManagerBuilds, AreApprovedListedKeptAndWithdrawn) {
  start_with_app();
  const std::string path = "/v1/apps/payments/builds";
  const Json claims = {{"tpm.pcr4", kPcr4}, {"tpm.pcr11", kPcr11}};
  EXPECT_EQ(admin().change("POST", path, {{"claims", claims}, {"note", "vm 1.4"}}), "");
  EXPECT_EQ(admin().change("POST", path, {{"claims", {{"tee", "tpm"}}}}), "invalid_argument");
  EXPECT_EQ(admin().change("POST", path, {{"claims", claims}, {"measurement", kPcr4}}),
            "invalid_argument");
  start();  // under the keyed root
  const Json app = admin().get("/v1/apps/payments");
  ASSERT_EQ(app["whole_builds"].size(), 1U);
  EXPECT_EQ(app["whole_builds"][0]["claims"], claims);
  EXPECT_EQ(app["builds"].size(), 1U);  // of start_with_app, by its measurement
  const std::string id = app["whole_builds"][0]["id"];
  EXPECT_EQ(admin().change("DELETE", path + "/" + id), "");
  EXPECT_EQ(admin().change("DELETE", path + "/" + id), "not_found");
  EXPECT_TRUE(admin().get("/v1/apps/payments")["whole_builds"].empty());
}

}  // namespace
}  // namespace penstock::manager
