// SNP reports of a PKI that the test makes: revoked keys, forged chains, old firmware, debug.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attest/collateral.h"
#include "attest/facts.h"
#include "attest/test_snp.h"

namespace penstock::attest {
namespace {

using namespace penstock::crypto;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::int64_t kSnpNow = 1'750'000'000;

class Snp : public ::testing::Test {
 protected:
  Snp() {
    expected_.now_s = kSnpNow;
    expected_.unbound = true;
    anchors_.replaced = {test_anchor(machine_.ark_certificate())};
  }
  std::vector<std::string> failed(const EvidenceFiles& files,
                                  const Collateral* collateral = nullptr) const {
    std::vector<std::string> out;
    const Appraisal appraisal = appraise_snp(
        files,
        {.expected = expected_, .anchors = anchors_, .collateral = collateral, .facts = &facts_});
    for (const RuleOutcome& rule : appraisal.rules)
      if (rule.result != RuleResult::pass) out.push_back(rule.code);
    return out;
  }
  std::vector<std::string> failed() const { return failed(machine_.files()); }

  SnpMachine machine_;
  Expectations expected_;
  Anchors anchors_;
  mutable FactCache facts_;
};

TEST_F(Snp, AWholeMachineIsBelieved) {
  EXPECT_THAT(failed(), IsEmpty());
}

TEST_F(Snp, RevokedKeysAreRefused) {
  machine_.crl = {31};  // the VCEK
  EXPECT_THAT(failed(), ElementsAre("revoked"));
  machine_.crl = {21};  // the ASK
  EXPECT_THAT(failed(), ElementsAre("revoked"));
  machine_.crl = {22};
  EXPECT_THAT(failed(), IsEmpty());
}

TEST_F(Snp, OldForeignAndMissingCrlsAreRefused) {
  machine_.crl_to_s = kSnpNow - 1;
  EXPECT_THAT(failed(), ElementsAre("collateral-expired"));
  machine_.crl_to_s = 1'800'000'000;
  EvidenceFiles files = machine_.files();
  files.files["crl"] = {
      test_crl({.issuer = "ARK-Milan", .md = EVP_sha384(), .pss = true}, machine_.ask)};
  EXPECT_THAT(failed(files), ElementsAre("crl-signature"));
  files.files["crl"] = {
      test_crl({.issuer = "ARK-Genoa", .md = EVP_sha384(), .pss = true}, machine_.ark)};
  EXPECT_THAT(failed(files), ElementsAre("no-crl"));
  files.files.erase("crl");
  EXPECT_THAT(failed(files), ElementsAre("no-crl"));
}

// A guest that brings yesterday's list does not hide what the snapshot's newer one says.
TEST_F(Snp, TheNewestCrlSpeaks) {
  machine_.crl = {31};
  const ByteBuffer newer = test_crl({.issuer = "ARK-Milan",
                                     .serials = {31},
                                     .from_s = 1'740'000'000,
                                     .to_s = 1'800'000'000,
                                     .md = EVP_sha384(),
                                     .pss = true},
                                    machine_.ark);
  machine_.crl = {};
  EvidenceFiles files = machine_.files();
  files.files["crl"].push_back(newer);
  EXPECT_THAT(failed(files), Contains("revoked"));
  std::ranges::reverse(files.files["crl"]);
  EXPECT_THAT(failed(files), Contains("revoked"));
  const Json bundle = {{"penstock_collateral", 1},
                       {"items", Json::array({{{"kind", "amd_crl"}, {"data", to_base64(newer)}}})}};
  const auto collateral = Collateral::parse(bundle.dump());
  ASSERT_TRUE(collateral);
  EXPECT_THAT(failed(machine_.files()), IsEmpty());
  EXPECT_THAT(failed(machine_.files(), &*collateral), Contains("revoked"));
}

// Names like AMD's under somebody else's key; and AMD's own ARK over somebody else's ASK.
TEST_F(Snp, AForgedArkChainIsRefused) {
  machine_.ark = test_rsa_key();
  EXPECT_THAT(failed(), Contains("root"));
  EvidenceFiles mixed = machine_.files();
  mixed.files["ark"] = SnpMachine().files().files.at("ark");
  EXPECT_THAT(failed(mixed), Contains("chain"));
  mixed = machine_.files();
  mixed.files.erase("ark");
  EXPECT_FALSE(failed(mixed).empty());
}

TEST_F(Snp, ChainsOfAnotherShapeAreRefused) {
  machine_.ask_is_ca = false;
  EXPECT_THAT(failed(), Contains("chain"));
  machine_.ask_is_ca = true;
  machine_.pss = false;  // PKCS #1 where AMD signs with PSS
  EXPECT_THAT(failed(), Contains("algorithm"));
  machine_.pss = true;
  machine_.ask_name = "SEV-Genoa";
  EXPECT_THAT(failed(), Contains("chain"));
  machine_.ask_name = "SEV-Milan";
  machine_.leaf_to_s = kSnpNow - 1;
  EXPECT_THAT(failed(), ElementsAre("expired"));
}

TEST_F(Snp, CertificatesOfOtherChipsAndLevelsAreRefused) {
  machine_.certified_chip = 0xc2;
  EXPECT_THAT(failed(), ElementsAre("hwid-mismatch"));
  machine_.certified_chip = machine_.chip = 0;  // masked: no chip at all
  EXPECT_THAT(failed(), ElementsAre("hwid-mismatch"));
  machine_.certified_chip = machine_.chip = 0xc1;
  machine_.certified_snp = 9;
  EXPECT_THAT(failed(), ElementsAre("tcb-mismatch"));
  machine_.certified_snp = 8;
  machine_.flags = 1U << 2;  // says that a VLEK signed
  EXPECT_THAT(failed(), Contains("chain"));
}

// The host keeps the way back to older firmware open.
TEST_F(Snp, LevelsInAnotherOrderAreRefused) {
  machine_.committed_snp = 7;
  EXPECT_THAT(failed(), ElementsAre("policy"));
  machine_.committed_snp = 9;
  EXPECT_THAT(failed(), ElementsAre("policy"));
  machine_.current_snp = 9;
  EXPECT_THAT(failed(), IsEmpty());
}

TEST_F(Snp, DebugAndMigrationAreRefused) {
  machine_.policy |= 1U << 19;
  EXPECT_THAT(failed(), ElementsAre("debug"));
  machine_.policy = 0x30000 | 1U << 18;
  EXPECT_THAT(failed(), ElementsAre("policy"));
  machine_.policy = 0x10000;  // the bit that must be set
  EXPECT_THAT(failed(), ElementsAre("policy"));
}

}  // namespace
}  // namespace penstock::attest
