#include "manager/sessions.h"

#include <gtest/gtest.h>

#include "manager/route.h"
#include "manager/test_manager.h"

namespace penstock::manager {
namespace {

std::shared_ptr<const keys::Requester> somebody() {
  const auto key = must(crypto::P256PrivateKey::generate(crypto::system_random()));
  return std::make_shared<const keys::Requester>(
      keys::Requester{"simulated", attest::Trust::none, Json::object(),
                      crypto::JweRecipient::of(key.public_key())});
}

TEST(Sessions, AChallengeIsTakenOnce) {
  ManualClock clock(1'000'000);
  Sessions sessions(clock, crypto::system_random());
  const auto challenge = must(sessions.begin("simulated"));
  EXPECT_EQ(challenge.id.size(), 32U);
  EXPECT_EQ(must(from_base64(challenge.nonce)).size(), 32U);
  EXPECT_FALSE(sessions.requester(challenge.id));
  EXPECT_EQ(must(sessions.take_challenge(challenge.id)).nonce, challenge.nonce);
  EXPECT_FALSE(sessions.take_challenge(challenge.id));
  const auto who = somebody();
  sessions.attested(challenge.id, who);
  EXPECT_EQ(must(sessions.requester(challenge.id)), who);
  EXPECT_FALSE(sessions.take_challenge(challenge.id));
}

TEST(Sessions, NobodyAttestsWithoutTakingTheChallenge) {
  ManualClock clock(1'000'000);
  Sessions sessions(clock, crypto::system_random());
  const auto challenge = must(sessions.begin("simulated"));
  sessions.attested(challenge.id, somebody());
  EXPECT_FALSE(sessions.requester(challenge.id));
}

TEST(Sessions, EndFiveMinutesAfterTheChallenge) {
  ManualClock clock(1'000'000);
  Sessions sessions(clock, crypto::system_random());
  const auto first = must(sessions.begin("simulated"));
  clock.set_ms(clock.now_ms() + 10'000);
  const auto second = must(sessions.begin("simulated"));
  // Attested in the other order: each still ends at its own time.
  for (const auto& each : {second, first}) {
    must(sessions.take_challenge(each.id));
    sessions.attested(each.id, somebody());
  }
  clock.set_ms(1'000'000 + kSessionMs - 1);
  EXPECT_TRUE(sessions.requester(first.id));
  clock.set_ms(1'000'000 + kSessionMs);
  EXPECT_FALSE(sessions.requester(first.id));
  EXPECT_TRUE(sessions.requester(second.id));
  clock.set_ms(1'010'000 + kSessionMs);
  EXPECT_EQ(sessions.size(), 0U);
}

TEST(Sessions, AFloodOfChallengesDoesNotPushOutTheAttested) {
  ManualClock clock(1'000'000);
  Sessions sessions(clock, crypto::system_random(), 8);
  const auto proved = must(sessions.begin("simulated"));
  must(sessions.take_challenge(proved.id));
  sessions.attested(proved.id, somebody());
  const auto waiting = must(sessions.begin("simulated"));
  for (int i = 0; i < 7; ++i) must(sessions.begin("simulated"));
  EXPECT_EQ(sessions.size(), 8U);
  EXPECT_TRUE(sessions.requester(proved.id));
  EXPECT_FALSE(sessions.take_challenge(waiting.id));
}

TEST(Sessions, CookiesAreReadStrictly) {
  const std::string id = "0123456789abcdef0123456789abcdef";
  EXPECT_EQ(must(session_cookie("kbs-session-id=" + id)), id);
  EXPECT_EQ(must(session_cookie("a=1; kbs-session-id=" + id + "; b")), id);
  EXPECT_EQ(must(session_cookie("")), "");
  EXPECT_EQ(must(session_cookie("a=1;;  ; b")), "");
  EXPECT_FALSE(session_cookie("kbs-session-id=" + id + "0"));
  EXPECT_FALSE(session_cookie("kbs-session-id="));
  EXPECT_FALSE(session_cookie("kbs-session-id=0123456789ABCDEF0123456789abcdef"));
  EXPECT_FALSE(session_cookie("kbs-session-id=" + id + ";kbs-session-id=" + id));
  EXPECT_FALSE(session_cookie(std::string(kCookieBytesMax + 1, 'a')));
  EXPECT_EQ(set_session_cookie({id, "", "", 784'111'777'000}),
            "kbs-session-id=" + id +
                "; Expires=Sun, 06 Nov 1994 08:49:37 GMT; Path=/; Secure; "
                "HttpOnly");
}

TEST(Routes, PatternsFitWholePaths) {
  std::vector<std::string> stars;
  EXPECT_TRUE(match_route("/v1/apps/*/builds/*", "/v1/apps/a/builds/b", stars));
  EXPECT_EQ(stars, (std::vector<std::string>{"a", "b"}));
  EXPECT_FALSE(match_route("/v1/apps/*", "/v1/apps/", stars));
  EXPECT_FALSE(match_route("/v1/apps/*", "/v1/apps/a/", stars));
  EXPECT_FALSE(match_route("/v1/apps/*", "/v1/apps", stars));
  EXPECT_TRUE(match_route("/kbs/v0/resource/**", "/kbs/v0/resource//a/b", stars));
  EXPECT_EQ(stars, (std::vector<std::string>{"/a/b"}));
  EXPECT_TRUE(match_route("/", "/", stars));
  EXPECT_FALSE(match_route("/", "/x", stars));
}

}  // namespace
}  // namespace penstock::manager
