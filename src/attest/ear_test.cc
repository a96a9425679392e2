// Results for other people's policies: our table, and other verifiers' tokens.
#include "attest/ear.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attest/evidence.h"
#include "crypto/ec.h"
#include "crypto/jwt.h"
#include "crypto/test_pki.h"

namespace penstock::attest {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(EarTable, HardwareThatPassedIsAffirmed) {
  const EarAppraisal good = ear_appraisal(Trust::hardware, {{"debug", false}});
  EXPECT_EQ(good.tier, EarTier::affirming);
  EXPECT_EQ(good.vector, (Json{{"hardware", 2}, {"runtime-opaque", 2}}));
  const Claims current = {{"debug", false}, {"tcb_status", "UpToDate"}};
  EXPECT_EQ(ear_appraisal(Trust::hardware, current).tier, EarTier::affirming);
  const EarAppraisal asked = ear_appraisal(Trust::hardware, current, PolicySaid::holds);
  EXPECT_EQ(asked.vector.at("executables"), 2);
  EXPECT_EQ(asked.vector.at("configuration"), 2);
}

TEST(EarTable, WhatIsLetOffIsAWarning) {
  EXPECT_EQ(ear_appraisal(Trust::hardware, {{"tcb_status", "SWHardeningNeeded"}}).tier,
            EarTier::warning);
  EXPECT_EQ(ear_appraisal(Trust::hardware, {{"waived", {"pck_crl_window"}}}).tier,
            EarTier::warning);
  EXPECT_EQ(ear_appraisal(Trust::provider, Claims::object()).tier, EarTier::warning);
  EXPECT_EQ(ear_appraisal(Trust::operator_, Claims::object()).tier, EarTier::warning);
}

TEST(EarTable, WhatProtectsNothingIsContraindicated) {
  EXPECT_EQ(ear_appraisal(Trust::none, {{"debug", false}}).tier, EarTier::contraindicated);
  EXPECT_EQ(ear_appraisal(Trust::none, Claims::object()).vector.at("hardware"), 97);
  EXPECT_EQ(ear_appraisal(Trust::hardware, {{"debug", true}}).tier, EarTier::contraindicated);
  EXPECT_EQ(ear_appraisal(Trust::hardware, {{"debug", 0}}).tier, EarTier::contraindicated);
}

TEST(EarTable, TiersAreRanges) {
  for (const auto& [value, tier] : {std::pair{0, EarTier::none},
                                    {1, EarTier::none},
                                    {-1, EarTier::none},
                                    {2, EarTier::affirming},
                                    {31, EarTier::affirming},
                                    {-2, EarTier::affirming},
                                    {-32, EarTier::affirming},
                                    {32, EarTier::warning},
                                    {95, EarTier::warning},
                                    {-33, EarTier::warning},
                                    {-96, EarTier::warning},
                                    {96, EarTier::contraindicated},
                                    {127, EarTier::contraindicated},
                                    {-97, EarTier::contraindicated}})
    EXPECT_EQ(ear_tier(value), tier) << value;
}

// A token of another verifier, to be changed by a test.
class EarTokens : public ::testing::Test {
 protected:
  EarTokens() : key_(*crypto::P256PrivateKey::generate(crypto::system_random())) {
    expected_.now_s = 1'750'000'000;
    claims_ = {
        {"eat_profile", "tag:ietf.org,2026:rats/ear#03"},
        {"iat", expected_.now_s - 10},
        {"exp", expected_.now_s + 290},
        {"ear_verifier_id", {{"developer", "somebody"}, {"build", "1"}}},
        {"eat_nonce", to_base64url(ByteBuffer(32, 7))},
        {"submods",
         {{"cpu0",
           {{"ear_status", "affirming"}, {"ear_trustworthiness_vector", {{"hardware", 2}}}}}}}};
  }
  EvidenceFiles files() const {
    EvidenceFiles out;
    const std::string token = *crypto::sign_jwt(claims_, key_, Json::object());
    out.files["evidence"] = {to_buffer(as_bytes(token))};
    out.files["ak"] = {to_buffer(as_bytes(key_.public_key().to_pem()))};
    return out;
  }
  std::vector<std::string> failed(const EvidenceFiles& files) const {
    std::vector<std::string> out;
    for (const RuleOutcome& rule : appraise_ear(files, {expected_, anchors_}).rules)
      if (rule.result != RuleResult::pass) out.push_back(rule.name);
    return out;
  }
  std::vector<std::string> failed() const { return failed(files()); }

  crypto::P256PrivateKey key_;
  Expectations expected_;
  Anchors anchors_;
  Json claims_;
};

TEST_F(EarTokens, OfAKnownVerifierAreTaken) {
  EXPECT_THAT(failed(), IsEmpty());
  expected_.nonce = ByteBuffer(32, 7);
  EXPECT_THAT(failed(), IsEmpty());
  expected_.nonce = ByteBuffer(32, 8);
  EXPECT_THAT(failed(), ElementsAre("nonce"));
}

TEST_F(EarTokens, ThatWarnAreRefused) {
  Json& module = claims_["submods"]["cpu0"];
  for (const char* status : {"none", "warning", "contraindicated"}) {
    module["ear_status"] = status;
    module.erase("ear_trustworthiness_vector");
    EXPECT_THAT(failed(), ElementsAre("ear_status")) << status;
  }
  module["ear_status"] = "affirming";
  claims_["submods"]["gpu0"] = {{"ear_status", "warning"}};  // one part is enough
  EXPECT_THAT(failed(), ElementsAre("ear_status"));
  module["ear_trustworthiness_vector"] = {{"hardware", 97}};  // better than its worst entry
  EXPECT_THAT(failed(), ElementsAre("parse"));
}

TEST_F(EarTokens, OfStrangersAndOfYesterdayAreRefused) {
  EvidenceFiles others = files();
  const auto stranger = *crypto::P256PrivateKey::generate(crypto::system_random());
  others.files["ak"] = {to_buffer(as_bytes(stranger.public_key().to_pem()))};
  EXPECT_THAT(failed(others), ElementsAre("signature"));
  others.files.erase("ak");
  EXPECT_THAT(failed(others), ElementsAre("signature"));
  others = files();
  others.files["evidence"] = {to_buffer(as_bytes(claims_.dump()))};  // without any signature
  EXPECT_THAT(failed(others), ElementsAre("signature"));
  expected_.now_s += 291;
  EXPECT_THAT(failed(), ElementsAre("validity"));
  expected_.now_s -= 291 + 100;
  EXPECT_THAT(failed(), ElementsAre("validity"));
}

}  // namespace
}  // namespace penstock::attest
