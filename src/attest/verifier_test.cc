#include "attest/verifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attest/limits.h"
#include "attest/test_evidence.h"

namespace penstock::attest {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Simulated : public ::testing::Test {
 protected:
  Simulated()
      : platform_(*crypto::P256PrivateKey::generate(crypto::system_random())),
        other_(*crypto::P256PrivateKey::generate(crypto::system_random())) {
    anchors_.simulated_platforms = {other_.public_key(), platform_.public_key()};
    expected_.report_data[0] = 0x42;
    report_.report_data = to_hex(expected_.report_data);
  }

  Verdict verdict(std::string_view evidence) const {
    auto verdict = judge("simulated", evidence, expected_, anchors_);
    EXPECT_TRUE(verdict) << verdict.error().text();
    return *std::move(verdict);
  }
  std::vector<std::string> failed(std::string_view evidence) const {
    std::vector<std::string> out;
    const Verdict given = verdict(evidence);
    for (const RuleOutcome& rule : given.rules()) {
      if (rule.result != RuleResult::pass) {
        EXPECT_FALSE(rule.expected.empty()) << rule.name;
        EXPECT_FALSE(rule.seen.empty()) << rule.name;
        EXPECT_FALSE(rule.advice.empty()) << rule.name;
        out.push_back(rule.name);
      }
    }
    return out;
  }
  std::vector<std::string> failed() const { return failed(simulated_evidence(report_, platform_)); }

  crypto::P256PrivateKey platform_, other_;
  Anchors anchors_;
  Expectations expected_;
  TestReport report_;
};

TEST_F(Simulated, GoodEvidenceAffirmsAndSaysWhatRuns) {
  const Verdict good = verdict(simulated_evidence(report_, platform_));
  EXPECT_TRUE(good.affirming());
  EXPECT_EQ(good.trust(), Trust::none);
  std::vector<std::string> names;
  for (const RuleOutcome& rule : good.rules()) names.push_back(rule.name);
  EXPECT_THAT(names, ElementsAre("parse", "platform", "signature", "report_data", "config_digest",
                                 "debug"));
  EXPECT_EQ(good.claims()["measurement"], report_.measurement);
  EXPECT_EQ(good.claims()["config_digest"], "");
  EXPECT_EQ(good.claims()["svn"], 3);
  EXPECT_EQ(good.claims()["tee"], "simulated");
  EXPECT_EQ(good.claims()["trust"], "none");
}

TEST_F(Simulated, EachAttackFailsItsOwnRule) {
  report_.debug = true;
  EXPECT_THAT(failed(), ElementsAre("debug"));
  report_.debug = false;
  report_.report_data[0] = '5';  // another nonce or key
  EXPECT_THAT(failed(), ElementsAre("report_data"));
  report_.report_data = to_hex(expected_.report_data);
  report_.report_data.back() = '1';  // the padding counts
  EXPECT_THAT(failed(), ElementsAre("report_data"));
  report_.report_data = to_hex(expected_.report_data);
  report_.host_data = "ab";  // a configuration that nobody sent
  EXPECT_THAT(failed(), ElementsAre("config_digest"));
}

TEST_F(Simulated, TheConfigurationMustBeTheOneThatCame) {
  expected_.config_digest = ByteBuffer(48, 0x11);
  EXPECT_THAT(failed(), ElementsAre("config_digest"));
  report_.host_data = to_hex(expected_.config_digest);
  EXPECT_THAT(failed(), ElementsAre());
  report_.host_data += "00";  // padding of the field
  EXPECT_THAT(failed(), ElementsAre());
  report_.host_data.back() = '1';
  EXPECT_THAT(failed(), ElementsAre("config_digest"));
  report_.host_data = to_hex(ByteView(expected_.config_digest).first(47));
  EXPECT_THAT(failed(), ElementsAre("config_digest"));
}

TEST_F(Simulated, ZerosSayThatThereIsNoConfiguration) {
  report_.host_data = std::string(96, '0');
  const Verdict good = verdict(simulated_evidence(report_, platform_));
  EXPECT_TRUE(good.affirming());
  EXPECT_EQ(good.claims()["config_digest"], "");
}

TEST_F(Simulated, OnlyKnownPlatformsCount) {
  const auto stranger = *crypto::P256PrivateKey::generate(crypto::system_random());
  EXPECT_THAT(failed(simulated_evidence(report_, stranger)), ElementsAre("platform", "signature"));
  Json borrowed = Json::parse(simulated_evidence(report_, stranger));
  borrowed["platform"] = platform_id(platform_.public_key());
  EXPECT_THAT(failed(borrowed.dump()), ElementsAre("signature"));
  anchors_.simulated_platforms.clear();  // a store that is not for development
  EXPECT_THAT(failed(), ElementsAre("platform", "signature"));
}

TEST_F(Simulated, EveryFlippedByteIsNoticed) {
  const std::string good = simulated_evidence(report_, platform_);
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    EXPECT_FALSE(verdict(bad).affirming()) << i;
  }
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_THAT(failed(good.substr(0, size)), ElementsAre("parse"));
  }
}

TEST_F(Simulated, MembersAreExact) {
  report_.extra = {{"more", 1}};
  EXPECT_THAT(failed(), ElementsAre("parse"));
  report_.extra = {{"v", 2}};
  EXPECT_THAT(failed(), ElementsAre("parse"));
  report_.extra = {{"svn", -1}};
  EXPECT_THAT(failed(), ElementsAre("parse"));
  report_.extra = {{"measurement", "ab"}};
  EXPECT_THAT(failed(), ElementsAre("parse"));
  std::string twice = simulated_evidence({}, platform_);
  twice.insert(1, R"("platform":"00",)");
  EXPECT_THAT(failed(twice), ElementsAre("parse"));
  EXPECT_THAT(failed(std::string(kEvidenceBytesMax + 1, ' ')), ElementsAre("parse"));
}

TEST(Sample, CountsOnlyWhereItIsAllowed) {
  Expectations expected;
  expected.report_data[3] = 9;
  const std::string evidence = sample_evidence(expected.report_data);
  EXPECT_FALSE(judge("sample", evidence, expected, {})->affirming());
  const Anchors development{.simulated_platforms = {}, .sample_allowed = true};
  const auto good = judge("sample", evidence, expected, development);
  EXPECT_TRUE(good->affirming());
  EXPECT_FALSE(good->claims().contains("measurement"));
  EXPECT_FALSE(judge("sample", sample_evidence({}), expected, development)->affirming());
}

TEST(Verifiers, UnknownTeesAreRefusedWithTheKnownOnes) {
  const auto verdict = judge("sgx9", "{}", {}, {});
  ASSERT_FALSE(verdict);
  EXPECT_EQ(verdict.error().code(), ErrorCode::unsupported);
  EXPECT_THAT(verdict.error().text(), HasSubstr("simulated, sample"));
}

// Good evidence of each verifier, so that no new one comes without.
std::string good_evidence(std::string_view tee, const crypto::P256PrivateKey& platform) {
  if (tee == "simulated") return simulated_evidence({}, platform);
  if (tee == "sample") return sample_evidence({});
  return "";
}

TEST(Verifiers, EachAcceptsGoodEvidenceAndRefusesBad) {
  const auto platform = *crypto::P256PrivateKey::generate(crypto::system_random());
  const Anchors anchors{.simulated_platforms = {platform.public_key()}, .sample_allowed = true};
  for (const Verifier& verifier : builtin_verifiers()) {
    const std::string good = good_evidence(verifier.tee, platform);
    // That of hardware cannot be made here: vectors_test.cc judges real evidence.
    if (!good.empty()) {
      EXPECT_TRUE(judge(verifier.tee, good, {}, anchors)->affirming()) << verifier.tee;
      EXPECT_FALSE(judge(verifier.tee, good, {}, {})->affirming()) << verifier.tee;
      Expectations another;
      another.report_data[63] = 1;
      EXPECT_FALSE(judge(verifier.tee, good, another, anchors)->affirming()) << verifier.tee;
    }
    for (const char* bad : {"", "{}", "null", "[]", "{\"a\":{\"b\":[1]}}", "\xff"}) {
      const auto verdict = judge(verifier.tee, bad, {}, anchors);
      EXPECT_FALSE(verdict->affirming()) << verifier.tee << bad;
      EXPECT_TRUE(verdict->claims().empty());
    }
  }
}

// Vectors of key-broker.md 1.
TEST(ReportDataBinding, EqualsThePublishedVector) {
  const Json key = {{"alg", "ECDH-ES+A256KW"},
                    {"crv", "P-256"},
                    {"kty", "EC"},
                    {"x", std::string(43, 'A')},
                    {"y", std::string(43, 'B')}};
  const auto data = report_data("", std::string(43, 'A') + "=", key);
  ASSERT_TRUE(data);
  EXPECT_EQ(
      to_hex(*data),
      "509a95b12f352516f55bc254c503223b3998e7a54de88ea21f19593f0903e076634b37cb221ba0760adeb8a3"
      "84a0af8d" +
          std::string(32, '0'));
  EXPECT_NE(*report_data("x", std::string(43, 'A') + "=", key), *data);
}

TEST(ReportDataBinding, SessionsDifferInEveryPart) {
  const SessionBinding base{.nonce = "n", .exporter = "", .role = "server", .spki_sha256 = ""};
  const auto data = report_data(base);
  for (auto part : {&SessionBinding::nonce, &SessionBinding::exporter, &SessionBinding::role,
                    &SessionBinding::spki_sha256}) {
    SessionBinding other = base;
    other.*part += "x";
    EXPECT_NE(*report_data(other), *data);
  }
}

}  // namespace
}  // namespace penstock::attest
