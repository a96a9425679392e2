// Mistakes that other verifiers have made (attestation reference, C7): one test for each.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attest/collateral.h"
#include "attest/dcap.h"
#include "attest/intel_tcb.h"
#include "attest/policy.h"
#include "attest/test_dcap.h"
#include "attest/test_nitro.h"
#include "attest/test_snp.h"
#include "attest/test_tpm.h"

namespace penstock::attest {
namespace {

using namespace penstock::crypto;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;

using Codes = std::vector<std::string>;

Codes refused_codes(const Appraisal& appraisal) {
  Codes out;
  for (const RuleOutcome& rule : appraisal.rules)
    if (rule.result != RuleResult::pass) out.push_back(rule.code);
  return out;
}

class Mistakes : public ::testing::Test {
 protected:
  Mistakes() {
    expected_.now_s = kTestNow;
    expected_.unbound = true;
  }
  Codes sgx(const EvidenceFiles& files) {
    return ask(appraise_sgx, dcap_.root_certificate(), files);
  }
  Codes snp(const EvidenceFiles& files) { return ask(appraise_snp, snp_.ark_certificate(), files); }
  Codes nitro() { return ask(appraise_nitro, nitro_.root_certificate(), nitro_.files()); }
  Codes tpm(const EvidenceFiles& files) {
    return ask(appraise_tpm, tpm_.root_certificate(), files);
  }
  Codes tpm() { return tpm(tpm_.files()); }

  Codes ask(Appraisal (*appraise)(const EvidenceFiles&, const JudgeContext&),
            const PkixCertificate& root, const EvidenceFiles& files) {
    anchors_.replaced = {test_anchor(root)};
    return refused_codes(appraise(files, {expected_, anchors_}));
  }

  DcapMachine dcap_;
  SnpMachine snp_;
  NitroMachine nitro_;
  TpmMachine tpm_;
  Expectations expected_;
  Anchors anchors_;
};

TEST_F(Mistakes, TheMachinesAreGood) {
  EXPECT_THAT(sgx(dcap_.files()), IsEmpty());
  EXPECT_THAT(snp(snp_.files()), IsEmpty());
  EXPECT_THAT(nitro(), ElementsAre("no-crl"));  // of an archive; a session does without
  EXPECT_THAT(tpm(), IsEmpty());
}

TEST_F(Mistakes, QeIdentityFetchedButNotChecked) {
  DcapMachine other;
  EvidenceFiles files = dcap_.files();
  files.files["qe_identity"] = other.files().files.at("qe_identity");  // not Intel's signature
  EXPECT_THAT(sgx(files), Contains("collateral-signature"));
  files = dcap_.files();  // any enclave's report instead of one that the PCK key has signed
  other = dcap_;
  other.pck = test_ec_key("P-256");
  std::ranges::copy(ByteView(other.quote()).subspan(564, 448),
                    files.files["evidence"][0].begin() + 564);
  EXPECT_THAT(sgx(files), Contains("qe-signature"));
}

TEST_F(Mistakes, ErrorReasonSetButSuccessLeftTrue) {
  dcap_.qe_status = "Revoked";
  EvidenceFiles files = dcap_.files();
  files.files["evidence"][0][436] ^= 1;  // and a signature that is wrong
  files.files["pck_crl"] = {
      test_crl({.issuer = "Intel SGX PCK Platform CA", .serials = {31}}, dcap_.ca)};
  EXPECT_THAT(sgx(files), IsSupersetOf({"tcb-revoked", "signature", "revoked"}));
}

TEST_F(Mistakes, VendorIdNotCompared) {
  EvidenceFiles files = dcap_.files();
  files.files["evidence"][0][12] ^= 1;
  EXPECT_THAT(sgx(files), ElementsAre("parse"));
}

TEST_F(Mistakes, ShortSvnArraysCutSilently) {
  dcap_.level["tcb"]["sgxtcbcomponents"].erase(15);
  EXPECT_THAT(sgx(dcap_.files()), Contains("parse"));
  dcap_.level["tcb"]["sgxtcbcomponents"] = test_components(5);
  dcap_.level["tcb"]["sgxtcbcomponents"].push_back({{"svn", 0}});
  EXPECT_THAT(sgx(dcap_.files()), Contains("parse"));
}

TEST_F(Mistakes, LengthsBelievedBeforeTheyAreThere) {
  for (const std::size_t at : {432U, 1012U, 1048U}) {
    EvidenceFiles files = dcap_.files();
    for (std::size_t i = 0; i < 2; ++i) files.files["evidence"][0][at + i] = 0xff;
    EXPECT_THAT(sgx(files), ElementsAre("parse")) << at;
  }
}

TEST_F(Mistakes, RecursiveDer) {
  ByteBuffer deep;
  for (int i = 0; i < 3000; ++i) deep = test_der(0x30, deep.size() > 60'000 ? ByteBuffer{} : deep);
  TestCertificate spec;
  spec.name = "Intel SGX PCK Certificate";
  spec.issuer = "Intel SGX PCK Platform CA";
  deep.resize(std::min<std::size_t>(deep.size(), 4000));
  spec.extensions = {{"1.2.840.113741.1.13.1", deep, false}};
  EXPECT_FALSE(read_pck(test_issue(spec, dcap_.pck, dcap_.ca)));
}

TEST_F(Mistakes, ModuleStatusInsteadOfPlatformStatus) {
  PlatformLevel platform;
  platform.verdict.status = TcbStatus::out_of_date;
  IsvLevel module, qe;
  module.verdict.status = qe.verdict.status = TcbStatus::up_to_date;
  EXPECT_EQ(converge({&platform, &qe, &module}).status, TcbStatus::out_of_date);
}

TEST_F(Mistakes, CrlAndCollateralChecksOffByDefault) {
  for (const char* role : {"pck_crl", "root_ca_crl", "tcb_info", "qe_identity"}) {
    EvidenceFiles files = dcap_.files();
    files.files.erase(role);
    EXPECT_THAT(sgx(files), Not(IsEmpty())) << role;
  }
  EvidenceFiles files = snp_.files();
  files.files.erase("crl");
  EXPECT_THAT(snp(files), ElementsAre("no-crl"));
}

TEST_F(Mistakes, DebugAllowedByTheAttributeMask) {
  for (int bit = 0; bit < 8; ++bit) {
    ByteBuffer body(584);
    body[120] = static_cast<std::uint8_t>(1U << bit);
    body[128] = 3;  // XFAM
    Appraisal out;
    const JudgeContext context{expected_, anchors_};
    RuleBook book(out, context);
    check_td_workload(book, TdBody{body});
    EXPECT_THAT(refused_codes(out), ElementsAre("debug")) << bit;
  }
}

TEST_F(Mistakes, CallerSuppliedRootTakenByItsName) {
  snp_.ark = test_rsa_key();  // named like AMD's
  const EvidenceFiles forged = snp_.files();
  snp_ = SnpMachine();
  EXPECT_THAT(snp(forged), Contains("root"));
  dcap_.root = test_ec_key("P-256");
  const EvidenceFiles quote = dcap_.files();
  dcap_ = DcapMachine();
  EXPECT_THAT(sgx(quote), Contains("root"));
}

TEST_F(Mistakes, DownloadedArkTrusted) {
  anchors_.replaced.emplace();  // nothing is compiled in
  EXPECT_THAT(refused_codes(appraise_snp(snp_.files(), {expected_, anchors_})), Contains("root"));
  const Json bundle = {
      {"penstock_collateral", 1},
      {"items",
       Json::array({{{"kind", "amd_chain"}, {"data", to_base64(snp_.ark_certificate().der())}}})}};
  const auto collateral = Collateral::parse(bundle.dump());
  ASSERT_TRUE(collateral);
  EXPECT_THAT(refused_codes(appraise_snp(snp_.files(), {expected_, anchors_, &*collateral})),
              Contains("root"));
}

TEST_F(Mistakes, ReportDataMismatchOnlyLogged) {
  expected_.unbound = false;
  expected_.report_data[0] = 1;
  EXPECT_THAT(sgx(dcap_.files()), ElementsAre("report-data"));
  EXPECT_THAT(snp(snp_.files()), ElementsAre("report-data"));
  EvidenceFiles files = dcap_.files();  // put in afterwards: the signature does not cover it
  files.files["evidence"][0][48 + 320] = 1;
  EXPECT_THAT(sgx(files), ElementsAre("signature"));
}

TEST_F(Mistakes, NitroBundlesFirstCertificateTakenAsRoot) {
  const PkixCertificate known = NitroMachine().root_certificate();
  EXPECT_THAT(ask(appraise_nitro, known, nitro_.files()), Contains("root"));
}

TEST_F(Mistakes, NitroIssuersThatAreNoCa) {
  nitro_.region_is_ca = false;
  EXPECT_THAT(nitro(), Contains("chain"));
  nitro_.region_is_ca = true;
  nitro_.foreign_leaf = true;  // named after the region's CA, signed by another
  EXPECT_THAT(nitro(), Contains("chain"));
}

TEST_F(Mistakes, NitroDerSignatures) {
  nitro_.der_signature = true;
  EXPECT_THAT(nitro(), ElementsAre("parse"));
}

TEST_F(Mistakes, NitroDocumentParsedButNotVerified) {
  nitro_.break_signature = true;
  EXPECT_THAT(nitro(), Contains("signature"));
  nitro_.break_signature = false;
  nitro_.algorithm = -7;
  EXPECT_THAT(nitro(), Contains("algorithm"));
}

TEST_F(Mistakes, NitroZeroRegistersSkipped) {
  for (const int index : {0, 1, 2}) nitro_.pcrs[index] = ByteBuffer(48);
  EXPECT_THAT(nitro(), Contains("debug"));
  for (const int index : {0, 1, 2}) nitro_.pcrs.erase(index);
  EXPECT_THAT(nitro(), Contains("debug"));
}

TEST_F(Mistakes, NitroTimestampNotChecked) {
  expected_.unbound = false;
  expected_.report_data.fill(0);
  std::ranges::copy(nitro_.user_data, expected_.report_data.begin());
  EXPECT_THAT(nitro(), IsEmpty());
  nitro_.timestamp_ms = (nitro_.at_s - 301) * 1000;  // stale, though its certificate holds
  nitro_.leaf_from_s = nitro_.at_s - 3600;
  EXPECT_THAT(nitro(), ElementsAre("expired"));
  nitro_.timestamp_ms = (nitro_.at_s + 61) * 1000;
  EXPECT_THAT(nitro(), ElementsAre("expired"));
}

TEST_F(Mistakes, EmptyListsAccept) {
  class NoLists final : public PolicyLists {
   public:
    const std::vector<std::string>* find(std::string_view) const override { return &empty; }
    const std::vector<Build>* find_builds(std::string_view) const override { return &builds; }
    std::vector<std::string> empty;
    std::vector<Build> builds;
  };
  const Claims claims = {{"measurement", std::string(96, 'a')}, {"debug", false}};
  for (const char* text : {R"({"version":1,"allOf":[]})", R"({"version":1,"anyOf":[]})",
                           R"({"version":1,"allOf":[{"claim":"measurement","in":[]}]})",
                           R"({"version":1,"allOf":[{"claim":"measurement","in_list":"builds"}]})",
                           R"({"version":1,"allOf":[{"build_in":"builds"}]})"}) {
    const auto policy = Policy::parse(text);
    ASSERT_TRUE(policy) << text;
    EXPECT_FALSE(all_pass(policy->evaluate(Trust::hardware, claims, NoLists()))) << text;
  }
}

// s and n - s are both good: what was seen is remembered by nonce, never by signature.
TEST_F(Mistakes, SignaturesAsIdentity) {
  ByteBuffer quote = dcap_.quote();
  const auto order = *from_hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
  int borrow = 0;
  for (std::size_t i = 32; i-- > 0;) {
    const int value = order[i] - quote[436 + 32 + i] - borrow;
    borrow = value < 0 ? 1 : 0;
    quote[436 + 32 + i] = static_cast<std::uint8_t>(value + 256 * borrow);
  }
  EvidenceFiles files = dcap_.files();
  ASSERT_NE(files.files["evidence"][0], quote);
  files.files["evidence"][0] = quote;
  EXPECT_THAT(sgx(files), IsEmpty());
}

TEST_F(Mistakes, RevocationByCertificateBytes) {
  dcap_.pck_crl = {31};
  const PkixCertificate one = dcap_.pck_certificate(), two = dcap_.pck_certificate();
  EXPECT_NE(one.der(), two.der());  // issued anew, with the serial that is revoked
  EXPECT_THAT(sgx(dcap_.files()), ElementsAre("revoked"));
}

TEST_F(Mistakes, TpmQuoteWithoutItsMagic) {
  tpm_.magic = 0x12345678;
  EXPECT_THAT(tpm(), ElementsAre("parse"));
}

TEST_F(Mistakes, TpmRegistersNotTiedToTheQuote) {
  tpm_.told[4] = ByteBuffer(32, 0xff);
  EXPECT_THAT(tpm(), ElementsAre("pcr-digest"));
  tpm_.told.erase(4);
  EXPECT_THAT(tpm(), ElementsAre("pcr-digest"));
}

TEST_F(Mistakes, TpmRegistersThatWereNotQuoted) {
  tpm_.told[9] = ByteBuffer(32, 0xa9);
  EXPECT_THAT(tpm(), ElementsAre("pcr-digest"));
  // A log that explains a register beyond the quote's explains nothing.
  tpm_ = TpmMachine();
  EvidenceFiles files = tpm_.files();
  ByteBuffer log;
  test_log_header(log);
  test_log_event(log, 9, 0x0d, "a kernel that somebody likes");
  files.files["event_log"] = {log};
  EXPECT_THAT(tpm(files), Contains("event-log"));
}

TEST_F(Mistakes, AttestationKeyOfAnotherTpm) {
  EvidenceFiles files = tpm_.files();
  files.files["ak_public_area"] = {TpmMachine().public_area()};
  EXPECT_THAT(tpm(files), Contains("binding"));
}

// The root is known by its key, so its certificate need not be sent: that hides nothing of what it
// has revoked.
TEST_F(Mistakes, RevokedRightUnderARootThatIsNotSent) {
  tpm_.crl = {51};
  EvidenceFiles files = tpm_.files();
  EXPECT_THAT(tpm(files), Contains("revoked"));
  files.files["ak_chain"] = {tpm_.root_certificate().der()};
  EXPECT_THAT(tpm(files), Contains("revoked"));
}

TEST_F(Mistakes, AttestationKeyOutOfTheEvidence) {
  tpm_.certified = false;
  EXPECT_THAT(tpm(), Contains("chain"));
}

TEST_F(Mistakes, KeysThatSignAnything) {
  tpm_.attributes = 0x00040072;  // not restricted
  EXPECT_THAT(tpm(), Contains("policy"));
}

TEST_F(Mistakes, BuiltInValuesInsteadOfAbsentOnes) {
  EvidenceFiles files = dcap_.files();
  files.files.erase("qe_identity");
  anchors_.replaced = {test_anchor(dcap_.root_certificate())};
  const Appraisal appraisal = appraise_sgx(files, {expected_, anchors_});
  EXPECT_FALSE(all_pass(appraisal.rules));
  EXPECT_FALSE(appraisal.claims.contains("qe_tcb_status"));
}

TEST_F(Mistakes, NoLevelTakenAsSuccess) {
  dcap_.level["tcb"]["pcesvn"] = 99;
  EXPECT_THAT(sgx(dcap_.files()), ElementsAre("tcb-not-supported"));
}

TEST_F(Mistakes, OrderOfTheJsonTrusted) {
  Json revoked = dcap_.level;
  revoked["tcb"]["sgxtcbcomponents"] = test_components(1);
  revoked["tcbStatus"] = "Revoked";
  dcap_.levels = Json::array({revoked, dcap_.level});
  EXPECT_THAT(sgx(dcap_.files()), IsEmpty());
  dcap_.level["tcbStatus"] = "OutOfDate";
  revoked["tcbStatus"] = "UpToDate";
  dcap_.levels = Json::array({revoked, dcap_.level});
  EXPECT_THAT(sgx(dcap_.files()), ElementsAre("tcb-out-of-date"));
}

TEST_F(Mistakes, DatesComparedAsTexts) {
  dcap_.next_update = "9999-13-01T00:00:00Z";
  EXPECT_THAT(sgx(dcap_.files()), Contains("parse"));
  dcap_.next_update = "soon";
  EXPECT_THAT(sgx(dcap_.files()), Contains("parse"));
}

TEST_F(Mistakes, SignatureOverReserialisedJson) {
  EvidenceFiles files = dcap_.files();
  std::string text(as_text(files.files["tcb_info"][0]));
  const std::size_t at = text.find("\"fmspc\":");
  text.insert(at, " ");  // the same document to a parser, other bytes to a signature
  files.files["tcb_info"][0] = to_buffer(as_bytes(text));
  EXPECT_THAT(sgx(files), ElementsAre("collateral-signature"));
}

TEST_F(Mistakes, EvidenceOfAnotherSession) {
  expected_.unbound = false;
  expected_.nonce = ByteBuffer(32, 0x5f);
  EXPECT_THAT(tpm(), Contains("nonce"));
}

// A key that was drawn out of its chip signs for every machine: owners pin theirs.
TEST_F(Mistakes, ExtractedKeysTrustedEverywhere) {
  anchors_.replaced = {test_anchor(snp_.ark_certificate())};
  const Appraisal good = appraise_snp(snp_.files(), {expected_, anchors_});
  class Lists final : public PolicyLists {
   public:
    const std::vector<std::string>* find(std::string_view) const override { return nullptr; }
  };
  const auto pinned = [&](const std::string& chip) {
    const Json policy = {
        {"version", 1},
        {"allOf", Json::array({{{"claim", "platform"}, {"in", Json::array({chip})}}})}};
    return all_pass(Policy::from_json(policy)->evaluate(Trust::hardware, good.claims, Lists()));
  };
  EXPECT_TRUE(pinned(to_hex(ByteBuffer(64, 0xc1))));
  EXPECT_FALSE(pinned(to_hex(ByteBuffer(64, 0xc2))));
}

}  // namespace
}  // namespace penstock::attest
