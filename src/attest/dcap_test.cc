// SGX and TDX quotes of a PKI that the test makes: what nobody publishes - revoked keys, revoked
// levels, old collateral, foreign quoting enclaves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attest/facts.h"
#include "attest/intel_tcb.h"
#include "attest/test_dcap.h"

namespace penstock::attest {
namespace {

using namespace penstock::crypto;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::int64_t kNow = kTestNow;

class Dcap : public ::testing::Test {
 protected:
  Dcap() {
    expected_.now_s = kNow;
    expected_.unbound = true;
    anchors_.replaced = {test_anchor(machine_.root_certificate())};
  }
  Appraisal appraise(const EvidenceFiles& files) const {
    return appraise_sgx(files, {expected_, anchors_});
  }
  std::vector<std::string> failed(const EvidenceFiles& files) const {
    std::vector<std::string> out;
    for (const RuleOutcome& rule : appraise(files).rules)
      if (rule.result != RuleResult::pass) out.push_back(rule.code);
    return out;
  }
  std::vector<std::string> failed() const { return failed(machine_.files()); }

  DcapMachine machine_;
  Expectations expected_;
  Anchors anchors_;
};

TEST_F(Dcap, AWholeMachineIsBelieved) {
  const Appraisal good = appraise(machine_.files());
  EXPECT_THAT(failed(), IsEmpty());
  EXPECT_TRUE(all_pass(good.rules));
  EXPECT_EQ(good.claims.at("tcb_status"), "UpToDate");
  EXPECT_EQ(good.claims.at("fmspc"), "112233445566");
  EXPECT_EQ(good.claims.at("debug"), false);
}

TEST_F(Dcap, RevokedKeysAreRefused) {
  machine_.pck_crl = {31};
  EXPECT_THAT(failed(), ElementsAre("revoked"));
  machine_.pck_crl = {32};
  EXPECT_THAT(failed(), IsEmpty());
  machine_.root_crl = {21};
  EXPECT_THAT(failed(), ElementsAre("revoked"));
  machine_.root_crl = {41};
  EXPECT_THAT(failed(), ElementsAre("revoked"));
}

TEST_F(Dcap, OldOrForeignCrlsAreRefused) {
  machine_.crl_to_s = kNow - 1;
  EXPECT_THAT(failed(), Contains("collateral-expired"));
  machine_.crl_to_s = kNow;
  EvidenceFiles files = machine_.files();
  files.files["pck_crl"] = {test_crl({.issuer = "Intel SGX PCK Platform CA"}, machine_.root)};
  EXPECT_THAT(failed(files), Contains("crl-signature"));
  files.files["pck_crl"] = {test_crl({.issuer = "Intel SGX PCK Processor CA"}, machine_.ca)};
  EXPECT_THAT(failed(files), Contains("no-crl"));
  for (const char* role :
       {"pck_crl", "root_ca_crl", "tcb_info", "qe_identity", "tcb_signing_chain"}) {
    files = machine_.files();
    files.files.erase(role);
    EXPECT_FALSE(all_pass(appraise(files).rules)) << role;
  }
}

TEST_F(Dcap, RevokedAndMissingLevelsAreRefused) {
  machine_.level["tcbStatus"] = "Revoked";
  EXPECT_THAT(failed(), ElementsAre("tcb-revoked"));
  expected_.tolerated_tcb = {"Revoked"};  // no policy can take it
  EXPECT_THAT(failed(), ElementsAre("tcb-revoked"));
  machine_.level["tcbStatus"] = "OutOfDate";
  EXPECT_THAT(failed(), ElementsAre("tcb-out-of-date"));
  expected_.tolerated_tcb = {"OutOfDate"};
  EXPECT_THAT(failed(), IsEmpty());
  machine_.level["tcb"]["pcesvn"] = 6;
  EXPECT_THAT(failed(), ElementsAre("tcb-not-supported"));
}

// The quoting enclave's own state is not hidden by the platform's.
TEST_F(Dcap, TheQuotingEnclaveCounts) {
  machine_.qe_status = "Revoked";
  EXPECT_THAT(failed(), ElementsAre("tcb-revoked"));
  machine_.qe_status = "OutOfDate";
  EXPECT_THAT(failed(), ElementsAre("tcb-out-of-date"));
  machine_.qe_status = "UpToDate";
  machine_.qe_isvsvn = 7;
  EXPECT_THAT(failed(), ElementsAre("tcb-not-supported"));
  machine_.qe_isvsvn = 8;
  machine_.foreign_qe = true;
  EXPECT_THAT(failed(), ElementsAre("qe-identity"));
  machine_.foreign_qe = false;
  machine_.qe_debug = true;
  EXPECT_THAT(failed(), Contains("qe-identity"));
  machine_.qe_debug = false;
  machine_.break_binding = true;  // the padding behind the hash counts
  EXPECT_THAT(failed(), ElementsAre("qe-binding"));
}

TEST_F(Dcap, LevelsAreSortedWhateverTheirOrder) {
  Json old = machine_.level, newest = machine_.level;
  old["tcb"]["sgxtcbcomponents"] = test_components(1);
  old["tcbStatus"] = "Revoked";
  newest["tcb"]["sgxtcbcomponents"] = test_components(9);
  machine_.levels = Json::array({old, machine_.level, newest});
  EXPECT_THAT(failed(), IsEmpty());
  machine_.levels = Json::array({newest, machine_.level, old});
  EXPECT_THAT(failed(), IsEmpty());
  machine_.levels = Json::array({old, newest});
  EXPECT_THAT(failed(), ElementsAre("tcb-revoked"));
  Json short_list = machine_.level;
  short_list["tcb"]["sgxtcbcomponents"].erase(0);
  machine_.levels = Json::array({short_list});
  EXPECT_THAT(failed(), Contains("parse"));
}

TEST_F(Dcap, CollateralOfOthersAndOfYesterdayIsRefused) {
  machine_.fmspc = "112233445567";
  EXPECT_THAT(failed(), ElementsAre("tcb-mismatch"));
  machine_.fmspc = "112233445566";
  machine_.next_update = "2025-02-01T00:00:00Z";
  EXPECT_THAT(failed(), ElementsAre("collateral-expired"));
  machine_.next_update = "2026-01-01T00:00:00Z";
  expected_.evaluation_number_min = 18;
  EXPECT_THAT(failed(), Contains("collateral-expired"));
  machine_.evaluation_number = 18;
  EXPECT_THAT(failed(), IsEmpty());
  machine_.tcb_signer = test_ec_key("P-256");
  EvidenceFiles files = machine_.files();
  files.files["tcb_info"] = {DcapMachine().tcb_info()};
  EXPECT_THAT(failed(files), Contains("collateral-signature"));
}

TEST_F(Dcap, DebugAndForeignRootsAreRefused) {
  machine_.debug = true;
  EXPECT_THAT(failed(), ElementsAre("debug"));
  machine_.debug = false;
  anchors_.replaced.reset();  // Intel's own root, which did not make this
  EXPECT_THAT(failed(), Contains("root"));
}

// The cache keeps signatures, never times and never somebody else's anchor.
TEST_F(Dcap, WhatIsCachedIsJudgedAnew) {
  FactCache facts;
  const EvidenceFiles files = machine_.files();
  const auto good = [&] {
    return all_pass(appraise_sgx(files, {expected_, anchors_, nullptr, &facts}).rules);
  };
  EXPECT_TRUE(good());
  const std::size_t kept = facts.size();
  EXPECT_GT(kept, 0U);
  EXPECT_TRUE(good());
  EXPECT_EQ(facts.size(), kept);
  expected_.now_s = 2'100'000'000;
  EXPECT_FALSE(good());
  expected_.now_s = kNow;
  anchors_.replaced->clear();
  EXPECT_FALSE(good());
}

// Module status OutOfDate beside a platform that is not must not be masked, and the other way
// round.
TEST(TcbConvergence, TheWorstCounts) {
  PlatformLevel platform;
  IsvLevel qe, module;
  const auto status = [&](TcbStatus a, TcbStatus b, TcbStatus c) {
    platform.verdict.status = a;
    qe.verdict.status = b;
    module.verdict.status = c;
    return converge({&platform, &qe, &module}).status;
  };
  using enum TcbStatus;
  EXPECT_EQ(status(up_to_date, up_to_date, up_to_date), up_to_date);
  EXPECT_EQ(status(out_of_date, up_to_date, up_to_date), out_of_date);
  EXPECT_EQ(status(up_to_date, up_to_date, out_of_date), out_of_date);
  EXPECT_EQ(status(up_to_date, out_of_date, up_to_date), out_of_date);
  EXPECT_EQ(status(sw_hardening_needed, out_of_date, up_to_date), out_of_date);
  EXPECT_EQ(status(configuration_needed, up_to_date, out_of_date),
            out_of_date_configuration_needed);
  EXPECT_EQ(status(configuration_and_sw_hardening_needed, out_of_date, up_to_date),
            out_of_date_configuration_needed);
  EXPECT_EQ(status(up_to_date, revoked, up_to_date), revoked);
  EXPECT_EQ(status(up_to_date, up_to_date, revoked), revoked);
  EXPECT_EQ(status(revoked, out_of_date, up_to_date), revoked);
}

}  // namespace
}  // namespace penstock::attest
