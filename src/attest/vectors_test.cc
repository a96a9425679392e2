// Real evidence of every TEE: its verdict, and that no change of it is believed. The whole
// collection is judged by ./dev test vectors.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attest/test_vectors.h"

namespace penstock::attest {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

std::vector<std::string> failed_codes(const Appraisal& appraisal) {
  std::vector<std::string> out;
  for (const RuleOutcome& rule : appraisal.rules)
    if (rule.result == RuleResult::fail) out.push_back(rule.code);
  return out;
}

std::string told(const Appraisal& appraisal) {
  std::string out;
  for (const RuleOutcome& rule : appraisal.rules)
    if (rule.result != RuleResult::pass)
      out += rule.name + " (" + rule.code + "): " + rule.seen + "\n";
  return out;
}

// A good set of every kind of hardware evidence.
struct Good {
  const char* id;
  std::vector<const char*> signed_roles;  // whose every byte something authenticates
};
std::vector<Good> good_sets() {
  return {{"sgx/dcap-qvl-processor", {"evidence", "tcb_info", "qe_identity"}},
          {"tdx/go-tdx-guest-v5-td15", {"evidence", "tcb_info", "qe_identity"}},
          {"tdx/dcap-qvl-v4", {"evidence"}},
          {"snp/tav-turin-v5", {"evidence", "vcek"}},
          {"snp/trustee-vlek-milan-v3", {"evidence", "vlek"}},
          {"nitro/evervault-signed-eif", {"evidence"}},
          {"tpm/gcp-amd-2026", {"quote", "signature", "pcrs"}},
          {"tpm/gce-cos85-nonce-sha384", {"quote", "signature", "ak_public_area"}},
          {"tpm/azure-snp-milan-v3", {"quote", "hcl_report"}},
          {"nvidia/hopper-1", {"evidence"}}};
}

class Vectors : public ::testing::TestWithParam<Good> {
 protected:
  void SetUp() override {
    set_ = vector_set(GetParam().id);
    if (!set_) GTEST_SKIP() << "no evidence beside the project: " << GetParam().id;
    good_ = set_->appraise();
    ASSERT_TRUE(set_->accepts(good_)) << told(good_);
  }

  // Refused, or nothing changed that the verdict speaks of.
  void expect_harmless(const EvidenceFiles& changed, const std::string& how) const {
    const Appraisal again = set_->appraise(changed);
    if (!set_->accepts(again)) return;
    for (const auto& [name, value] : again.claims.items())
      EXPECT_TRUE(good_.claims.contains(name) && good_.claims.at(name) == value)
          << how << " changes " << name;
  }

  std::optional<VectorSet> set_;
  Appraisal good_;
};

TEST_P(Vectors, EveryRuleSaysWhatItExpectedAndSaw) {
  EXPECT_FALSE(good_.claims.empty());
  for (const RuleOutcome& rule : good_.rules) {
    EXPECT_FALSE(rule.name.empty());
    EXPECT_FALSE(rule.code.empty()) << rule.name;
    EXPECT_FALSE(rule.expected.empty()) << rule.name;
    EXPECT_FALSE(rule.seen.empty()) << rule.name;
  }
}

TEST_P(Vectors, WhatIsCutShortIsRefused) {
  for (const char* role : GetParam().signed_roles) {
    const ByteBuffer& file = *set_->files.file(role);
    for (std::size_t size = 0; size < file.size(); size += 1 + file.size() / 17) {
      EvidenceFiles changed = set_->files;
      changed.files[role][0].resize(size);
      // What is padded behind the end may be missing.
      expect_harmless(changed, std::string(role) + " of " + std::to_string(size));
      if (size < file.size() / 2) {
        EXPECT_FALSE(set_->accepts(set_->appraise(changed))) << role << " of " << size;
      }
    }
    EvidenceFiles none = set_->files;
    none.files.erase(role);
    EXPECT_FALSE(set_->accepts(set_->appraise(none))) << "without " << role;
  }
}

TEST_P(Vectors, AnotherRootIsRefused) {
  VectorSet other = *set_;
  other.anchors.replaced.emplace();  // nobody is trusted
  const Appraisal refused = other.appraise();
  EXPECT_FALSE(other.accepts(refused));
  EXPECT_THAT(failed_codes(refused), Contains("root"));
}

TEST_P(Vectors, TimesCount) {
  for (const std::int64_t at : {std::int64_t{0}, std::int64_t{4'000'000'000}}) {
    VectorSet other = *set_;
    other.expected.now_s = at;
    if (set_->type == "nvidia-gpu" && at > 0) continue;  // its certificates do not end
    const Appraisal refused = other.appraise();
    EXPECT_FALSE(other.accepts(refused)) << at;
    EXPECT_THAT(failed_codes(refused), Contains(at == 0 ? "not-yet-valid" : "expired"));
  }
}

TEST_P(Vectors, AnotherNonceIsRefused) {
  VectorSet other = *set_;
  other.expected.nonce = ByteBuffer(16, 0x5a);
  EXPECT_THAT(failed_codes(other.appraise()), Contains("nonce"));
}

// Without exceptions for archives: a session's binding is missing, and absent roles count.
TEST_P(Vectors, AGuestCannotSendOldEvidence) {
  VectorSet other = *set_;
  if (other.expected.ask == Ask::signature) GTEST_SKIP() << "no guest can send it";
  other.expected.unbound = false;
  other.absent.clear();
  EXPECT_FALSE(other.accepts(other.appraise()));
}

INSTANTIATE_TEST_SUITE_P(Sets, Vectors, ::testing::ValuesIn(good_sets()), [](const auto& test) {
  std::string name = test.param.id;
  for (char& c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  return name;
});

// Pieces of two machines' evidence never make a third.
TEST(VectorsMixed, ChainsAndCollateralOfOthersAreRefused) {
  const auto milan = vector_set("snp/tav-milan-v3"), turin = vector_set("snp/tav-turin-v5");
  const auto one = vector_set("tdx/dcap-qvl-v4"), two = vector_set("tdx/go-tdx-guest-v5-td15");
  if (!milan || !turin || !one || !two) GTEST_SKIP() << "no evidence beside the project";
  EvidenceFiles mixed = turin->files;
  mixed.files["vcek"] = milan->files.files.at("vcek");
  EXPECT_FALSE(turin->accepts(turin->appraise(mixed)));
  mixed = turin->files;
  mixed.files["ark"] = milan->files.files.at("ark");
  mixed.files["ask"] = milan->files.files.at("ask");
  EXPECT_THAT(failed_codes(turin->appraise(mixed)), Contains("chain"));
  mixed = one->files;
  mixed.files["tcb_info"] = two->files.files.at("tcb_info");
  EXPECT_THAT(failed_codes(one->appraise(mixed)), Contains("tcb-mismatch"));
}

// Collateral past its end denies, until a policy takes it for some days more.
TEST(VectorsCollateral, GraceIsWrittenDownAndEnds) {
  auto set = vector_set("sgx/dcap-qvl-processor");
  if (!set) GTEST_SKIP() << "no evidence beside the project";
  set->expected.now_s = *parse_rfc3339("2025-07-25T00:00:00Z");
  EXPECT_THAT(failed_codes(set->appraise()), Contains("collateral-expired"));
  set->expected.collateral_grace_days = 14;
  const Appraisal waived = set->appraise();
  EXPECT_TRUE(set->accepts(waived)) << told(waived);
  EXPECT_THAT(told(waived), HasSubstr("collateral-expired"));
  set->expected.collateral_grace_days = 3;
  EXPECT_FALSE(set->accepts(set->appraise()));
}

TEST(VectorsCollateral, OldEvaluationNumbersAreRefused) {
  auto set = vector_set("tdx/dcap-qvl-v4");
  if (!set) GTEST_SKIP() << "no evidence beside the project";
  set->expected.evaluation_number_min = 17;
  EXPECT_TRUE(set->accepts(set->appraise()));
  set->expected.evaluation_number_min = 18;
  EXPECT_THAT(failed_codes(set->appraise()), Contains("collateral-expired"));
}

}  // namespace
}  // namespace penstock::attest
