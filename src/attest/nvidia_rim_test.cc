// Reference manifests: NVIDIA's own, and those of a signer that the test makes, over what a real
// GPU has measured.
#include "attest/nvidia_rim.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attest/nvidia_report.h"
#include "attest/test_vectors.h"
#include "attest/xml.h"
#include "crypto/test_pki.h"

namespace penstock::attest {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;

std::vector<std::string> failed_rules(const Appraisal& appraisal) {
  std::vector<std::string> out;
  for (const RuleOutcome& rule : appraisal.rules)
    if (rule.result == RuleResult::fail) out.push_back(rule.name);
  return out;
}

constexpr std::int64_t kRimAtS = 1'780'000'000;

struct RimMaker {
  crypto::TestKey root = crypto::test_ec_key("P-384"), leaf = crypto::test_ec_key("P-384");
  std::string version = "550.90.07";
  std::map<unsigned, ByteBuffer> values;
  std::string uri, method = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384";
  std::string transform = "http://www.w3.org/2006/12/xml-c14n11";

  crypto::PkixCertificate root_certificate() const {
    crypto::TestCertificate spec = crypto::test_ca("rim root", "rim root");
    spec.md = EVP_sha384();
    return crypto::test_issue(spec, root, root);
  }
  crypto::PkixCertificate leaf_certificate() const {
    crypto::TestCertificate spec;
    spec.issuer = "rim root";
    spec.md = EVP_sha384();
    return crypto::test_issue(spec, leaf, root);
  }

  std::string body() const {
    std::string out = "<Meta colloquialVersion='" + version + "' product='GH100'/><Payload>";
    for (const auto& [index, value] : values)
      out += "<Resource type='Measurement' active='True' alternatives='2' index='" +
             std::to_string(index) + "' h:Hash0='" + std::string(96, '0') + "' h:Hash1='" +
             to_hex(value) + "'/>";
    return out + "</Payload>";
  }
  std::string make() const {
    const std::string head =
        "<SoftwareIdentity xmlns='http://standards.iso.org/iso/19770/-2/2015/schema.xsd' "
        "xmlns:h='http://www.w3.org/2001/04/xmlenc#sha384' name='x'>";
    const auto plain = parse_xml(head + body() + "</SoftwareIdentity>");
    CHECK(plain.has_value());
    const ByteBuffer digest =
        crypto::digest(crypto::Hash::sha384, as_bytes(canonical_xml(**plain)));
    const std::string info =
        "<d:SignedInfo><d:CanonicalizationMethod "
        "Algorithm='http://www.w3.org/2006/12/xml-c14n11'/><d:SignatureMethod Algorithm='" +
        method + "'/><d:Reference URI='" + uri +
        "'><d:Transforms><d:Transform "
        "Algorithm='http://www.w3.org/2000/09/xmldsig#enveloped-signature'/><d:Transform "
        "Algorithm='" +
        transform +
        "'/></d:Transforms><d:DigestMethod "
        "Algorithm='http://www.w3.org/2001/04/xmldsig-more#sha384'/><d:DigestValue>" +
        to_base64(digest) + "</d:DigestValue></d:Reference></d:SignedInfo>";
    const auto signature = [&](const std::string& value) {
      return "<d:Signature xmlns:d='http://www.w3.org/2000/09/xmldsig#'>" + info +
             "<d:SignatureValue>" + value + "</d:SignatureValue><d:KeyInfo><d:X509Data>" +
             "<d:X509Certificate>" + to_base64(leaf_certificate().der()) +
             "</d:X509Certificate><d:X509Certificate>" + to_base64(root_certificate().der()) +
             "</d:X509Certificate></d:X509Data></d:KeyInfo></d:Signature>";
    };
    constexpr std::string_view kDsigOfTest = "http://www.w3.org/2000/09/xmldsig#";
    const auto whole = parse_xml(head + body() + signature("") + "</SoftwareIdentity>");
    CHECK(whole.has_value());
    const XmlElement* signed_info =
        (*whole)->only(kDsigOfTest, "Signature")->only(kDsigOfTest, "SignedInfo");
    const ByteBuffer value =
        crypto::test_sign_raw(leaf, EVP_sha384(), as_bytes(canonical_xml(*signed_info)), 48);
    return head + body() + signature(to_base64(value)) + "</SoftwareIdentity>";
  }

  Appraisal judge_alone(const std::string& text) const {
    EvidenceFiles files;
    files.files["evidence"].push_back(to_buffer(as_bytes(text)));
    Expectations expected{.now_s = kRimAtS, .unbound = true, .ask = Ask::signature};
    Anchors anchors;
    anchors.named.push_back({.pki = Pki::nvidia_rim,
                             .anchor = crypto::test_anchor(root_certificate()),
                             .trust = Trust::hardware});
    return appraise_nvidia_rim(files, {expected, anchors});
  }
};

TEST(NvidiaRim, IsTakenAsItWasSigned) {
  const RimMaker maker;
  EXPECT_THAT(failed_rules(maker.judge_alone(maker.make())), IsEmpty());
}

TEST(NvidiaRim, AnyChangeIsNoticed) {
  RimMaker maker;
  maker.values[7] = ByteBuffer(48, 0x77);
  const std::string good = maker.make();
  ASSERT_THAT(failed_rules(maker.judge_alone(good)), IsEmpty());
  const std::size_t end = good.find("<d:KeyInfo");
  for (std::size_t i = 0; i < end; i += 7) {
    std::string changed = good;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    const bool quotes_of_both_kinds = good[i] == '\'';  // '&' then: not well-formed
    EXPECT_FALSE(failed_rules(maker.judge_alone(changed)).empty()) << i << quotes_of_both_kinds;
  }
}

TEST(NvidiaRim, ASignatureOverAPartOrInAnotherWayIsRefused) {
  RimMaker part;
  part.uri = "#x";
  EXPECT_THAT(failed_rules(part.judge_alone(part.make())), Contains("manifest_algorithm"));
  RimMaker sha1;
  sha1.method = "http://www.w3.org/2000/09/xmldsig#rsa-sha1";
  EXPECT_THAT(failed_rules(sha1.judge_alone(sha1.make())), Contains("manifest_algorithm"));
  RimMaker other;
  other.transform = "http://www.w3.org/TR/1999/REC-xslt-19991116";
  EXPECT_THAT(failed_rules(other.judge_alone(other.make())), Contains("manifest_algorithm"));
  // Somebody else's chain, and two signatures.
  const RimMaker mine, theirs;
  EXPECT_THAT(failed_rules(mine.judge_alone(theirs.make())), Contains("manifest_root"));
  std::string two = mine.make();
  const std::size_t from = two.find("<d:Signature "), to = two.find("</SoftwareIdentity>");
  two.insert(to, two.substr(from, to - from));
  EXPECT_THAT(failed_rules(mine.judge_alone(two)), Contains("parse"));
}

// A GPU's values against the manifests of its driver and its VBIOS.
class NvidiaReference : public ::testing::Test {
 protected:
  void SetUp() override {
    set_ = vector_set("nvidia/hopper-1");
    if (!set_) GTEST_SKIP() << "no evidence beside the project";
    const auto report = parse_nvidia_report(*set_->files.file("evidence"));
    ASSERT_TRUE(report);
    for (const unsigned index : {7U, 21U, 35U})
      driver_.values[index] = report->measurements.at(index + 1);
    driver_.values[35][0] ^= 1;  // of the decoder, which this GPU does not run
    for (const unsigned index : {1U, 2U, 3U})
      vbios_.values[index] = report->measurements.at(index + 1);
    vbios_.version = "96.00.9f.00.01";
    vbios_.root = driver_.root;
  }

  std::vector<std::string> judge_with(const std::vector<std::string>& rims) {
    set_->files.files.erase("rim");
    for (const std::string& each : rims)
      set_->files.files["rim"].push_back(to_buffer(as_bytes(each)));
    set_->expected.ask = Ask::verdict;
    set_->anchors.named = {{.pki = Pki::nvidia_rim,
                            .anchor = crypto::test_anchor(driver_.root_certificate()),
                            .trust = Trust::hardware}};
    return failed_rules(set_->appraise());
  }

  std::optional<VectorSet> set_;
  RimMaker driver_, vbios_;
};

TEST_F(NvidiaReference, ValuesThatFitAreTaken) {
  EXPECT_THAT(judge_with({driver_.make(), vbios_.make()}), IsEmpty());
  // Still no verdict: nobody has asked whether the keys are revoked.
  set_->absent.clear();
  EXPECT_FALSE(set_->accepts(set_->appraise()));
}

TEST_F(NvidiaReference, BothManifestsAreNeeded) {
  EXPECT_THAT(judge_with({driver_.make()}), Contains("reference_values"));
  EXPECT_THAT(judge_with({vbios_.make()}), Contains("reference_values"));
  EXPECT_THAT(judge_with({driver_.make(), driver_.make()}), Contains("reference_values"));
}

TEST_F(NvidiaReference, AnotherValueOrVersionIsRefused) {
  RimMaker other = driver_;
  other.values[7][0] ^= 1;
  EXPECT_THAT(judge_with({other.make(), vbios_.make()}), Contains("reference_values"));
  other = driver_;
  other.values[1] = vbios_.values[1];  // in both
  EXPECT_THAT(judge_with({other.make(), vbios_.make()}), Contains("reference_values"));
  other = driver_;
  other.version = "550.90.08";
  EXPECT_THAT(judge_with({other.make(), vbios_.make()}), Contains("rim_version"));
}

}  // namespace
}  // namespace penstock::attest
