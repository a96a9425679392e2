#include "crypto/ec.h"

#include <gtest/gtest.h>

#include "crypto/jwk.h"
#include "crypto/test_hex.h"

namespace penstock::crypto {
namespace {

// The key pair of RFC 6979, A.2.5.
P256PrivateKey rfc6979_key() {
  return P256PrivateKey::from_scalar(
             hex("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"))
      .value();
}

TEST(P256, DerivesThePublicKeyOfRfc6979) {
  P256PrivateKey key = rfc6979_key();
  EXPECT_EQ(to_hex(key.public_key().x()),
            "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6");
  EXPECT_EQ(to_hex(key.public_key().y()),
            "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299");
}

TEST(P256, VerifiesTheSignatureOfRfc6979AndNoOther) {
  P256PublicKey key = rfc6979_key().public_key();
  ByteBuffer signature =
      hex("efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
          "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8");
  EXPECT_TRUE(key.verify_es256(as_bytes("sample"), signature));
  EXPECT_FALSE(key.verify_es256(as_bytes("samplE"), signature));
  for (std::size_t bit = 0; bit < 512; bit += 7) {
    ByteBuffer changed = signature;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1 << (bit % 8));
    EXPECT_FALSE(key.verify_es256(as_bytes("sample"), changed));
  }
  EXPECT_FALSE(key.verify_es256(as_bytes("sample"), ByteBuffer(64, 0)));
  EXPECT_FALSE(key.verify_es256(as_bytes("sample"), ByteBuffer(64, 0xff)));
  EXPECT_FALSE(key.verify_es256(as_bytes("sample"), ByteView(signature).first(63)));
}

TEST(P256, SignsWhatItVerifies) {
  auto key = P256PrivateKey::generate(system_random()).value();
  for (std::string_view message : {"", "a", "a longer message"}) {
    auto signature = key.sign_es256(as_bytes(message)).value();
    EXPECT_TRUE(key.public_key().verify_es256(as_bytes(message), signature));
    EXPECT_FALSE(rfc6979_key().public_key().verify_es256(as_bytes(message), signature));
  }
}

// RFC 5903, 8.1: agreement on the 256-bit random ECP group.
TEST(P256, AgreesAsInRfc5903) {
  auto i = P256PrivateKey::from_scalar(
               hex("c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433"))
               .value();
  auto r = P256PrivateKey::from_scalar(
               hex("c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53"))
               .value();
  std::string_view shared = "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de";
  EXPECT_EQ(to_hex(i.agree(r.public_key()).value().view()), shared);
  EXPECT_EQ(to_hex(r.agree(i.public_key()).value().view()), shared);
}

TEST(P256, GoesThroughEveryTextAndByteForm) {
  auto key = P256PrivateKey::generate(system_random()).value();
  const P256PublicKey& pub = key.public_key();
  EXPECT_EQ(P256PublicKey::from_point(pub.to_point()).value(), pub);
  EXPECT_EQ(P256PublicKey::from_cose_key(pub.to_cose_key()).value(), pub);
  EXPECT_EQ(P256PublicKey::from_pem(pub.to_pem()).value(), pub);
  EXPECT_EQ(public_key_from_jwk(to_jwk(pub), "key").value(), pub);
  SecretBuffer pem = key.to_pem().value();
  EXPECT_TRUE(as_text(pem.view()).starts_with("-----BEGIN PRIVATE KEY-----"));
  EXPECT_EQ(to_hex(P256PrivateKey::from_pem(as_text(pem.view())).value().scalar()),
            to_hex(key.scalar()));
  EXPECT_EQ(to_hex(private_key_from_jwk(to_jwk(key), "key").value().scalar()),
            to_hex(key.scalar()));
}

TEST(P256, RefusesPointsOffTheCurveAndScalarsOutOfRange) {
  P256PublicKey pub = rfc6979_key().public_key();
  ByteBuffer y = to_buffer(pub.y());
  y[31] ^= 1;
  EXPECT_EQ(P256PublicKey::from_coordinates(pub.x(), y).error().code(),
            ErrorCode::invalid_argument);
  EXPECT_FALSE(P256PublicKey::from_coordinates(ByteBuffer(32), ByteBuffer(32)));
  EXPECT_FALSE(P256PublicKey::from_coordinates(ByteBuffer(32, 0xff), ByteBuffer(32, 0xff)));
  EXPECT_FALSE(P256PublicKey::from_coordinates(ByteBuffer(31), ByteBuffer(32)));
  EXPECT_FALSE(P256PublicKey::from_point(ByteBuffer{0x00}));
  EXPECT_FALSE(P256PrivateKey::from_scalar(ByteBuffer(32, 0)));
  EXPECT_FALSE(P256PrivateKey::from_scalar(ByteBuffer(32, 0xff)));
  EXPECT_FALSE(P256PrivateKey::from_scalar(
      hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")));  // the order
  EXPECT_TRUE(P256PrivateKey::from_scalar(
      hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550")));
}

TEST(P256, RefusesForeignPemAndCoseKeys) {
  EXPECT_FALSE(
      P256PublicKey::from_pem("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"));
  EXPECT_FALSE(P256PublicKey::from_pem(""));
  EXPECT_FALSE(P256PrivateKey::from_pem("no key"));
  ByteBuffer cose = rfc6979_key().public_key().to_cose_key();
  for (std::size_t size = 0; size < cose.size(); ++size)
    EXPECT_FALSE(P256PublicKey::from_cose_key(ByteView(cose).first(size)));
  cose[4] = 2;  // P-384
  EXPECT_FALSE(P256PublicKey::from_cose_key(cose));
}

TEST(Jwk, IsStrict) {
  auto key = P256PrivateKey::generate(system_random()).value();
  Json extra = to_jwk(key.public_key());
  extra["kid"] = "1";
  EXPECT_FALSE(public_key_from_jwk(extra, "key"));
  EXPECT_FALSE(public_key_from_jwk(to_jwk(key), "key"));  // a private key where none belongs
  EXPECT_FALSE(private_key_from_jwk(to_jwk(key.public_key()), "key"));
  EXPECT_FALSE(public_key_from_jwk(Json("text"), "key"));
  Json other = to_jwk(key);
  other["x"] = to_jwk(rfc6979_key().public_key())["x"];
  other["y"] = to_jwk(rfc6979_key().public_key())["y"];
  EXPECT_EQ(private_key_from_jwk(other, "key").error().text(),
            "key: members 'x' and 'y' are not the public key of 'd'");
  Json wiped = to_jwk(key);
  wipe_json(wiped);
  EXPECT_EQ(wiped["d"].get<std::string>(), std::string(43, '\0'));
}

// Gives zeros first, which are no key, then 1s.
class ZerosThenOnes final : public RandomSource {
 public:
  Result<> fill(ByteSpan out) override {
    std::fill(out.begin(), out.end(), static_cast<std::uint8_t>(draws_ < bad_draws ? 0 : 1));
    ++draws_;
    return {};
  }
  int bad_draws = 3;

 private:
  int draws_ = 0;
};

TEST(P256, DrawsAgainWhenAScalarIsOutOfRangeButNotForever) {
  ZerosThenOnes random;
  EXPECT_EQ(to_buffer(P256PrivateKey::generate(random).value().scalar()), ByteBuffer(32, 1));
  ZerosThenOnes broken;
  broken.bad_draws = 1000;
  EXPECT_EQ(P256PrivateKey::generate(broken).error().code(), ErrorCode::internal);
}

}  // namespace
}  // namespace penstock::crypto
