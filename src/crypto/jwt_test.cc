#include "crypto/jwt.h"

#include <gtest/gtest.h>

#include "crypto/jwk.h"
#include "crypto/limits.h"

namespace penstock::crypto {
namespace {

constexpr std::int64_t kJwtNow_s = 1'800'000'000;

P256PrivateKey jwt_key() {
  return P256PrivateKey::from_scalar(ByteBuffer(32, 7)).value();
}
ErrorCode jwt_refusal(std::string_view token) {
  return verify_jwt(token, jwt_key().public_key()).error().code();
}
// A token with this header and these claims as text, signed well.
std::string signed_token(std::string_view header, std::string_view claims) {
  std::string token = to_base64url(as_bytes(header)) + "." + to_base64url(as_bytes(claims));
  return token + "." + to_base64url(jwt_key().sign_es256(as_bytes(token)).value());
}

TEST(VerifyJwt, MeetsTheExampleOfRfc7515) {
  Json jwk = {{"kty", "EC"},
              {"crv", "P-256"},
              {"x", "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"},
              {"y", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}};
  constexpr char kToken[] =
      "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
      "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djx"
      "La8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
  Jwt token = verify_jwt(kToken, public_key_from_jwk(jwk, "key").value()).value();
  EXPECT_EQ(token.header, (Json{{"alg", "ES256"}}));
  EXPECT_EQ(token.claims,
            (Json{{"iss", "joe"}, {"exp", 1300819380}, {"http://example.com/is_root", true}}));
  EXPECT_EQ(jwt_refusal(kToken), ErrorCode::not_authentic);
}

// Made by jwcrypto.
TEST(VerifyJwt, TakesTheTokenOfAnotherImplementation) {
  Jwt token =
      verify_jwt(
          "eyJhbGciOiJFUzI1NiIsImtpZCI6ImsiLCJ0eXAiOiJKV1QifQ.eyJleHAiOjE4MDAwMDAwMDAsImlzcyI6Im90"
          "aGVyIn0.7NNU682_8iGlRKYjMPCi0C4UbNTdnOegj1Tl1Bh1NPHJoDLoB8rNvSri2KlYzVkttfLMIVsr_RzrmBnY"
          "2luv1Q",
          jwt_key().public_key())
          .value();
  EXPECT_EQ(token.header.at("kid"), "k");
  EXPECT_EQ(token.claims, (Json{{"exp", 1800000000}, {"iss", "other"}}));
}

TEST(SignJwt, VerifiesAgain) {
  Json claims = {{"sub", "a"}, {"nested", {{"n", 1}}}};
  std::string token = sign_jwt(claims, jwt_key()).value();
  Jwt read = verify_jwt(token, jwt_key().public_key()).value();
  EXPECT_EQ(read.claims, claims);
  EXPECT_EQ(read.header, (Json{{"alg", "ES256"}, {"typ", "JWT"}}));
  token = sign_jwt(claims, jwt_key(), {{"typ", "other"}, {"kid", "k"}, {"alg", "none"}}).value();
  EXPECT_EQ(verify_jwt(token, jwt_key().public_key()).value().header,
            (Json{{"alg", "ES256"}, {"typ", "other"}, {"kid", "k"}}));
}

TEST(SignJwt, RefusesWhatIsNoToken) {
  EXPECT_EQ(sign_jwt(Json::array(), jwt_key()).error().code(), ErrorCode::invalid_argument);
  EXPECT_EQ(sign_jwt(Json::object(), jwt_key(), Json(5)).error().code(),
            ErrorCode::invalid_argument);
  EXPECT_EQ(sign_jwt({{"a", "\xff"}}, jwt_key()).error().code(), ErrorCode::invalid_argument);
  EXPECT_EQ(sign_jwt({{"a", std::string(kJwtBytesMax, 'a')}}, jwt_key()).error().code(),
            ErrorCode::limit_exceeded);
}

TEST(VerifyJwt, RefusesAChangeOfAnyCharacter) {
  std::string good = sign_jwt({{"sub", "somebody"}}, jwt_key()).value();
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string token = good;
    token[i] = token[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(verify_jwt(token, jwt_key().public_key()).has_value()) << i;
    EXPECT_FALSE(verify_jwt(good.substr(0, i), jwt_key().public_key()).has_value()) << i;
  }
  for (const char* more : {".", "=", " ", "A", "\n"})
    EXPECT_EQ(jwt_refusal(good + more), ErrorCode::invalid_argument);
}

TEST(VerifyJwt, TakesNoAlgorithmButEs256) {
  EXPECT_TRUE(
      verify_jwt(signed_token(R"({"alg":"ES256"})", "{}"), jwt_key().public_key()).has_value());
  for (const char* header :
       {R"({"alg":"none"})", R"({"alg":"HS256"})", R"({"alg":"es256"})", R"({"alg":"ES384"})",
        R"({"alg":["ES256"]})", R"({"alg":null})", "{}", "[]", "",
        R"({"alg":"ES256","alg":"none"})", R"({"alg":"ES256","crit":["b64"],"b64":false})",
        R"({"alg":"ES256"} x)"})
    EXPECT_EQ(jwt_refusal(signed_token(header, "{}")), ErrorCode::invalid_argument) << header;
  // A MAC under any key, and no signature at all.
  EXPECT_EQ(jwt_refusal("eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE4MDAwMDAwMDB9."
                        "kv2Yj_3tcd_44BLjxdh93wlh5wRj5FMe84GxSVTs_xs"),
            ErrorCode::invalid_argument);
  EXPECT_EQ(jwt_refusal("eyJhbGciOiJub25lIn0.e30."), ErrorCode::invalid_argument);
  EXPECT_EQ(jwt_refusal("eyJhbGciOiJFUzI1NiJ9.e30."), ErrorCode::invalid_argument);
  EXPECT_EQ(jwt_refusal("eyJhbGciOiJFUzI1NiJ9.e30." + to_base64url(ByteBuffer(64))),
            ErrorCode::not_authentic);
}

TEST(VerifyJwt, RefusesMalformedAndOversizedTokens) {
  for (const char* token : {"", ".", "..", "...", "a.b", "a.b.c.d", "{}"})
    EXPECT_EQ(jwt_refusal(token), ErrorCode::invalid_argument) << token;
  for (const char* claims : {"", "[]", "5", R"({"a":1,"a":2})", "{\"a\":\"\xff\"}"})
    EXPECT_EQ(jwt_refusal(signed_token(R"({"alg":"ES256"})", claims)), ErrorCode::invalid_argument);
  EXPECT_EQ(
      jwt_refusal(signed_token(R"({"alg":"ES256"})", std::string(40, '[') + std::string(40, ']'))),
      ErrorCode::invalid_argument);
  EXPECT_EQ(jwt_refusal(std::string(kJwtBytesMax + 1, 'A')), ErrorCode::invalid_argument);
}

TEST(JwtTimes, HoldExpiryAndStartWithLeeway) {
  auto check = [](const Json& claims) { return check_jwt_times(claims, kJwtNow_s, 10); };
  EXPECT_TRUE(check({{"exp", kJwtNow_s + 1}}).has_value());
  EXPECT_TRUE(check({{"exp", kJwtNow_s - 9}}).has_value());
  EXPECT_EQ(check({{"exp", kJwtNow_s - 10}}).error().code(), ErrorCode::unauthenticated);
  EXPECT_EQ(check({{"exp", 0}}).error().code(), ErrorCode::unauthenticated);
  for (const char* name : {"nbf", "iat"}) {
    EXPECT_TRUE(check({{"exp", kJwtNow_s + 99}, {name, kJwtNow_s + 10}}).has_value());
    EXPECT_EQ(check({{"exp", kJwtNow_s + 99}, {name, kJwtNow_s + 11}}).error().code(),
              ErrorCode::unauthenticated);
    EXPECT_EQ(check({{"exp", kJwtNow_s + 99}, {name, "x"}}).error().code(),
              ErrorCode::invalid_argument);
  }
  EXPECT_TRUE(check({{"exp", static_cast<double>(kJwtNow_s) + 0.5}}).has_value());
  EXPECT_TRUE(check({{"exp", UINT64_MAX}}).has_value());
}

TEST(JwtTimes, ExpiryIsRequiredAndANumber) {
  for (Json claims : {Json::object(), Json{{"exp", "1900000000"}}, Json{{"exp", nullptr}},
                      Json{{"exp", true}}, Json(5)})
    EXPECT_EQ(check_jwt_times(claims, kJwtNow_s, 0).error().code(), ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace penstock::crypto
