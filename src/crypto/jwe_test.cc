#include "crypto/jwe.h"

#include <gtest/gtest.h>
#include <openssl/rsa.h>

#include "crypto/aead.h"
#include "crypto/concat_kdf.h"
#include "crypto/jwk.h"
#include "crypto/limits.h"
#include "crypto/openssl.h"

namespace penstock::crypto {
namespace {

P256PrivateKey fixed_key() {
  return P256PrivateKey::from_scalar(ByteBuffer(32, 7)).value();
}

// Bytes 0, 1, 2 ...: the messages made with it are always the same.
class CountingRandom final : public RandomSource {
 public:
  Result<> fill(ByteSpan out) override {
    for (std::uint8_t& byte : out) byte = next_++;
    return {};
  }

 private:
  std::uint8_t next_ = 0;
};

// Made by jwcrypto for fixed_key().
constexpr char kForeign[] =
    "{\"protected\":\"eyJhbGciOiJFQ0RILUVTK0EyNTZLVyIsImVuYyI6IkEyNTZHQ00iLCJlcGsiOnsiY3J2Ijo"
    "iUC0yNTYiLCJrdHkiOiJFQyIsIngiOiIwRDU0WTdMQXVYWEY2RlFyLVBUUEtpQ3dvVmROYXlRWTE3cWxGT0tHQzg"
    "0IiwieSI6ImNJc2pNejQ1SGJfSEI4ckR6Ymc2YU5kbDQ5SFZPZXkwTmhCc3NUekJmdzgifX0\""
    ",\"encrypted_key\":\"Jw7sytPxRlVxk7YOFrMbJDneGTHcEHh0fs5-IbJLFdaVMp_kEgcC7w\""
    ",\"iv\":\"Qk62CqthrHyYYluu\""
    ",\"ciphertext\":\"_g4Ws6aLbCawgCUbgdd_AURec_4YVYPE-URDrzBK\""
    ",\"tag\":\"c36xtp2CQ608cfuhHcA5cA\"}";
constexpr char kTwoParties[] =
    "{\"protected\":\"eyJhbGciOiJFQ0RILUVTK0EyNTZLVyIsImFwdSI6IlFXeHBZMlUiLCJhcHYiOiJRbTlpIiw"
    "iZW5jIjoiQTI1NkdDTSIsImVwayI6eyJjcnYiOiJQLTI1NiIsImt0eSI6IkVDIiwieCI6ImpYMHVVZWh2SGVscnN"
    "XXzRfOVBwY2psalZFc2cwS1lJUWtuZUQzMnFObjgiLCJ5IjoiQ2dlX3Q5UEw4MkFVd3BrbG5hVDJIMlR4cGxfclN"
    "uTEhnZ1pUZllpMGJWYyJ9LCJraWQiOiJ4In0\""
    ",\"encrypted_key\":\"5R34TTNmQ00i3YY03yXBch8Bh6o5-FG-0snt4OZniW1ZoUb-IjAkAA\""
    ",\"iv\":\"T4XYxm0_hoHI_2Ap\""
    ",\"ciphertext\":\"cj8g4VPS2PPxmId_31aXF8Bteiw\""
    ",\"tag\":\"TesdUosNP9jNyo1yuMPHYw\"}";
constexpr char kDirect[] =
    "{\"protected\":\"eyJhbGciOiJFQ0RILUVTIiwiZW5jIjoiQTI1NkdDTSIsImVwayI6eyJjcnYiOiJQLTI1NiI"
    "sImt0eSI6IkVDIiwieCI6IkRlWV9UT0Y0V0VnNnlyOUl1eGxlUFhHUmFGVkR6VlkwXzh0ZzR2NDQ3eVEiLCJ5Ijo"
    "idFdleVRaczNiRWRSQUwxTVZOT2tsZnE0OHpBVHdXaEZ1dTJzb0ZiRjFBNCJ9fQ\""
    ",\"encrypted_key\":\"\""
    ",\"iv\":\"gQqDKhZIoXjVlF6Q\""
    ",\"ciphertext\":\"vQ\""
    ",\"tag\":\"qWyJq_yE3xwLMHG6u670PQ\"}";
constexpr char kCbc[] =
    "{\"protected\":\"eyJhbGciOiJFQ0RILUVTK0EyNTZLVyIsImVuYyI6IkEyNTZDQkMtSFM1MTIiLCJlcGsiOns"
    "iY3J2IjoiUC0yNTYiLCJrdHkiOiJFQyIsIngiOiJqdlpHbDBRWkRXQ05HS09fd3Rid1FBbTA3U2psSXZfZ2IxUTE"
    "4MmtzTEJvIiwieSI6IlhBaXBwVjd3RTB1UnZLdDR1X3pxYUhjaHp0QWxpbjl3QTFOd1pTRGhVNlEifX0\""
    ",\"encrypted_key\":\"0vE0Xn-pEi9DNTeV-F7x0tc22_1VxVz0WF3qVUsb9GFzBR5aNC4x9vCIU8Eu2Nm13T3"
    "SOErgIFJ0PbaHYjxLAWFoddG0C0Ny\""
    ",\"iv\":\"Bkc-TfVPY64kDT1je57N7g\""
    ",\"ciphertext\":\"EJ712Sx1iKPoAL0NMZaRog\""
    ",\"tag\":\"GbSckr6FFjhVZgPLLVgXgfasTw5yXxnzFWWN-PFdV0M\"}";
constexpr char kA128[] =
    "{\"protected\":\"eyJhbGciOiJFQ0RILUVTK0ExMjhLVyIsImVuYyI6IkEyNTZHQ00iLCJlcGsiOnsiY3J2Ijo"
    "iUC0yNTYiLCJrdHkiOiJFQyIsIngiOiJXWmhaM3RWVzRwdnlYcjVGRE9jMnBsYjd2U0h4cFcxYmM3cFJvVkFleS1"
    "vIiwieSI6Ikh4Q0wzazYtWEVINFJSVU9lZmNILUc3Zm9IdVFkSDZoSFpfeG52QmliY00ifX0\""
    ",\"encrypted_key\":\"h-45agrvXyWYMdU9mQMKh4__-VRurx7JM9VPwdFCzFewppT43CNBhQ\""
    ",\"iv\":\"i4uXU-Th1yG67XqN\""
    ",\"ciphertext\":\"Rw\""
    ",\"tag\":\"q7S3FrW2R36mWT8jCyOaHg\"}";
constexpr char kZipped[] =
    "{\"protected\":\"eyJhbGciOiJFQ0RILUVTK0EyNTZLVyIsImVuYyI6IkEyNTZHQ00iLCJlcGsiOnsiY3J2Ijo"
    "iUC0yNTYiLCJrdHkiOiJFQyIsIngiOiIzWk11ZGg0ZlNqYjYtSXVsZVR4ZlNnN3paM0x3cGpuS0xreVZESHByWXN"
    "FIiwieSI6IlU3SmI1TkI0VjNqUjJPX2E4cXJKZmJrQjhTUjVMSGxUQXNxZTl1TUxJUlkifSwiemlwIjoiREVGIn0"
    "\""
    ",\"encrypted_key\":\"viZm4yiXlc61xw_3uDegZjf4N0A0Ia7RpDeRmsbjD9K7M1YlIW0uEQ\""
    ",\"iv\":\"Jo8CdpaBOFOZeriI\""
    ",\"ciphertext\":\"c4Lq\""
    ",\"tag\":\"_AY0FmmQBWUbIs6_riOYdg\"}";

// Made by the code below with CountingRandom; jwcrypto opens them.
constexpr char kToP256[] =
    "{\"ciphertext\":\"tFXUUDy1KDss\",\"encrypted_key\":\"kHyExP3Ilk-VEakUUbhDcqrmtaqK17r0AdK"
    "a5NMMAop-ocYxMBTt8w\",\"iv\":\"ICEiIyQlJicoKSor\",\"protected\":\"eyJhbGciOiJFQ0RILUVTK0"
    "EyNTZLVyIsImVuYyI6IkEyNTZHQ00iLCJlcGsiOnsiY3J2IjoiUC0yNTYiLCJrdHkiOiJFQyIsIngiOiJVU0xTaH"
    "hoU3hxZGYwb1R0V0FjQ0ZMZzNQb04xVnk3dkRQV192VzBLM1JzIiwieSI6IkdxbVh6T0hKeHdkenNvQ21EUElMT2"
    "owMkExX1I2MWViaExPNFBpdGlFR1EifX0\",\"tag\":\"id-W15NMuHOCLNWGNx1svQ\"}";
constexpr char kToP521[] =
    "{\"ciphertext\":\"jdWkr1jaZoJk\",\"encrypted_key\":\"_WTL9udpU_liucbeEC9PXjbUEz0XfUy9__d"
    "SpFSeinK-NAvEUCYXCw\",\"iv\":\"bG1ub3BxcnN0dXZ3\",\"protected\":\"eyJhbGciOiJFQ0RILUVTK0"
    "EyNTZLVyIsImVuYyI6IkEyNTZHQ00iLCJlcGsiOnsiY3J2IjoiUC01MjEiLCJrdHkiOiJFQyIsIngiOiJBVWxwQ3"
    "F6Vy0zZG9oR1o5b3ZyaGpkbXdMYzZkRGlOWUY2MVQ3MXdzd2NDZm9pdjV0MkhHaUFyT2hCNjZFdktvUkQ5ZGYxZl"
    "JDZm9RaTlPeGh6WWs3MDhXIiwieSI6IkFjNXJHN2NseEUtLVZoQ2dRLU1jVDUtdWRWT0RyNWlybVNseDU4Nmk0U2"
    "xlNFJ2X2NwcGk3UnVKVjNXMnVZTEVhQ1BjSGhuRnNJYUpDYkRwY2pxdEFEcU4ifX0\",\"tag\":\"cBJ3_LStPu"
    "O3BUwFs8TUCA\"}";

Json json(std::string_view text) {
  return parse_json(text, "t").value();
}
std::string opened(const Json& message) {
  return std::string(as_text(jwe_decrypt(message, fixed_key()).value().view()));
}
ErrorCode refusal(const Json& message) {
  return jwe_decrypt(message, fixed_key()).error().code();
}

constexpr char kP521[] =
    R"({"alg":"ECDH-ES+A256KW","crv":"P-521","kty":"EC",)"
    R"("x":"Af88IRxZKQ2DkFl4VshqC2kLVCexOXwrELqW0h2DwW4nIT6ploEPNufg85B9EXizhPGJbeDfsqg6BH4eLUysBOk9",)"
    R"("y":"AKpnCml7ogQ9yDtg5SEUeXNZg5gWctpNZlozB_QUc9y-uDRcEYktDVZbMEyxmAMRP2y3j1NWyZvl88stJOW_wzaP"})";
constexpr char kRsaModulus[] =
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_"
    "BJECPebWK"
    "RXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_"
    "FDW2QvzqY368QQMic"
    "AtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-"
    "bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3"
    "XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";

Json rsa_jwk() {
  return {{"alg", "RSA-OAEP-256"}, {"kty", "RSA"}, {"e", "AQAB"}, {"n", kRsaModulus}};
}

TEST(ConcatKdf, MeetsTheExampleOfRfc7518) {
  P256PrivateKey alice = private_key_from_jwk(json(R"({"kty":"EC","crv":"P-256",
        "x":"gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0",
        "y":"SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps",
        "d":"0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo"})"),
                                              "alice")
                             .value();
  P256PublicKey bob = public_key_from_jwk(json(R"({"kty":"EC","crv":"P-256",
        "x":"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ",
        "y":"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck"})"),
                                          "bob")
                          .value();
  SecretBuffer shared = alice.agree(bob).value();
  SecretBuffer key = concat_kdf_sha256({.shared_secret = shared.view(),
                                        .algorithm = "A128GCM",
                                        .party_u = as_bytes("Alice"),
                                        .party_v = as_bytes("Bob")},
                                       16)
                         .value();
  EXPECT_EQ(to_base64url(key.view()), "VqqN6vgjbSBcIijNcacQGg");
}

TEST(JweRecipient, ThumbprintMeetsTheExampleOfRfc7638) {
  Json jwk = rsa_jwk();
  jwk["kid"] = "2011-04-29";
  JweRecipient recipient = JweRecipient::from_jwk(jwk, "key").value();
  EXPECT_EQ(to_base64url(recipient.thumbprint()), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
  EXPECT_EQ(recipient.algorithm(), "RSA-OAEP-256");
  EXPECT_EQ(recipient.jwk(), rsa_jwk());
}

TEST(JweRecipient, KeepsExactlyTheTypedMembers) {
  Json jwk = to_jwk(fixed_key().public_key());
  jwk["alg"] = "ECDH-ES+A256KW";
  JweRecipient expected = JweRecipient::of(fixed_key().public_key());
  EXPECT_EQ(expected.jwk(), jwk);
  jwk["kid"] = "x";
  jwk["key_ops"] = Json::array({"deriveKey"});
  EXPECT_EQ(JweRecipient::from_jwk(jwk, "key").value(), expected);
  EXPECT_EQ(JweRecipient::from_jwk(json(kP521), "key").value().jwk(), json(kP521));
}

TEST(JweRecipient, RefusesOtherAlgorithmsAndCurves) {
  auto code = [](Json jwk, const char* member, const char* value) {
    jwk[member] = value;
    return JweRecipient::from_jwk(jwk, "key").error().code();
  };
  Json ec = JweRecipient::of(fixed_key().public_key()).jwk();
  EXPECT_EQ(code(rsa_jwk(), "alg", "RSA1_5"), ErrorCode::unsupported);
  EXPECT_EQ(code(rsa_jwk(), "alg", "RSA-OAEP"), ErrorCode::unsupported);
  EXPECT_EQ(code(ec, "alg", "ECDH-ES"), ErrorCode::unsupported);
  EXPECT_EQ(code(ec, "crv", "P-384"), ErrorCode::unsupported);
  EXPECT_EQ(code(ec, "alg", "RSA-OAEP-256"), ErrorCode::invalid_argument);
  EXPECT_EQ(code(ec, "kty", "oct"), ErrorCode::invalid_argument);
  EXPECT_EQ(code(ec, "crv", "P-521"), ErrorCode::invalid_argument);
  for (const char* member : {"alg", "crv", "kty", "x", "y"}) {
    Json less = ec;
    less.erase(member);
    EXPECT_EQ(JweRecipient::from_jwk(less, "key").error().code(), ErrorCode::invalid_argument);
    less[member] = 5;
    EXPECT_EQ(JweRecipient::from_jwk(less, "key").error().code(), ErrorCode::invalid_argument);
  }
  EXPECT_FALSE(JweRecipient::from_jwk(Json::array(), "key").has_value());
}

TEST(JweRecipient, RefusesPointsOffTheCurve) {
  for (Json jwk : {JweRecipient::of(fixed_key().public_key()).jwk(), json(kP521)}) {
    ASSERT_TRUE(JweRecipient::from_jwk(jwk, "key").has_value());
    ByteBuffer y = from_base64url(jwk["y"].get<std::string>()).value();
    ByteBuffer off = y, padded = y;
    off.back() ^= 1;
    padded.insert(padded.begin(), 0);
    for (const ByteBuffer& wrong : {off, padded, ByteBuffer(y.size(), 0), ByteBuffer(y.size(), 255),
                                    ByteBuffer(), ByteBuffer(32, 0)}) {
      jwk["y"] = to_base64url(wrong);
      EXPECT_EQ(JweRecipient::from_jwk(jwk, "key").error().code(), ErrorCode::invalid_argument);
    }
    jwk["y"] = to_base64url(y) + "=";
    EXPECT_FALSE(JweRecipient::from_jwk(jwk, "key").has_value());
    jwk["y"] = std::string(kJwkMemberBytesMax + 4, 'A');
    EXPECT_FALSE(JweRecipient::from_jwk(jwk, "key").has_value());
  }
}

TEST(JweRecipient, RefusesWeakRsaKeys) {
  auto accepted = [](const char* member, const ByteBuffer& value) {
    Json jwk = rsa_jwk();
    jwk[member] = to_base64url(value);
    Result<JweRecipient> key = JweRecipient::from_jwk(jwk, "key");
    if (!key) {
      EXPECT_EQ(key.error().code(), ErrorCode::invalid_argument);
    }
    return key.has_value();
  };
  EXPECT_TRUE(accepted("n", ByteBuffer(256, 0xff)));
  EXPECT_TRUE(accepted("n", ByteBuffer(512, 0xff)));
  EXPECT_FALSE(accepted("n", ByteBuffer(255, 0xff)));
  EXPECT_FALSE(accepted("n", ByteBuffer(256, 0x7f)));
  EXPECT_FALSE(accepted("n", ByteBuffer(513, 0xff)));
  EXPECT_FALSE(accepted("n", ByteBuffer(256, 0xfe)));  // even
  EXPECT_FALSE(accepted("n", {}));
  EXPECT_TRUE(accepted("e", {3}));
  for (ByteBuffer e :
       {ByteBuffer{}, ByteBuffer{1}, ByteBuffer{2}, ByteBuffer{0, 3}, ByteBuffer(9, 0xff)})
    EXPECT_FALSE(accepted("e", e));
}

TEST(JweDecrypt, OpensWhatAnotherImplementationMade) {
  EXPECT_EQ(opened(json(kForeign)), "made by another implementation");
  EXPECT_EQ(opened(json(kTwoParties)), "made for two parties");
  Json more = json(kForeign);
  more["aad"] = nullptr;
  more["something"] = 5;
  EXPECT_EQ(opened(more), "made by another implementation");
}

TEST(JweDecrypt, RefusesOtherAlgorithms) {
  EXPECT_EQ(refusal(json(kA128)), ErrorCode::unsupported);
  EXPECT_EQ(refusal(json(kCbc)), ErrorCode::unsupported);
  EXPECT_EQ(refusal(json(kDirect)), ErrorCode::unsupported);
  EXPECT_EQ(refusal(json(kZipped)), ErrorCode::unsupported);
  for (const char* member : {"aad", "header", "unprotected", "recipients"}) {
    Json message = json(kForeign);
    message[member] = "x";
    EXPECT_EQ(refusal(message), ErrorCode::unsupported);
  }
}

TEST(JweDecrypt, RefusesAChangeOfAnyPart) {
  Json good = json(kForeign);
  for (const char* member : {"encrypted_key", "iv", "ciphertext", "tag"}) {
    ByteBuffer bytes = from_base64url(good[member].get<std::string>()).value();
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      Json message = good;
      ByteBuffer changed = bytes;
      changed[i] ^= 0x80;
      message[member] = to_base64url(changed);
      EXPECT_EQ(refusal(message), ErrorCode::not_authentic) << member << i;
    }
    Json message = good;
    message.erase(member);
    EXPECT_EQ(refusal(message), ErrorCode::invalid_argument);
    message[member] = to_base64url(bytes) + "==";
    EXPECT_EQ(refusal(message), ErrorCode::invalid_argument);
    bytes.pop_back();
    message[member] = to_base64url(bytes);
    EXPECT_FALSE(jwe_decrypt(message, fixed_key()).has_value());
  }
  EXPECT_EQ(jwe_decrypt(good, P256PrivateKey::generate(system_random()).value()).error().code(),
            ErrorCode::not_authentic);
}

TEST(JweDecrypt, HeaderIsAuthenticatedAsItCame) {
  Json message = json(kForeign);
  ByteBuffer text = from_base64url(message["protected"].get<std::string>()).value();
  std::string spaced = " " + std::string(as_text(text));
  message["protected"] = to_base64url(as_bytes(spaced));
  EXPECT_EQ(refusal(message), ErrorCode::not_authentic);
  Json header = json(as_text(text));
  auto with = [&](auto change) {
    Json changed = header;
    change(changed);
    message["protected"] = to_base64url(as_bytes(changed.dump()));
    return refusal(message);
  };
  EXPECT_EQ(with([](Json& h) { h["apu"] = "QQ"; }), ErrorCode::not_authentic);
  EXPECT_EQ(with([](Json& h) { h["crit"] = Json::array({"exp"}); }), ErrorCode::unsupported);
  EXPECT_EQ(with([](Json& h) { h.erase("epk"); }), ErrorCode::invalid_argument);
  EXPECT_EQ(with([](Json& h) { h["epk"]["y"] = h["epk"]["x"]; }), ErrorCode::invalid_argument);
  EXPECT_EQ(with([](Json& h) { h["epk"]["crv"] = "P-521"; }), ErrorCode::invalid_argument);
  EXPECT_EQ(with([](Json& h) { h["epk"] = 5; }), ErrorCode::invalid_argument);
  EXPECT_EQ(with([](Json& h) { h["apv"] = 5; }), ErrorCode::invalid_argument);
  EXPECT_EQ(with([](Json& h) { h = 5; }), ErrorCode::invalid_argument);
}

TEST(JweDecrypt, RefusesWhatIsTooLarge) {
  Json message = json(kForeign);
  message["ciphertext"] = std::string(kJwePlaintextBytesMax / 3 * 4 + 8, 'A');
  EXPECT_EQ(refusal(message), ErrorCode::limit_exceeded);
  message = json(kForeign);
  message["protected"] = std::string(kJweHeaderBytesMax / 3 * 4 + 8, 'A');
  EXPECT_EQ(refusal(message), ErrorCode::limit_exceeded);
  EXPECT_EQ(refusal(Json("x")), ErrorCode::invalid_argument);
}

TEST(JweEncrypt, OpensAgain) {
  JweRecipient to = JweRecipient::of(fixed_key().public_key());
  for (std::size_t size : {0, 1, 32, 100000}) {
    ByteBuffer plaintext(size, 'p');
    Json message = jwe_encrypt(plaintext, to, system_random()).value();
    EXPECT_EQ(message.size(), 5u);
    EXPECT_EQ(to_buffer(jwe_decrypt(message, fixed_key()).value().view()), plaintext);
    EXPECT_NE(jwe_encrypt(plaintext, to, system_random()).value(), message);
  }
  ByteBuffer largest(kJwePlaintextBytesMax);
  Json message = jwe_encrypt(largest, to, system_random()).value();
  EXPECT_EQ(jwe_decrypt(message, fixed_key()).value().size(), largest.size());
  largest.push_back(0);
  EXPECT_EQ(jwe_encrypt(largest, to, system_random()).error().code(), ErrorCode::limit_exceeded);
}

// jwcrypto opens these; guests rebuild the header from its members in just this order.
TEST(JweEncrypt, WritesTheMessagesThatWereCheckedElsewhere) {
  CountingRandom random;
  Json ec = jwe_encrypt(as_bytes("for P-256"), JweRecipient::of(fixed_key().public_key()), random)
                .value();
  EXPECT_EQ(ec.dump(), kToP256);
  ByteBuffer header = from_base64url(ec["protected"].get<std::string>()).value();
  EXPECT_TRUE(as_text(header).starts_with(
      R"({"alg":"ECDH-ES+A256KW","enc":"A256GCM","epk":{"crv":"P-256","kty":"EC","x":")"));
  JweRecipient p521 = JweRecipient::from_jwk(json(kP521), "key").value();
  EXPECT_EQ(jwe_encrypt(as_bytes("for P-521"), p521, random).value().dump(), kToP521);
}

TEST(JweEncrypt, ForRsaOpensWithThePrivateKey) {
  PkeyPtr key(EVP_RSA_gen(2048));
  ASSERT_NE(key, nullptr);
  BIGNUM* n = nullptr;
  ASSERT_EQ(EVP_PKEY_get_bn_param(key.get(), "n", &n), 1);
  BignumPtr owner(n);
  ByteBuffer modulus(256);
  BN_bn2bin(n, modulus.data());
  Json jwk = rsa_jwk();
  jwk["n"] = to_base64url(modulus);
  Json message =
      jwe_encrypt(as_bytes("for RSA"), JweRecipient::from_jwk(jwk, "key").value(), system_random())
          .value();
  EXPECT_EQ(message["protected"],
            to_base64url(as_bytes(R"({"alg":"RSA-OAEP-256","enc":"A256GCM"})")));
  auto bytes = [&](const char* member) {
    return from_base64url(message[member].get<std::string>()).value();
  };
  ByteBuffer wrapped = bytes("encrypted_key"), content_key(256), sealed = bytes("ciphertext");
  ByteBuffer tag = bytes("tag");
  PkeyContextPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  std::size_t size = content_key.size();
  ASSERT_EQ(EVP_PKEY_decrypt_init(context.get()), 1);
  ASSERT_EQ(EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING), 1);
  ASSERT_EQ(EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), EVP_sha256()), 1);
  ASSERT_EQ(
      EVP_PKEY_decrypt(context.get(), content_key.data(), &size, wrapped.data(), wrapped.size()),
      1);
  ASSERT_EQ(size, kGcmKeyBytes);
  content_key.resize(size);
  sealed.insert(sealed.end(), tag.begin(), tag.end());
  ByteBuffer plaintext(sealed.size() - tag.size());
  EXPECT_TRUE(Aes256Gcm(content_key)
                  .open(bytes("iv"), as_bytes(message["protected"].get_ref<std::string&>()), sealed,
                        plaintext));
  EXPECT_EQ(as_text(plaintext), "for RSA");
}

}  // namespace
}  // namespace penstock::crypto
