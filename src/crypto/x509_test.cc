#include "crypto/x509.h"

#include <gtest/gtest.h>

#include "crypto/limits.h"

namespace penstock::crypto {
namespace {

constexpr std::int64_t kCaNow_s = 1'800'000'000;
constexpr Validity kYear{.not_before_s = kCaNow_s - 3600, .not_after_s = kCaNow_s + 31'536'000};

P256PrivateKey new_ca_key() {
  return P256PrivateKey::generate(system_random()).value();
}

struct Ca {
  explicit Ca(std::string_view name, Validity validity = kYear)
      : key(new_ca_key()), certificate(make_ca(name, key, validity, system_random()).value()) {}
  Result<Certificate> issue(const LeafSpec& leaf, const P256PublicKey& to) const {
    return issue_leaf(leaf, to, certificate, key, system_random());
  }
  P256PrivateKey key;
  Certificate certificate;
};

const LeafSpec kServer{
    .common_name = "server", .names = {"localhost", "127.0.0.1", "::1"}, .validity = kYear};

bool holds(const Certificate& certificate, std::string_view hex) {
  return to_hex(certificate.der()).find(hex) != std::string::npos;
}

// Made by another implementation (PyCA), all valid from 2026 to 2100. kForeignCa holds the key
// whose SubjectPublicKeyInfo has this digest.
constexpr char kForeignPin[] = "c4d91143230d33078090ed89c2071eb8a7be2a5a3f238cbdaa2f8b279f4a9476";
constexpr char kForeignCa[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBSTCB8KADAgECAgFNMAoGCCqGSM49BAMCMCMxDDAKBgNVBAoMA09yZzETMBEG\n"
    "A1UEAwwKZm9yZWlnbiBjYTAgFw0yNjAxMDEwMDAwMDBaGA8yMTAwMDEwMTAwMDAw\n"
    "MFowIzEMMAoGA1UECgwDT3JnMRMwEQYDVQQDDApmb3JlaWduIGNhMFkwEwYHKoZI\n"
    "zj0CAQYIKoZIzj0DAQcDQgAERxw+dYxJBChbun5TEY7Q9SSt6wdX0lvS+Oew1236\n"
    "cUzdUg96yoqLkXrMN/Ud6PDJu+OthYOC5wLcJaEtCfeoWKMTMBEwDwYDVR0TAQH/\n"
    "BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiBdffmuDJCYPmiYiHScnPAf5/auYUn6\n"
    "F4jlTZfjbtjaGQIhAOm7tHxKKRdn9cRE/pWGUIJ6jwX2zr5NbdItOADjgBrZ\n"
    "-----END CERTIFICATE-----\n";
constexpr char kP384[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBZDCB7KADAgECAgFNMAoGCCqGSM49BAMCMB0xDDAKBgNVBAoMA09yZzENMAsG\n"
    "A1UEAwwEcDM4NDAgFw0yNjAxMDEwMDAwMDBaGA8yMTAwMDEwMTAwMDAwMFowHTEM\n"
    "MAoGA1UECgwDT3JnMQ0wCwYDVQQDDARwMzg0MHYwEAYHKoZIzj0CAQYFK4EEACID\n"
    "YgAE6GuZXjUOTTEqlaa31djNzbRoL1iIAKHNbJcuHcsqWsONkARpUbA8yzsXmon9\n"
    "qIsbSFufLB9EsN1Bzm48OmkLv6q+weH/Su+yRh/dpmKb7L1Dz3TBPYwaFiVhIkPw\n"
    "BGFIMAoGCCqGSM49BAMCA2cAMGQCMG4bU/jHWqezE7lPu60ZG02aUoDxmSIwrzOv\n"
    "PYX+mkru8QH2qozUsN9RXzCG/J2SHgIwPwoXJIPDzGjXXXX6OiYbiWuSWKBVgryU\n"
    "TjFZox1Iyolc2u/HNGvgsyyPMTrYLFg6\n"
    "-----END CERTIFICATE-----\n";
constexpr char kEd25519[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIHkMIGXoAMCAQICAU0wBQYDK2VwMBsxDDAKBgNVBAoMA09yZzELMAkGA1UEAwwC\n"
    "ZWQwIBcNMjYwMTAxMDAwMDAwWhgPMjEwMDAxMDEwMDAwMDBaMBsxDDAKBgNVBAoM\n"
    "A09yZzELMAkGA1UEAwwCZWQwKjAFBgMrZXADIQADoQe/884Qvh1w3RjnS8CZZ+TW\n"
    "MJulDV8d3IZkElUxuDAFBgMrZXADQQDSJzuYBjhIoDlBM1y9A5raQ8Yf/0tJXDmP\n"
    "TE5v30emDX0TLaDSysEVnfzoAZ4hhcm6Ux+WrrG+qCadOEBEY48J\n"
    "-----END CERTIFICATE-----\n";
constexpr char kTwoNames[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBTDCB86ADAgECAgFNMAoGCCqGSM49BAMCMC8xDDAKBgNVBAoMA09yZzEOMAwG\n"
    "A1UEAwwFZmlyc3QxDzANBgNVBAMMBnNlY29uZDAgFw0yNjAxMDEwMDAwMDBaGA8y\n"
    "MTAwMDEwMTAwMDAwMFowLzEMMAoGA1UECgwDT3JnMQ4wDAYDVQQDDAVmaXJzdDEP\n"
    "MA0GA1UEAwwGc2Vjb25kMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAERxw+dYxJ\n"
    "BChbun5TEY7Q9SSt6wdX0lvS+Oew1236cUzdUg96yoqLkXrMN/Ud6PDJu+OthYOC\n"
    "5wLcJaEtCfeoWDAKBggqhkjOPQQDAgNIADBFAiBTOXCqd1ieBr2BEI+VfKWitSkt\n"
    "CVx5rfvqKEKtcapeJAIhAOBjIZetVN7UOpPby/ocnSH+6LGlN+PEw04/s1ADB8xL\n"
    "-----END CERTIFICATE-----\n";
constexpr char kUnknownCritical[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBUzCB+6ADAgECAgFNMAoGCCqGSM49BAMCMCExDDAKBgNVBAoMA09yZzERMA8G\n"
    "A1UEAwwIY3JpdGljYWwwIBcNMjYwMTAxMDAwMDAwWhgPMjEwMDAxMDEwMDAwMDBa\n"
    "MCExDDAKBgNVBAoMA09yZzERMA8GA1UEAwwIY3JpdGljYWwwWTATBgcqhkjOPQIB\n"
    "BggqhkjOPQMBBwNCAARHHD51jEkEKFu6flMRjtD1JK3rB1fSW9L457DXbfpxTN1S\n"
    "D3rKiouResw39R3o8Mm7462Fg4LnAtwloS0J96hYoyIwIDAPBgNVHRMBAf8EBTAD\n"
    "AQH/MA0GBCoDBAUBAf8EAgUAMAoGCCqGSM49BAMCA0cAMEQCICcbnh0SWeW/LI3i\n"
    "TNVDno7Df8KLww8qlwJu0zYJPjISAiB/6bKGeGdP3X3bSywe6sM1uVd400ETNSt1\n"
    "o1yOb0CULQ==\n"
    "-----END CERTIFICATE-----\n";

TEST(Certificate, ReadsWhatAnotherImplementationWrote) {
  Certificate ca = Certificate::from_pem(kForeignCa).value();
  EXPECT_EQ(ca.common_name(), "foreign ca");
  EXPECT_TRUE(ca.is_ca());
  EXPECT_EQ(ca.not_before_s(), 1767225600);
  EXPECT_EQ(ca.not_after_s(), 4102444800);
  EXPECT_EQ(to_hex(ca.key_pin()), kForeignPin);
  EXPECT_EQ(ca.fingerprint(), sha256(ca.der()));
  EXPECT_EQ(ca.to_pem(), kForeignCa);
  EXPECT_TRUE(ca.check_issued_by(ca, kCaNow_s).has_value());
}

TEST(Certificate, RefusesOtherKeysAndSeveralNames) {
  for (const char* pem : {kP384, kEd25519, kTwoNames})
    EXPECT_EQ(Certificate::from_pem(pem).error().code(), ErrorCode::invalid_argument);
}

TEST(Certificate, UnknownCriticalExtensionIsNotAccepted) {
  Certificate odd = Certificate::from_pem(kUnknownCritical).value();
  EXPECT_EQ(odd.check_issued_by(odd, kCaNow_s).error().code(), ErrorCode::not_authentic);
}

TEST(Certificate, PemHoldsExactlyOne) {
  std::string pem = kForeignCa;
  EXPECT_TRUE(Certificate::from_pem("a comment\n" + pem).has_value());
  EXPECT_FALSE(Certificate::from_pem(pem + pem).has_value());
  EXPECT_FALSE(Certificate::from_pem("").has_value());
  EXPECT_FALSE(Certificate::from_pem(new_ca_key().public_key().to_pem()).has_value());
  EXPECT_EQ(Certificate::from_pem(std::string(kCertificatePemBytesMax + 1, ' ')).error().code(),
            ErrorCode::limit_exceeded);
}

TEST(Certificate, RefusesOtherBytesThanItsOwn) {
  ByteBuffer der = Certificate::from_pem(kForeignCa).value().der();
  EXPECT_TRUE(Certificate::from_der(der).has_value());
  for (std::size_t size = 0; size < der.size(); ++size)
    EXPECT_FALSE(Certificate::from_der(ByteView(der).first(size)).has_value()) << size;
  ByteBuffer longer = der;
  longer.push_back(0);
  EXPECT_FALSE(Certificate::from_der(longer).has_value());
  EXPECT_EQ(Certificate::from_der(ByteBuffer(kCertificateBytesMax + 1)).error().code(),
            ErrorCode::limit_exceeded);
}

TEST(Certificate, AnyChangedByteIsRefused) {
  Ca ca("ca");
  ByteBuffer der = ca.issue(kServer, new_ca_key().public_key()).value().der();
  for (std::size_t i = 0; i < der.size(); ++i) {
    ByteBuffer changed = der;
    changed[i] ^= 0x01;
    Result<Certificate> parsed = Certificate::from_der(changed);
    EXPECT_FALSE(parsed && parsed->check_issued_by(ca.certificate, kCaNow_s)) << i;
  }
}

TEST(MakeCa, IsSelfSignedAndMaySignOnlyLeaves) {
  Ca ca("penstock test CA");
  EXPECT_TRUE(ca.certificate.is_ca());
  EXPECT_EQ(ca.certificate.common_name(), "penstock test CA");
  EXPECT_EQ(ca.certificate.key(), ca.key.public_key());
  EXPECT_EQ(ca.certificate.not_before_s(), kYear.not_before_s);
  EXPECT_EQ(ca.certificate.not_after_s(), kYear.not_after_s);
  EXPECT_TRUE(ca.certificate.check_issued_by(ca.certificate, kCaNow_s).has_value());
  EXPECT_TRUE(holds(ca.certificate, "0603551d130101ff040830060101ff020100"));  // CA, path length 0
  EXPECT_TRUE(holds(ca.certificate, "0603551d0f0101ff040403020106"));  // keyCertSign, cRLSign
  EXPECT_EQ(Certificate::from_pem(ca.certificate.to_pem()).value().der(), ca.certificate.der());
}

TEST(MakeCa, CertifiesOnlyWhatItIsPermitted) {
  const auto key = new_ca_key();
  const auto leaf_key = new_ca_key();
  const auto allowed = [&](const std::vector<std::string>& permitted, const std::string& name) {
    const auto ca = make_ca("constrained", key, kYear, system_random(), permitted).value();
    const auto leaf = issue_leaf({.common_name = "w", .names = {name}, .validity = kYear},
                                 leaf_key.public_key(), ca, key, system_random());
    return leaf->check_issued_by(ca, kCaNow_s).has_value();
  };
  const std::vector<std::string> both = {"streams.example", "10.0.0.0/8", "::1"};
  for (const char* name : {"streams.example", "a.streams.example", "10.1.2.3", "::1"})
    EXPECT_TRUE(allowed(both, name)) << name;
  for (const char* name : {"bank.example", "xstreams.example", "11.1.2.3", "::2"})
    EXPECT_FALSE(allowed(both, name)) << name;
  // A kind of which nothing is permitted is not free.
  EXPECT_FALSE(allowed({"streams.example"}, "10.1.2.3"));
  EXPECT_FALSE(allowed({"streams.example"}, "::1"));
  EXPECT_FALSE(allowed({"10.0.0.0/8"}, "streams.example"));
  EXPECT_FALSE(allowed({"10.0.0.0/8"}, "::1"));
  EXPECT_TRUE(allowed({"10.0.0.0/8"}, "10.0.0.1"));
  EXPECT_TRUE(allowed({}, "anything.example"));
  for (const char* bad : {"*.example", "10.0.0.0/33", "10.0.0.0/", "a,permitted;DNS:b", ""})
    EXPECT_FALSE(make_ca("c", key, kYear, system_random(), {bad})) << bad;
}

TEST(Certificate, ListsAFewOfOneText) {
  const std::string one = Ca("one").certificate.to_pem(), two = Ca("two").certificate.to_pem();
  EXPECT_EQ(Certificate::list_from_pem(one, 2)->size(), 1U);
  const auto both = Certificate::list_from_pem(one + two, 2);
  ASSERT_TRUE(both) << both.error().text();
  EXPECT_EQ(both->at(1).common_name(), "two");
  EXPECT_FALSE(Certificate::list_from_pem(one + two + one, 2));
  EXPECT_FALSE(Certificate::list_from_pem("", 2));
  EXPECT_FALSE(Certificate::list_from_pem(one + "-----BEGIN CERTIFICATE-----\n", 2));
}

TEST(MakeCa, RefusesNamesAndTimesThatMakeNoSense) {
  P256PrivateKey key = new_ca_key();
  auto code = [&](std::string_view name, Validity validity) {
    return make_ca(name, key, validity, system_random()).error().code();
  };
  EXPECT_EQ(code("", kYear), ErrorCode::invalid_argument);
  EXPECT_EQ(code(std::string(65, 'a'), kYear), ErrorCode::invalid_argument);
  EXPECT_EQ(code("a\nb", kYear), ErrorCode::invalid_argument);
  EXPECT_EQ(code("\xff", kYear), ErrorCode::invalid_argument);
  EXPECT_EQ(code("ca", {kCaNow_s, kCaNow_s - 1}), ErrorCode::invalid_argument);
  EXPECT_EQ(code("ca", {-1, kCaNow_s}), ErrorCode::invalid_argument);
  EXPECT_EQ(code("ca", {kCaNow_s, 253402300800}), ErrorCode::invalid_argument);
  EXPECT_TRUE(make_ca(std::string(64, 'a'), key, {0, 253402300799}, system_random()).has_value());
}

TEST(IssueLeaf, CarriesNamesAndUse) {
  Ca ca("ca");
  P256PublicKey key = new_ca_key().public_key();
  Certificate leaf = ca.issue(kServer, key).value();
  EXPECT_TRUE(leaf.check_issued_by(ca.certificate, kCaNow_s).has_value());
  EXPECT_FALSE(leaf.is_ca());
  EXPECT_EQ(leaf.key(), key);
  EXPECT_EQ(leaf.common_name(), "server");
  EXPECT_TRUE(holds(leaf, "82096c6f63616c686f7374"));                // dNSName localhost
  EXPECT_TRUE(holds(leaf, "87047f000001"));                          // iPAddress 127.0.0.1
  EXPECT_TRUE(holds(leaf, "871000000000000000000000000000000001"));  // iPAddress ::1
  EXPECT_TRUE(holds(leaf, "0603551d0f0101ff040403020780"));          // digitalSignature
  EXPECT_TRUE(holds(leaf, "06082b06010505070301"));                  // serverAuth
  LeafSpec client{.common_name = "client", .names = {}, .validity = kYear, .server = false};
  Certificate other = ca.issue(client, key).value();
  EXPECT_TRUE(holds(other, "06082b06010505070302"));  // clientAuth
  EXPECT_FALSE(holds(other, "06082b06010505070301"));
  EXPECT_NE(ca.issue(kServer, key).value().fingerprint(), leaf.fingerprint());  // another serial
  LeafSpec nameless{.common_name = "", .names = {"a.example"}, .validity = kYear};
  Certificate unnamed = ca.issue(nameless, key).value();
  EXPECT_EQ(unnamed.common_name(), "");
  EXPECT_TRUE(unnamed.check_issued_by(ca.certificate, kCaNow_s).has_value());
}

TEST(IssueLeaf, RefusesNamesThatAreNone) {
  Ca ca("ca");
  P256PublicKey key = new_ca_key().public_key();
  for (std::string name :
       {std::string(), std::string("a b"), std::string("*.example"), std::string("-a"),
        std::string("a..b"), std::string("a."), std::string("300.1.1.1"), std::string("1.2"),
        std::string("a_b"), std::string("localhost\0.evil", 15), std::string("127.0.0.1\0", 10),
        std::string("b\xc3\xbc.example"), std::string(64, 'a'), std::string("a:b")}) {
    LeafSpec leaf{.common_name = "x", .names = {name}, .validity = kYear};
    EXPECT_EQ(ca.issue(leaf, key).error().code(), ErrorCode::invalid_argument) << name;
  }
  LeafSpec nobody{.common_name = "", .names = {}, .validity = kYear};
  EXPECT_EQ(ca.issue(nobody, key).error().code(), ErrorCode::invalid_argument);
  LeafSpec crowd{.common_name = "x",
                 .names = std::vector<std::string>(kCertificateNamesMax + 1, "a"),
                 .validity = kYear};
  EXPECT_EQ(ca.issue(crowd, key).error().code(), ErrorCode::limit_exceeded);
}

TEST(IssueLeaf, NeedsTheKeyOfTheCa) {
  Ca ca("ca"), other("ca");
  P256PublicKey key = new_ca_key().public_key();
  auto refused = [&](const Certificate& issuer, const P256PrivateKey& with) {
    return issue_leaf(kServer, key, issuer, with, system_random()).error().code();
  };
  EXPECT_EQ(refused(ca.certificate, other.key), ErrorCode::failed_precondition);
  P256PrivateKey leaf_key = new_ca_key();
  Certificate leaf = ca.issue(kServer, leaf_key.public_key()).value();
  EXPECT_EQ(refused(leaf, leaf_key), ErrorCode::failed_precondition);
}

TEST(CheckIssuedBy, RefusesAnotherCaOfTheSameName) {
  Ca ca("ca"), other("ca"), stranger("stranger");
  Certificate leaf = ca.issue(kServer, new_ca_key().public_key()).value();
  for (const Certificate* wrong : {&other.certificate, &stranger.certificate, &leaf})
    EXPECT_EQ(leaf.check_issued_by(*wrong, kCaNow_s).error().code(), ErrorCode::not_authentic);
  // The same key under another name is another CA.
  Certificate renamed = make_ca("renamed", ca.key, kYear, system_random()).value();
  EXPECT_EQ(leaf.check_issued_by(renamed, kCaNow_s).error().code(), ErrorCode::not_authentic);
}

TEST(CheckIssuedBy, HoldsBothToTheirTimes) {
  Ca ca("ca");
  LeafSpec spec = kServer;
  spec.validity = {kCaNow_s, kCaNow_s + 60};
  Certificate leaf = ca.issue(spec, new_ca_key().public_key()).value();
  EXPECT_TRUE(leaf.check_issued_by(ca.certificate, kCaNow_s).has_value());
  EXPECT_TRUE(leaf.check_issued_by(ca.certificate, kCaNow_s + 59).has_value());
  EXPECT_FALSE(leaf.check_issued_by(ca.certificate, kCaNow_s - 1).has_value());
  EXPECT_EQ(leaf.check_issued_by(ca.certificate, kCaNow_s + 61).error().code(),
            ErrorCode::not_authentic);
  Ca brief("brief", {kCaNow_s, kCaNow_s + 10});
  Certificate outlives = brief.issue(spec, new_ca_key().public_key()).value();
  EXPECT_TRUE(outlives.check_issued_by(brief.certificate, kCaNow_s + 5).has_value());
  EXPECT_FALSE(outlives.check_issued_by(brief.certificate, kCaNow_s + 11).has_value());
}

}  // namespace
}  // namespace penstock::crypto
