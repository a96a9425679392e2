#include "cli/attest_report.h"

#include <clocale>

#include <gtest/gtest.h>

#include "attest/initdata.h"
#include "crypto/signature.h"

namespace penstock::cli {
namespace {

constexpr const char* kConfig =
    "version = \"0.1.0\"\nalgorithm = \"sha384\"\n[data]\n\"penstock.toml\" = \"a = 1\"\n";
const std::string kMeasurement(96, 'a');

class AttestReports : public testing::Test {
 protected:
  void SetUp() override {
    std::setlocale(LC_CTYPE, "C.UTF-8");
    config_digest_ = to_hex(*attest::initdata_digest(kConfig));
    binding_ = {
        .nonce = to_base64(ByteBuffer(32, 7)), .exporter = {}, .role = "server", .spki_sha256 = {}};
  }

  AttestAnswer answer(bool debug = false) const {
    const Json report = {{"v", 1},
                         {"measurement", kMeasurement},
                         {"host_data", config_digest_},
                         {"report_data", to_hex(*attest::report_data(binding_))},
                         {"debug", debug},
                         {"svn", 1}};
    const std::string text = report.dump();
    const Json evidence = {
        {"report", to_base64url(as_bytes(text))},
        {"signature", to_base64url(*platform_.sign_es256(as_bytes(text)))},
        {"platform", to_hex(crypto::VerificationKey(platform_.public_key()).id())}};
    return {
        .tee = "simulated", .evidence = evidence.dump(), .initdata = kConfig, .spki_sha256 = {}};
  }

  AttestExpectations all() const {
    return {.measurements = {kMeasurement},
            .config_digest = config_digest_,
            .platform = platform_.public_key(),
            .allow_simulated = true};
  }

  AttestReport judge(const AttestExpectations& expected, bool debug = false) const {
    auto report = judge_answer("http://h:1", answer(debug), binding_, expected, 1000);
    EXPECT_TRUE(report) << report.error().text();
    return *std::move(report);
  }

  static attest::RuleResult result_of(const AttestReport& report, std::string_view name) {
    for (const auto& rule : report.rules)
      if (rule.name == name) return rule.result;
    ADD_FAILURE() << "no rule " << name;
    return attest::RuleResult::fail;
  }

  crypto::P256PrivateKey platform_ = *crypto::P256PrivateKey::generate(crypto::system_random());
  std::string config_digest_;
  attest::SessionBinding binding_;
};

using attest::RuleResult;

TEST_F(AttestReports, EverythingAsExpectedIsGoodAndStillSaysThatItProtectsNothing) {
  const AttestReport report = judge(all());
  EXPECT_TRUE(report.good()) << shortcomings(report);
  EXPECT_EQ(shortcomings(report), "");
  const std::string text = report_text(report, 1000);
  EXPECT_NE(text.find("protects nothing"), std::string::npos) << text;
  EXPECT_NE(text.find("not bound to this connection"), std::string::npos) << text;
  EXPECT_NE(text.find(kMeasurement), std::string::npos);
  const OrderedJson json = report_json(report);
  EXPECT_EQ(json["good"], true);
  EXPECT_EQ(json["bound_to_connection"], false);
  EXPECT_EQ(json["claims"]["measurement"], kMeasurement);
  for (const auto& rule : json["rules"]) EXPECT_EQ(rule["result"], "pass") << rule;
}

TEST_F(AttestReports, WithoutExpectationsNothingIsCalledGood) {
  const AttestReport report = judge({.allow_simulated = true});
  EXPECT_FALSE(report.good());
  for (const char* name : {"measurement", "config_digest", "platform", "signature"})
    EXPECT_EQ(result_of(report, name), RuleResult::not_checked) << name;
  EXPECT_EQ(result_of(report, "report_data"), RuleResult::pass);
  const std::string text = report_text(report, 1000);
  EXPECT_NE(text.find("not checked"), std::string::npos);
  EXPECT_NE(text.find("says nothing good"), std::string::npos) << text;
}

TEST_F(AttestReports, EachExpectationThatDoesNotHoldFailsByName) {
  AttestExpectations expected = all();
  expected.measurements = {std::string(96, 'b'), std::string(96, 'c')};
  EXPECT_EQ(result_of(judge(expected), "measurement"), RuleResult::fail);
  expected = all();
  expected.config_digest = std::string(96, '1');
  EXPECT_EQ(result_of(judge(expected), "config_digest"), RuleResult::fail);
  expected = all();
  expected.platform = crypto::P256PrivateKey::generate(crypto::system_random())->public_key();
  EXPECT_EQ(result_of(judge(expected), "platform"), RuleResult::fail);
  expected = all();
  expected.allow_simulated = false;
  const AttestReport report = judge(expected);
  EXPECT_EQ(result_of(report, "trust"), RuleResult::fail);
  EXPECT_NE(shortcomings(report).find("trust failed"), std::string::npos);
  EXPECT_NE(report_text(report, 1000).find("--allow-simulated"), std::string::npos);
  EXPECT_EQ(result_of(judge(all(), true), "debug"), RuleResult::fail);
}

TEST_F(AttestReports, WithoutAConfigurationInTheEvidenceItIsNotMeasured) {
  EXPECT_EQ(report_json(judge(all()))["measured"], true);
  config_digest_.clear();
  AttestAnswer bare = answer();
  bare.initdata.clear();
  AttestExpectations expected = all();
  expected.config_digest.reset();
  const auto report = judge_answer("http://h:1", bare, binding_, expected, 1000);
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(result_of(*report, "mode"), RuleResult::fail);
  EXPECT_FALSE(report->good());
  EXPECT_EQ(report_json(*report)["measured"], false);
  EXPECT_NE(report_text(*report, 1000).find("any statement may run"), std::string::npos);
}

TEST_F(AttestReports, EvidenceOverAnotherNonceIsNotFresh) {
  const AttestAnswer old = answer();
  attest::SessionBinding now = binding_;
  now.nonce = to_base64(ByteBuffer(32, 8));
  const auto report = judge_answer("http://h:1", old, now, all(), 1000);
  ASSERT_TRUE(report);
  EXPECT_EQ(result_of(*report, "report_data"), RuleResult::fail);
}

TEST_F(AttestReports, ASentConfigurationThatWasNotMeasuredFailsEvenWhenNoneIsExpected) {
  AttestAnswer other = answer();
  other.initdata += "# one more line\n";
  AttestExpectations expected = all();
  expected.config_digest.reset();
  const auto report = judge_answer("http://h:1", other, binding_, expected, 1000);
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(result_of(*report, "config_digest"), RuleResult::fail);
}

TEST_F(AttestReports, UnsignedSampleEvidenceIsNeverGood) {
  const auto data = *attest::report_data(binding_);
  const Json evidence = {{"svn", "1"}, {"report_data", to_base64(data)}};
  const AttestAnswer sample{
      .tee = "sample", .evidence = evidence.dump(), .initdata = {}, .spki_sha256 = {}};
  const auto report = judge_answer("http://h:1", sample, binding_, all(), 1000);
  ASSERT_TRUE(report);
  for (const char* name : {"signature", "measurement", "config_digest"})
    EXPECT_EQ(result_of(*report, name), RuleResult::fail) << name;
}

TEST_F(AttestReports, AnExporterBindsTheReportToItsConnection) {
  binding_.exporter = to_base64(ByteBuffer(32, 9));
  const AttestReport report = judge(all());
  EXPECT_TRUE(report.good()) << shortcomings(report);
  const std::string text = report_text(report, 1000);
  EXPECT_NE(text.find("bound to this TLS connection"), std::string::npos);
  EXPECT_EQ(text.find("not bound"), std::string::npos);
}

TEST_F(AttestReports, AnswersOfAnotherShapeAreRefused) {
  const auto good = parse_attest_answer(
      R"({"tee":"simulated","evidence":{"a":1},"init_data":null,"binding":{"spki_sha256":"ab"}})");
  ASSERT_TRUE(good) << good.error().text();
  EXPECT_EQ(good->spki_sha256, "ab");
  EXPECT_EQ(good->initdata, "");
  for (const char* body : {"", "[]", "{}", R"({"tee":"x"})", R"({"tee":1,"evidence":{}})",
                           R"({"tee":"x","evidence":[]})", R"({"tee":"x","evidence":"e"})",
                           R"({"tee":"x","evidence":{},"init_data":7})"})
    EXPECT_FALSE(parse_attest_answer(body)) << body;
}

}  // namespace
}  // namespace penstock::cli
