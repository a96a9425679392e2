// SGX and TDX quotes of a PKI that the test makes: what nobody publishes - revoked keys, revoked
// levels, old collateral, foreign quoting enclaves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attest/evidence.h"
#include "attest/facts.h"
#include "attest/intel_tcb.h"
#include "attest/rfc3339.h"
#include "crypto/test_pki.h"

namespace penstock::attest {
namespace {

using namespace penstock::crypto;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::int64_t kNow = 1'750'000'000;

ByteBuffer der_of(std::uint8_t tag, ByteView content) {
  ByteBuffer out{tag};
  if (content.size() < 128) {
    out.push_back(static_cast<std::uint8_t>(content.size()));
  } else {
    out.push_back(0x82);
    out.push_back(static_cast<std::uint8_t>(content.size() >> 8));
    out.push_back(static_cast<std::uint8_t>(content.size()));
  }
  out.insert(out.end(), content.begin(), content.end());
  return out;
}

ByteBuffer member(std::initializer_list<std::uint8_t> tail, ByteView value) {
  ByteBuffer oid{0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01};
  oid.insert(oid.end(), tail);
  ByteBuffer pair = der_of(0x06, oid);
  pair.insert(pair.end(), value.begin(), value.end());
  return der_of(0x30, pair);
}

void append(ByteBuffer& out, ByteView more) {
  out.insert(out.end(), more.begin(), more.end());
}
void append_le(ByteBuffer& out, std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) out.push_back(static_cast<std::uint8_t>(value >> 8 * i));
}

// Components all 5, PCESVN 5, FMSPC 112233445566, PCEID 0000.
ByteBuffer pck_extension() {
  const ByteBuffer five{0x02, 0x01, 0x05};
  ByteBuffer tcb;
  for (std::uint8_t i = 1; i <= 17; ++i) append(tcb, member({2, i}, five));
  append(tcb, member({2, 18}, der_of(0x04, ByteBuffer(16, 5))));
  ByteBuffer all = member({1}, der_of(0x04, ByteBuffer(16, 9)));
  append(all, member({2}, der_of(0x30, tcb)));
  append(all, member({3}, der_of(0x04, ByteBuffer(2, 0))));
  append(all, member({4}, der_of(0x04, ByteBuffer{0x11, 0x22, 0x33, 0x44, 0x55, 0x66})));
  return der_of(0x30, all);
}

Json components(int svn) {
  Json out = Json::array();
  for (int i = 0; i < 16; ++i) out.push_back({{"svn", svn}});
  return out;
}

// Everything that goes into a quote and its collateral, to be changed by a test.
struct Machine {
  TestKey root = test_ec_key("P-256"), ca = test_ec_key("P-256"), pck = test_ec_key("P-256"),
          tcb_signer = test_ec_key("P-256"), attestation = test_ec_key("P-256");
  std::vector<long> root_crl = {}, pck_crl = {};
  std::int64_t crl_to_s = 1'800'000'000;
  Json level = {{"tcb", {{"sgxtcbcomponents", components(5)}, {"pcesvn", 5}}},
                {"tcbDate", "2025-01-01T00:00:00Z"},
                {"tcbStatus", "UpToDate"}};
  Json levels = Json::array();
  std::string qe_status = "UpToDate", fmspc = "112233445566", next_update = "2026-01-01T00:00:00Z";
  int evaluation_number = 17, qe_isvsvn = 8;
  bool qe_debug = false, debug = false, foreign_qe = false, break_binding = false;

  static std::string pem(const PkixCertificate& certificate) {
    const std::string body = to_base64(certificate.der());
    std::string out = "-----BEGIN CERTIFICATE-----\n";
    for (std::size_t at = 0; at < body.size(); at += 64) out += body.substr(at, 64) + "\n";
    return out + "-----END CERTIFICATE-----\n";
  }
  PkixCertificate root_certificate() const {
    return test_issue(test_ca("Intel SGX Root CA", "Intel SGX Root CA"), root, root);
  }
  PkixCertificate ca_certificate() const {
    TestCertificate spec = test_ca("Intel SGX PCK Platform CA", "Intel SGX Root CA", 0);
    spec.serial = 21;
    return test_issue(spec, ca, root);
  }
  PkixCertificate pck_certificate() const {
    TestCertificate spec;
    spec.name = "Intel SGX PCK Certificate";
    spec.issuer = "Intel SGX PCK Platform CA";
    spec.serial = 31;
    spec.extensions = {{"1.2.840.113741.1.13.1", pck_extension(), false}};
    return test_issue(spec, pck, ca);
  }

  ByteBuffer sgx_body(ByteView report_data, std::uint64_t flags, std::uint8_t signer,
                      int isvsvn) const {
    ByteBuffer out(384);
    for (std::size_t i = 0; i < 8; ++i) out[48 + i] = static_cast<std::uint8_t>(flags >> 8 * i);
    std::ranges::fill(out.begin() + 128, out.begin() + 160, signer);
    out[256] = 1;
    out[258] = static_cast<std::uint8_t>(isvsvn);
    std::ranges::copy(report_data, out.begin() + 320);
    return out;
  }

  ByteBuffer quote() const {
    ByteBuffer out;
    append_le(out, 3, 2);
    append_le(out, 2, 2);
    out.resize(12);
    append(out, *from_hex("939a7233f79c4ca9940a0db3957f0607"));
    out.resize(48);
    append(out, sgx_body(ByteBuffer(64), debug ? 7 : 5, 0x77, 1));
    const ByteBuffer signature = test_sign_raw(attestation, EVP_sha256(), out, 32);
    const ByteBuffer key = test_point(attestation, 32), auth(32, 3);
    ByteBuffer bound = key;
    append(bound, auth);
    const Sha256Digest digest = sha256(bound);
    ByteBuffer qe_data(digest.begin(), digest.end());
    qe_data.resize(64);
    if (break_binding) qe_data[63] = 1;
    const ByteBuffer qe =
        sgx_body(qe_data, qe_debug ? 0x13 : 0x11, foreign_qe ? 0x66 : 0x55, qe_isvsvn);
    ByteBuffer data = signature;
    append(data, key);
    append(data, qe);
    append(data, test_sign_raw(pck, EVP_sha256(), qe, 32));
    append_le(data, auth.size(), 2);
    append(data, auth);
    const std::string chain =
        pem(pck_certificate()) + pem(ca_certificate()) + pem(root_certificate());
    append_le(data, 5, 2);
    append_le(data, chain.size(), 4);
    append(data, as_bytes(chain));
    append_le(out, data.size(), 4);
    append(out, data);
    return out;
  }

  ByteBuffer signed_json(const char* name, const Json& body) const {
    const std::string text = body.dump();
    const ByteBuffer signature = test_sign_raw(tcb_signer, EVP_sha256(), as_bytes(text), 32);
    const std::string out =
        "{\"" + std::string(name) + "\":" + text + ",\"signature\":\"" + to_hex(signature) + "\"}";
    return to_buffer(as_bytes(out));
  }
  ByteBuffer tcb_info() const {
    Json list = levels.empty() ? Json::array({level}) : levels;
    return signed_json("tcbInfo", {{"id", "SGX"},
                                   {"version", 3},
                                   {"issueDate", "2025-01-01T00:00:00Z"},
                                   {"nextUpdate", next_update},
                                   {"fmspc", fmspc},
                                   {"pceId", "0000"},
                                   {"tcbType", 0},
                                   {"tcbEvaluationDataNumber", evaluation_number},
                                   {"tcbLevels", list}});
  }
  ByteBuffer qe_identity() const {
    return signed_json("enclaveIdentity",
                       {{"id", "QE"},
                        {"version", 2},
                        {"issueDate", "2025-01-01T00:00:00Z"},
                        {"nextUpdate", "2026-01-01T00:00:00Z"},
                        {"tcbEvaluationDataNumber", evaluation_number},
                        {"miscselect", "00000000"},
                        {"miscselectMask", "FFFFFFFF"},
                        {"attributes", "11000000000000000000000000000000"},
                        {"attributesMask", "FBFFFFFFFFFFFFFF0000000000000000"},
                        {"mrsigner", std::string(64, '5')},
                        {"isvprodid", 1},
                        {"tcbLevels", Json::array({{{"tcb", {{"isvsvn", 8}}},
                                                    {"tcbDate", "2025-01-01T00:00:00Z"},
                                                    {"tcbStatus", qe_status}}})}});
  }

  EvidenceFiles files() const {
    TestCertificate signer;
    signer.name = "Intel SGX TCB Signing";
    signer.issuer = "Intel SGX Root CA";
    signer.serial = 41;
    const std::string chain = pem(test_issue(signer, tcb_signer, root)) + pem(root_certificate());
    EvidenceFiles out;
    out.files["evidence"] = {quote()};
    out.files["tcb_info"] = {tcb_info()};
    out.files["qe_identity"] = {qe_identity()};
    out.files["tcb_signing_chain"] = {to_buffer(as_bytes(chain))};
    out.files["root_ca_crl"] = {test_crl({.issuer = "Intel SGX Root CA",
                                          .serials = root_crl,
                                          .from_s = 1'700'000'000,
                                          .to_s = crl_to_s},
                                         root)};
    out.files["pck_crl"] = {test_crl({.issuer = "Intel SGX PCK Platform CA",
                                      .serials = pck_crl,
                                      .from_s = 1'700'000'000,
                                      .to_s = crl_to_s},
                                     ca)};
    return out;
  }
};

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

  Machine machine_;
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
  old["tcb"]["sgxtcbcomponents"] = components(1);
  old["tcbStatus"] = "Revoked";
  newest["tcb"]["sgxtcbcomponents"] = components(9);
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
  files.files["tcb_info"] = {Machine().tcb_info()};
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
