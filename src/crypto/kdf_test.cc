// HKDF, HMAC, SHA-2 and key wrap against the answers of their RFCs.
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/json.h"
#include "crypto/hkdf.h"
#include "crypto/hmac.h"
#include "crypto/key_wrap.h"
#include "crypto/limits.h"
#include "crypto/random.h"
#include "crypto/sha.h"
#include "crypto/test_hex.h"

namespace penstock::crypto {
namespace {

TEST(Sha, MeetsTheExamplesOfFips180) {
  EXPECT_EQ(to_hex(sha256(as_bytes("abc"))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(sha256({})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(to_hex(sha384(as_bytes("abc"))),
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
            "8086072ba1e7cc2358baeca134c825a7");
  EXPECT_EQ(to_hex(sha512(as_bytes("abc"))),
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

TEST(Sha, OfAFileIsThatOfItsBytes) {
  std::filesystem::path path =
      std::filesystem::path(testing::TempDir()) / "penstock_sha384_file_test";
  for (std::size_t size :
       {std::size_t{0}, std::size_t{3}, std::size_t{1} << 18, (std::size_t{1} << 18) + 1}) {
    ByteBuffer contents(size, 'a');
    ASSERT_TRUE(write_file(path, contents).has_value());
    EXPECT_EQ(sha384_file(path).value(), sha384(contents)) << size;
  }
  std::filesystem::remove(path);
  EXPECT_EQ(sha384_file(path).error().code(), ErrorCode::not_found);
  EXPECT_EQ(sha384_file(testing::TempDir()).error().code(), ErrorCode::io);
}

// Report data of the key broker protocol, as its documents give it.
TEST(Sha, OfCanonicalJsonMeetsTheVectorsOfTheKeyBrokerProtocol) {
  auto digest = [](std::string_view text) {
    return to_hex(sha384(as_bytes(canonical_json(parse_json(text, "t").value()).value())));
  };
  EXPECT_EQ(digest(R"({"b": 1, "a": "test", "c": {"d": "e"}})"),
            "e71ce8e70d814ba6639c3612ebee0ff1f76f650f8dbb5e47157e0f3f525cd22c"
            "4597480a186427c813ca941da78870c3");
  std::string a(43, 'A'), b(43, 'B');
  Json key = {{"kty", "EC"}, {"alg", "ECDH-ES+A256KW"}, {"crv", "P-256"}, {"x", a}, {"y", b}};
  Json bound = {{"tee-pubkey", key}, {"nonce", a + "="}, {"additional-evidence", ""}};
  EXPECT_EQ(digest(bound.dump()),
            "509a95b12f352516f55bc254c503223b3998e7a54de88ea21f19593f0903e076"
            "634b37cb221ba0760adeb8a384a0af8d");
}

TEST(Hmac, MeetsTestCases1And2And6OfRfc4231) {
  ByteBuffer key(20, 0x0b);
  EXPECT_EQ(to_hex(hmac_sha256(key, as_bytes("Hi There"))),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(to_hex(hmac_sha384(key, as_bytes("Hi There"))),
            "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59c"
            "faea9ea9076ede7f4af152e8b2fa9cb6");
  EXPECT_EQ(to_hex(hmac_sha512(key, as_bytes("Hi There"))),
            "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
            "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854");
  EXPECT_EQ(to_hex(hmac_sha256(as_bytes("Jefe"), as_bytes("what do ya want for nothing?"))),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(to_hex(hmac_sha256(ByteBuffer(131, 0xaa),
                               as_bytes("Test Using Larger Than Block-Size Key - Hash Key First"))),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Hmac, AnEmptyKeyIsAKeyOfItsOwn) {
  (void)hmac_sha256(ByteBuffer(20, 0x0b), {});
  EXPECT_EQ(to_hex(hmac_sha256({}, {})),
            "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(Hkdf, MeetsTheTestCasesOfRfc5869) {
  ByteBuffer material(22, 0x0b);
  EXPECT_EQ(to_hex(hkdf_sha256({.key_material = material,
                                .salt = hex("000102030405060708090a0b0c"),
                                .info = hex("f0f1f2f3f4f5f6f7f8f9")},
                               42)
                       .value()
                       .view()),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
  ByteBuffer ikm, salt, info;
  for (int i = 0; i < 80; ++i) {
    ikm.push_back(static_cast<std::uint8_t>(i));
    salt.push_back(static_cast<std::uint8_t>(0x60 + i));
    info.push_back(static_cast<std::uint8_t>(0xb0 + i));
  }
  EXPECT_EQ(
      to_hex(hkdf_sha256({.key_material = ikm, .salt = salt, .info = info}, 82).value().view()),
      "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
      "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
      "cc30c58179ec3e87c14c01d5c1f3434f1d87");
  EXPECT_EQ(
      to_hex(hkdf_sha256({.key_material = material, .salt = {}, .info = {}}, 42).value().view()),
      "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

// The example of RFC 3394, section 4.6.
TEST(KeyWrap, MeetsTheExampleOfRfc3394) {
  ByteBuffer kek = hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
  ByteBuffer key = hex("00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f");
  ByteBuffer wrapped =
      hex("28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21");
  EXPECT_EQ(wrap_key(kek, key).value(), wrapped);
  EXPECT_EQ(to_buffer(unwrap_key(kek, wrapped).value().view()), key);
}

TEST(KeyWrap, RefusesWrongKeysChangedBytesAndOddSizes) {
  ByteBuffer kek(32, 1), key(32, 2);
  ByteBuffer wrapped = wrap_key(kek, key).value();
  for (std::size_t i = 0; i < wrapped.size(); ++i) {
    ByteBuffer changed = wrapped;
    changed[i] ^= 1;
    EXPECT_EQ(unwrap_key(kek, changed).error().code(), ErrorCode::not_authentic);
  }
  EXPECT_EQ(unwrap_key(ByteBuffer(32, 9), wrapped).error().code(), ErrorCode::not_authentic);
  EXPECT_EQ(unwrap_key(ByteBuffer(16, 1), wrapped).error().code(), ErrorCode::invalid_argument);
  for (std::size_t size : {0, 8, 16, 25})
    EXPECT_EQ(unwrap_key(kek, ByteBuffer(size)).error().code(), ErrorCode::invalid_argument);
  EXPECT_TRUE(wrap_key(kek, ByteBuffer(kKeyWrapBytesMax)).has_value());
  EXPECT_FALSE(wrap_key(kek, ByteBuffer(kKeyWrapBytesMax + 16)).has_value());
  EXPECT_FALSE(wrap_key(kek, ByteBuffer(8)).has_value());
}

TEST(Random, DrawsDiffer) {
  ByteBuffer a(32), b(32);
  ASSERT_TRUE(system_random().fill(a));
  ASSERT_TRUE(system_random().fill(b));
  EXPECT_NE(a, b);
}

}  // namespace
}  // namespace penstock::crypto
