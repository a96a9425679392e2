#include "crypto/chain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/cbor_value.h"
#include "crypto/der.h"
#include "crypto/path.h"
#include "crypto/test_pki.h"

namespace penstock::crypto {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::int64_t kNow = 1'500'000'000;
const SignatureAlgorithm kEcdsa256{SignatureForm::ecdsa_der, Hash::sha256};

class ChainOfThree : public ::testing::Test {
 protected:
  ChainOfThree()
      : root_key_(test_ec_key("P-256")),
        middle_key_(test_ec_key("P-256")),
        leaf_key_(test_ec_key("P-256")) {}

  PkixCertificate root() const { return test_issue(test_ca("root", "root"), root_key_, root_key_); }
  std::vector<std::string> codes(const TestCertificate& middle, const TestCertificate& leaf,
                                 std::vector<Anchor> anchors, ChainRules rules = kRules) const {
    const std::vector<PkixCertificate> candidates = {root(),
                                                     test_issue(middle, middle_key_, root_key_)};
    const Chain chain =
        build_chain(test_issue(leaf, leaf_key_, middle_key_), candidates, anchors, rules);
    std::vector<std::string> out;
    for (const ChainFault& fault : chain.faults) out.push_back(fault.code);
    for (const ChainFault& fault : check_windows(chain, kNow)) out.push_back(fault.code);
    return out;
  }
  std::vector<std::string> codes(const TestCertificate& middle, const TestCertificate& leaf) const {
    return codes(middle, leaf, {test_anchor(root())});
  }
  static TestCertificate middle() { return test_ca("middle", "root", 0); }
  static TestCertificate leaf() {
    TestCertificate out;
    out.issuer = "middle";
    return out;
  }

  inline static const ChainRules kRules{.algorithms = {kEcdsa256}};
  TestKey root_key_, middle_key_, leaf_key_;
};

TEST_F(ChainOfThree, HoldsAndEndsAtTheKnownKey) {
  EXPECT_THAT(codes(middle(), leaf()), IsEmpty());
  // The anchor's certificate issued anew, for the same key, is the same anchor.
  TestCertificate again = test_ca("root", "root");
  again.serial = 99;
  again.to_s = 1'900'000'000;
  EXPECT_THAT(codes(middle(), leaf(), {test_anchor(test_issue(again, root_key_, root_key_))}),
              IsEmpty());
}

TEST_F(ChainOfThree, ARootOfTheSameNameIsNoRoot) {
  const TestKey forged = test_ec_key("P-256");
  EXPECT_THAT(
      codes(middle(), leaf(), {test_anchor(test_issue(test_ca("root", "root"), forged, forged))}),
      ElementsAre("root"));
  EXPECT_THAT(codes(middle(), leaf(), {}), ElementsAre("root"));
}

TEST_F(ChainOfThree, IssuersMustBeCas) {
  TestCertificate plain = middle();
  plain.ca = false;
  EXPECT_THAT(codes(plain, leaf()), Contains("chain"));
  TestCertificate usage = middle();
  usage.key_usage = "critical,digitalSignature";
  EXPECT_THAT(codes(usage, leaf()), Contains("chain"));
}

TEST_F(ChainOfThree, PathLengthsCount) {
  const std::vector<PkixCertificate> candidates = {
      root(), test_issue(test_ca("middle", "root", 0), middle_key_, root_key_),
      test_issue(test_ca("lower", "middle"), leaf_key_, middle_key_)};
  TestCertificate below;
  below.issuer = "lower";
  const TestKey key = test_ec_key("P-256");
  const std::vector<Anchor> anchors = {test_anchor(root())};
  EXPECT_TRUE(
      build_chain(test_issue(below, key, leaf_key_), candidates, anchors, kRules).has("chain"));
  ChainRules short_rules = kRules;
  short_rules.length_max = 3;
  EXPECT_TRUE(
      build_chain(test_issue(below, key, leaf_key_), candidates, anchors, short_rules).has("root"));
}

TEST_F(ChainOfThree, SignaturesAndAlgorithmsAreExact) {
  TestCertificate strong = leaf();
  strong.md = EVP_sha384();
  EXPECT_THAT(codes(middle(), strong), ElementsAre("algorithm"));
  strong.md = EVP_sha1();
  EXPECT_THAT(codes(middle(), strong), Contains("algorithm"));
  const std::vector<PkixCertificate> candidates = {root(),
                                                   test_issue(middle(), middle_key_, root_key_)};
  const Chain forged = build_chain(test_issue(leaf(), leaf_key_, leaf_key_), candidates,
                                   std::vector<Anchor>{test_anchor(root())}, kRules);
  EXPECT_TRUE(forged.has("chain"));
  EXPECT_FALSE(forged.has("root"));
}

TEST_F(ChainOfThree, UnknownCriticalExtensionsAreRefused) {
  TestCertificate odd = leaf();
  odd.extensions = {{"1.2.3.4", {0x05, 0x00}, true}};
  EXPECT_THAT(codes(middle(), odd), ElementsAre("chain"));
  ChainRules known = kRules;
  known.known_critical = {"1.2.3.4"};
  EXPECT_THAT(codes(middle(), odd, {test_anchor(root())}, known), IsEmpty());
  odd.extensions[0].critical = false;
  EXPECT_THAT(codes(middle(), odd), IsEmpty());
}

TEST_F(ChainOfThree, NameConstraintsHold) {
  TestCertificate bound = middle();
  bound.name_constraints = "critical,permitted;DNS:example.org";
  const auto named = [](const std::string& name) {
    TestCertificate out = leaf();
    ByteBuffer value{0x30, static_cast<std::uint8_t>(name.size() + 2), 0x82,
                     static_cast<std::uint8_t>(name.size())};
    value.insert(value.end(), name.begin(), name.end());
    out.extensions = {{"2.5.29.17", value, false}};
    return out;
  };
  EXPECT_THAT(codes(bound, named("a.example.org")), IsEmpty());
  EXPECT_THAT(codes(bound, named("a.example.com")), ElementsAre("chain"));
}

TEST_F(ChainOfThree, BothEndsOfEveryWindowCount) {
  TestCertificate late = leaf();
  late.from_s = kNow + 1;
  EXPECT_THAT(codes(middle(), late), ElementsAre("not-yet-valid"));
  TestCertificate old = middle();
  old.to_s = kNow - 1;
  EXPECT_THAT(codes(old, leaf()), ElementsAre("expired"));
  old.to_s = kNow;
  EXPECT_THAT(codes(old, leaf()), IsEmpty());
}

TEST_F(ChainOfThree, CrlsSpeakForTheirIssuersCertificates) {
  const auto crl = Crl::read(test_crl({.issuer = "root", .serials = {7, 12}}, root_key_));
  ASSERT_TRUE(crl);
  EXPECT_TRUE(crl->signed_by(*root().key()));
  const PkixCertificate middle_certificate = test_issue(middle(), middle_key_, root_key_);
  EXPECT_FALSE(crl->signed_by(*middle_certificate.key()));
  EXPECT_TRUE(crl->lists(middle_certificate));  // serial 7
  TestCertificate other = middle();
  other.serial = 8;
  EXPECT_FALSE(crl->lists(test_issue(other, middle_key_, root_key_)));
  const auto hex = to_hex(crl->der());
  EXPECT_TRUE(Crl::read(as_bytes(hex)));
  EXPECT_FALSE(Crl::read(as_bytes(hex.substr(2))));
}

TEST_F(ChainOfThree, GeneralPathsNeedCrlsOfEveryIssuer) {
  const PkixCertificate anchor = root();
  const std::vector<PkixCertificate> anchors = {anchor},
                                     others = {test_issue(middle(), middle_key_, root_key_)};
  const PkixCertificate end = test_issue(leaf(), leaf_key_, middle_key_);
  const auto codes_with = [&](std::vector<Crl> crls) {
    std::vector<std::string> out;
    for (const ChainFault& fault : check_path({.leaf = end,
                                               .intermediates = others,
                                               .anchors = anchors,
                                               .crls = crls,
                                               .check_crls = true,
                                               .check_times = true,
                                               .now_s = kNow}))
      out.push_back(fault.code);
    return out;
  };
  const Crl top = *Crl::read(test_crl({.issuer = "root"}, root_key_));
  const Crl low = *Crl::read(test_crl({.issuer = "middle"}, middle_key_));
  // Our middle CA may sign CRLs; its list is empty.
  EXPECT_THAT(codes_with({top, low}), IsEmpty());
  EXPECT_THAT(codes_with({top}), Contains("no-crl"));
  EXPECT_THAT(
      codes_with({top, *Crl::read(test_crl({.issuer = "middle", .serials = {7}}, middle_key_))}),
      Contains("revoked"));
  EXPECT_THAT(codes_with({top, *Crl::read(test_crl({.issuer = "middle"}, root_key_))}),
              Contains("crl-signature"));
  EXPECT_THAT(
      codes_with(
          {top, *Crl::read(test_crl(
                    {.issuer = "middle", .serials = {}, .from_s = 1'000'000'000, .to_s = kNow - 1},
                    middle_key_))}),
      Contains("collateral-expired"));
}

TEST(PssChain, SaltAndHashesAreExact) {
  const TestKey key = test_rsa_key();
  TestCertificate root = test_ca("root", "root");
  root.pss = true;
  root.md = EVP_sha384();
  const PkixCertificate good = test_issue(root, key, key);
  ASSERT_TRUE(good.algorithm());
  EXPECT_EQ(to_text(*good.algorithm()), "RSA-PSS sha384");
  EXPECT_TRUE(good.signed_by(*good.key()));
  root.pss = false;
  EXPECT_EQ(to_text(*test_issue(root, key, key).algorithm()), "RSA sha384");
}

TEST(PublicKeys, RawSignaturesHaveTheCurvesLength) {
  const TestKey key = test_ec_key("P-384");
  const auto own = PublicKey::from_point(KeyKind::p384, test_point(key, 48));
  ASSERT_TRUE(own);
  EXPECT_EQ(own->spki(), test_spki(key));
  const ByteBuffer message(100, 3);
  ByteBuffer raw = test_sign_raw(key, EVP_sha384(), message, 48);
  EXPECT_TRUE(own->verify(SignatureForm::ecdsa_raw, Hash::sha384, message, raw));
  EXPECT_FALSE(own->verify(SignatureForm::ecdsa_raw, Hash::sha256, message, raw));
  EXPECT_FALSE(own->verify(SignatureForm::rsa_pss, Hash::sha384, message, raw));
  const ByteBuffer der = test_sign_der(key, EVP_sha384(), message);
  EXPECT_TRUE(own->verify(SignatureForm::ecdsa_der, Hash::sha384, message, der));
  EXPECT_FALSE(own->verify(SignatureForm::ecdsa_raw, Hash::sha384, message, der));
  EXPECT_FALSE(own->verify(SignatureForm::ecdsa_der, Hash::sha384, message, raw));
  raw.push_back(0);
  EXPECT_FALSE(own->verify(SignatureForm::ecdsa_raw, Hash::sha384, message, raw));
  EXPECT_FALSE(PublicKey::from_point(KeyKind::p384, ByteBuffer(96, 1)));
  EXPECT_FALSE(PublicKey::from_point(KeyKind::p256, test_point(key, 48)));
  EXPECT_FALSE(PublicKey::from_spki(test_spki(test_rsa_key(1024))));
  EXPECT_FALSE(PublicKey::from_spki(test_spki(test_ec_key("P-521"))));
}

TEST(DerReading, IsStrict) {
  const auto one = [](ByteBuffer bytes) { return der_value(bytes, der::kOctetString).has_value(); };
  EXPECT_TRUE(one({0x04, 0x01, 0xaa}));
  EXPECT_FALSE(one({0x04, 0x02, 0xaa}));              // cut short
  EXPECT_FALSE(one({0x04, 0x01, 0xaa, 0x00}));        // something behind
  EXPECT_FALSE(one({0x04, 0x81, 0x01, 0xaa}));        // not the shortest length
  EXPECT_FALSE(one({0x04, 0x80, 0xaa, 0x00, 0x00}));  // indefinite
  EXPECT_FALSE(one({0x02, 0x01, 0xaa}));              // another tag
  EXPECT_EQ(*der_oid(ByteBuffer{0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01}),
            "1.2.840.113741.1.13.1");
  EXPECT_FALSE(der_oid(ByteBuffer{0x2a, 0x80, 0x01}));
  EXPECT_FALSE(der_unsigned(ByteBuffer{0xff}));
  EXPECT_FALSE(der_unsigned(ByteBuffer{0x00, 0x01}));
  EXPECT_EQ(*der_unsigned(ByteBuffer{0x00, 0xff}), 255);
}

TEST(CborOfOthers, IsBoundedAndWithoutRepeats) {
  const auto good = [](ByteBuffer bytes) { return parse_cbor(bytes, "test").has_value(); };
  EXPECT_TRUE(good({0xbf, 0x01, 0x02, 0xff}));         // a map of indefinite length
  EXPECT_TRUE(good({0x18, 0x01}));                     // not the shortest head
  EXPECT_FALSE(good({0xa2, 0x01, 0x02, 0x01, 0x03}));  // a key twice
  EXPECT_FALSE(good({0xbf, 0x01, 0x02, 0x01, 0x03, 0xff}));
  EXPECT_FALSE(good({0x01, 0x01}));  // something behind
  EXPECT_FALSE(good({0x5f, 0x41, 0x01, 0xff}));
  EXPECT_FALSE(good({0x9b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}));
  EXPECT_FALSE(good(ByteBuffer(64, 0x81)));  // too deep
  EXPECT_FALSE(good({}));
}

}  // namespace
}  // namespace penstock::crypto
