#include "enroll/broker_answers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "enroll/limits.h"

namespace penstock::enroll {
namespace {

using testing::HasSubstr;

std::string token(std::string_view claims) {
  return "{\"token\":\"e30." + to_base64url(as_bytes(claims)) + ".AA\"}";
}

TEST(BrokerAnswers, ReadsAChallengeAndItsCookie) {
  EXPECT_EQ(read_challenge(R"({"nonce":"AAA=","extra-params":""})").value(), "AAA=");
  EXPECT_FALSE(read_challenge(R"({"nonce":""})"));
  EXPECT_FALSE(read_challenge(R"({"nonce":7})"));
  EXPECT_FALSE(read_challenge(R"({"nonce":"a\nb"})"));
  EXPECT_FALSE(read_challenge("[]"));
  EXPECT_FALSE(read_challenge(""));
  const std::string longest(kNonceBytesMax, 'n');
  EXPECT_TRUE(read_challenge("{\"nonce\":\"" + longest + "\"}"));
  EXPECT_FALSE(read_challenge("{\"nonce\":\"n" + longest + "\"}"));
  EXPECT_EQ(read_session_cookie("kbs-session-id=ab12; Expires=x").value(), "kbs-session-id=ab12");
  EXPECT_FALSE(read_session_cookie("kbs-session-id="));
  EXPECT_FALSE(read_session_cookie("other=ab12"));
  EXPECT_FALSE(read_session_cookie("kbs-session-id=a b"));
  EXPECT_FALSE(read_session_cookie("kbs-session-id=" + std::string(kCookieBytesMax, 'a')));
}

TEST(BrokerAnswers, ReadsATokensTimes) {
  const auto read = read_token(token(R"({"iat":100,"exp":400.5})"));
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->issued_s, 100);
  EXPECT_EQ(read->expires_s, 400);
  EXPECT_EQ(read_token(token(R"({"exp":400})"))->issued_s, 0);
  EXPECT_FALSE(read_token(token(R"({"iat":100})")));
  EXPECT_FALSE(read_token(token(R"({"exp":1e300})")));
  EXPECT_FALSE(read_token(token(R"({"exp":-5})")));
  EXPECT_FALSE(read_token(token("nonsense")));
  EXPECT_FALSE(read_token(R"({"token":"a.b"})"));
  EXPECT_FALSE(read_token(R"({"token":"e30.e30\r\nX: y.AA"})"));
  EXPECT_FALSE(read_token("{}"));
}

TEST(BrokerAnswers, TellsDenialsFromFaults) {
  const auto of = [](int status, std::string_view kind) {
    return read_refusal(status, "{\"type\":\"https://x/errors/" + std::string(kind) +
                                    "\",\"detail\":\"denied: measurement (measurement)\"}");
  };
  EXPECT_EQ(of(403, "PolicyDeny").code(), ErrorCode::permission_denied);
  EXPECT_THAT(of(403, "PolicyDeny").text(), HasSubstr("denied: measurement (measurement)"));
  EXPECT_EQ(of(401, "AttestationError").code(), ErrorCode::permission_denied);
  EXPECT_EQ(read_refusal(401, R"({"type":"x/AttestationError","detail":"no such session"})").code(),
            ErrorCode::unauthenticated);
  EXPECT_EQ(of(401, "TokenVerifierError").code(), ErrorCode::unauthenticated);
  EXPECT_EQ(of(404, "PluginNotFound").code(), ErrorCode::not_found);
  EXPECT_EQ(of(503, "X").code(), ErrorCode::unavailable);
  EXPECT_EQ(of(429, "X").code(), ErrorCode::unavailable);
  EXPECT_EQ(of(302, "X").code(), ErrorCode::failed_precondition);
  EXPECT_EQ(read_refusal(500, "<html>").code(), ErrorCode::unavailable);
}

TEST(BrokerAnswers, RepeatsNothingThatCouldHarmALog) {
  const Error error =
      read_refusal(403, "{\"detail\":\"a\\nb\\u001b[31m" + std::string(5'000, 'x') + "\"}");
  EXPECT_EQ(error.text().find_first_of("\n\x1b"), std::string::npos);
  EXPECT_LT(error.text().size(), kDetailBytesMax + 100);
}

}  // namespace
}  // namespace penstock::enroll
