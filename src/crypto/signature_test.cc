#include "crypto/signature.h"

#include <gtest/gtest.h>

#include "crypto/limits.h"
#include "crypto/test_hex.h"

namespace penstock::crypto {
namespace {

std::string private_pem(std::string_view seed_hex) {
  ByteBuffer der = hex("302e020100300506032b657004220420" + std::string(seed_hex));
  return "-----BEGIN PRIVATE KEY-----\n" + to_base64(der) + "\n-----END PRIVATE KEY-----\n";
}

// Made by another implementation (PyCA).
constexpr char kEd25519Private[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH\n"
    "-----END PRIVATE KEY-----\n";
constexpr char kEd25519Public[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MCowBQYDK2VwAyEA6kpsY+KcUgq+9VB7Ey7F+ZVHdq6+vnuSQh7qaRRG0iw=\n"
    "-----END PUBLIC KEY-----\n";
constexpr char kP384Private[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDAAAAAAAAAAAAAAAAAA\n"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAMDmhZANiAAToa5leNQ5N\n"
    "MSqVprfV2M3NtGgvWIgAoc1sly4dyypaw42QBGlRsDzLOxeaif2oixtIW58sH0Sw\n"
    "3UHObjw6aQu/qr7B4f9K77JGH92mYpvsvUPPdME9jBoWJWEiQ/AEYUg=\n"
    "-----END PRIVATE KEY-----\n";
constexpr char kP384Public[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE6GuZXjUOTTEqlaa31djNzbRoL1iIAKHN\n"
    "bJcuHcsqWsONkARpUbA8yzsXmon9qIsbSFufLB9EsN1Bzm48OmkLv6q+weH/Su+y\n"
    "Rh/dpmKb7L1Dz3TBPYwaFiVhIkPwBGFI\n"
    "-----END PUBLIC KEY-----\n";

struct Rfc8032Case {
  const char *seed, *public_key, *message, *signature;
};
// RFC 8032, 7.1, tests 1 to 3.
constexpr Rfc8032Case kCases[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9"
     "b46bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f1"
     "1d8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984d"
     "c6594a7c15e9716ed28dc027beceea1ec40a"},
};

TEST(Ed25519, MeetsTheTestsOfRfc8032) {
  for (const Rfc8032Case& c : kCases) {
    SigningKey key = SigningKey::from_pem(private_pem(c.seed)).value();
    Ed25519PublicKey public_key = Ed25519PublicKey::from_bytes(hex(c.public_key)).value();
    EXPECT_EQ(key.public_key(), VerificationKey(public_key));
    EXPECT_EQ(to_hex(key.sign(hex(c.message)).value()), c.signature);
    EXPECT_TRUE(public_key.verify(hex(c.message), hex(c.signature)));
  }
}

TEST(Ed25519, RefusesBytesThatAreNoGoodKey) {
  for (const char* bytes : {
           "",
           "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f70751",
           "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a00",
           // Off the curve.
           "0200000000000000000000000000000000000000000000000000000000000000",
           // Of order 1, 2, 4 and 8, with either sign.
           "0100000000000000000000000000000000000000000000000000000000000000",
           "0100000000000000000000000000000000000000000000000000000000000080",
           "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
           "0000000000000000000000000000000000000000000000000000000000000000",
           "0000000000000000000000000000000000000000000000000000000000000080",
           "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
           "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
           "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
           "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
           // Not reduced: the prime, and the prime plus 3 (3 itself is a point).
           "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
           "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
       })
    EXPECT_EQ(Ed25519PublicKey::from_bytes(hex(bytes)).error().code(), ErrorCode::invalid_argument)
        << bytes;
  EXPECT_TRUE(Ed25519PublicKey::from_bytes(
                  hex("0300000000000000000000000000000000000000000000000000000000000000"))
                  .has_value());
}

TEST(SigningKey, ReadsAndWritesWhatAnotherImplementationDoes) {
  SigningKey key = SigningKey::from_pem(kEd25519Private).value();
  EXPECT_EQ(as_text(key.to_pem().value().view()), kEd25519Private);
  EXPECT_EQ(key.public_key().to_pem(), kEd25519Public);
  VerificationKey public_key = VerificationKey::from_pem(kEd25519Public).value();
  EXPECT_EQ(public_key, key.public_key());
  EXPECT_EQ(to_hex(public_key.id()),
            "324be2dea8bc44461b0233e51fa48902ed6b1cc671e7739af2551e0bfe68f54e");
  EXPECT_EQ(
      to_hex(key.sign(as_bytes("a statement")).value()),
      "bcf348fad27b2101cbf30d00120d707ac346b2d7bae82303d009caa494c31ff45f71ad5bc60f015562f07157"
      "cb18777999d6d5b1e09b936898b07e9e5a2d9a0a");
}

TEST(SigningKey, SignsByTheKindOfItsKey) {
  P256PrivateKey p256 = P256PrivateKey::generate(system_random()).value();
  SigningKey es256 = SigningKey::from_pem(as_text(p256.to_pem().value().view())).value();
  SigningKey ed25519 = SigningKey::generate_ed25519(system_random()).value();
  EXPECT_EQ(es256.public_key().algorithm(), "ES256");
  EXPECT_EQ(ed25519.public_key().algorithm(), "Ed25519");
  EXPECT_EQ(es256.public_key(), VerificationKey(p256.public_key()));
  for (const SigningKey* key : {&es256, &ed25519}) {
    SigningKey again = SigningKey::from_pem(as_text(key->to_pem().value().view())).value();
    EXPECT_EQ(again.public_key(), key->public_key());
    VerificationKey verifier = VerificationKey::from_pem(key->public_key().to_pem()).value();
    EXPECT_EQ(verifier, key->public_key());
    EXPECT_EQ(verifier.id(), key->public_key().id());
    ByteBuffer signature = again.sign(as_bytes("text")).value();
    ASSERT_EQ(signature.size(), 64u);
    EXPECT_TRUE(verifier.verify(as_bytes("text"), signature));
    EXPECT_FALSE(verifier.verify(as_bytes("texT"), signature));
    EXPECT_FALSE(verifier.verify({}, signature));
    const VerificationKey& other = (key == &es256 ? ed25519 : es256).public_key();
    EXPECT_FALSE(other.verify(as_bytes("text"), signature));
    EXPECT_NE(other.id(), verifier.id());
  }
  EXPECT_TRUE(es256.public_key().verify({}, es256.sign({}).value()));
}

TEST(VerificationKey, RefusesAChangeOfAnyByteOfTheSignature) {
  P256PrivateKey p256 = P256PrivateKey::generate(system_random()).value();
  SigningKey es256 = SigningKey::from_pem(as_text(p256.to_pem().value().view())).value();
  SigningKey ed25519 = SigningKey::generate_ed25519(system_random()).value();
  for (const SigningKey* key : {&es256, &ed25519}) {
    ByteBuffer good = key->sign(as_bytes("text")).value();
    for (std::size_t i = 0; i < good.size(); ++i) {
      ByteBuffer changed = good;
      changed[i] ^= 1;
      EXPECT_FALSE(key->public_key().verify(as_bytes("text"), changed)) << i;
      EXPECT_FALSE(key->public_key().verify(as_bytes("text"), ByteView(good).first(i)));
    }
    good.push_back(0);
    EXPECT_FALSE(key->public_key().verify(as_bytes("text"), good));
    EXPECT_FALSE(key->public_key().verify(as_bytes("text"), ByteBuffer(64)));
  }
}

// The same signature with the group's order added to its second half.
TEST(Ed25519, RefusesASecondFormOfASignature) {
  ByteBuffer signature = hex(kCases[1].signature);
  ByteBuffer order = hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  int carry = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    int sum = signature[32 + i] + order[i] + carry;
    signature[32 + i] = static_cast<std::uint8_t>(sum);
    carry = sum >> 8;
  }
  Ed25519PublicKey key = Ed25519PublicKey::from_bytes(hex(kCases[1].public_key)).value();
  EXPECT_FALSE(key.verify(hex(kCases[1].message), signature));
}

TEST(Keys, OtherKindsAndOtherTextsAreRefused) {
  EXPECT_EQ(VerificationKey::from_pem(kP384Public).error().code(), ErrorCode::unsupported);
  EXPECT_EQ(SigningKey::from_pem(kP384Private).error().code(), ErrorCode::unsupported);
  EXPECT_EQ(VerificationKey::from_pem(kEd25519Private).error().code(), ErrorCode::invalid_argument);
  EXPECT_EQ(SigningKey::from_pem(kEd25519Public).error().code(), ErrorCode::invalid_argument);
  std::string off = kEd25519Public;
  off.replace(off.find("6kps"), 43, "AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
  EXPECT_EQ(VerificationKey::from_pem(off).error().code(), ErrorCode::invalid_argument);
  for (std::string text : {std::string(), std::string("x")}) {
    EXPECT_EQ(VerificationKey::from_pem(text).error().code(), ErrorCode::invalid_argument);
    EXPECT_EQ(SigningKey::from_pem(text).error().code(), ErrorCode::invalid_argument);
  }
  std::string large(kPemBytesMax + 1, ' ');
  EXPECT_EQ(VerificationKey::from_pem(large).error().code(), ErrorCode::limit_exceeded);
  EXPECT_EQ(SigningKey::from_pem(large).error().code(), ErrorCode::limit_exceeded);
}

}  // namespace
}  // namespace penstock::crypto
