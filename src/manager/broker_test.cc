// The key broker protocol against a manager over HTTPS: what works and what is refused.
#include <atomic>
#include <thread>

#include "crypto/jwt.h"
#include "manager/test_manager.h"

namespace penstock::manager {
namespace {

using Broker = ManagerTest;
constexpr const char* kSecretPath = "payments/secret/db";

TEST_F(Broker, ReleasesASecretByCookieAndByToken) {
  start_with_app();
  Guest guest = this->guest();
  ASSERT_EQ(guest.handshake(), 200);
  EXPECT_EQ(guest.open(guest.by_cookie(kSecretPath)), "hunter2");
  EXPECT_EQ(guest.open(guest.by_token(kSecretPath)), "hunter2");
  const auto entries = audit();
  EXPECT_EQ(entries.back()["action"], "release");
  EXPECT_EQ(entries.back()["outcome"], "granted");
  EXPECT_EQ(entries.back()["subject"], kSecretPath);
  EXPECT_EQ(entries.back()["app"], "payments");
  EXPECT_TRUE(entries.back()["actor"].get<std::string>().starts_with("guest:"));
  EXPECT_EQ(entries.back()["actor"].get<std::string>().size(), 6U + 16U);
  EXPECT_EQ(entries[entries.size() - 3]["action"], "attest");
  EXPECT_TRUE(entries.back()["rules"].at(0).is_string());
  must(verify());
}

TEST_F(Broker, TheTokenIsAnEarWithOurOwnClaims) {
  start_with_app();
  Guest guest = this->guest();
  ASSERT_EQ(guest.handshake(), 200);
  const Json jwks = anybody().get("/.well-known/jwks.json");
  const Json& jwk = jwks["keys"].at(0);
  const auto leaf =
      must(crypto::Certificate::from_der(must(from_base64(jwk["x5c"].at(0).get<std::string>()))));
  const auto ca = must(crypto::Certificate::from_pem(read_text(data() / "ca.pem")));
  must(leaf.check_issued_by(ca, clock_.now_ms() / 1000));
  const auto jwt = must(crypto::verify_jwt(guest.token, leaf.key()));
  EXPECT_EQ(jwt.header["jwk"]["x5c"], jwk["x5c"]);
  EXPECT_EQ(jwt.claims["exp"].get<std::int64_t>() - jwt.claims["iat"].get<std::int64_t>(), 300);
  const Json& cpu = jwt.claims["submods"]["cpu0"];
  EXPECT_EQ(cpu["ear.status"], "contraindicated");
  EXPECT_EQ(cpu["ear.veraison.annotated-evidence"]["runtime_data_claims"]["tee-pubkey"], guest.jwk);
  EXPECT_EQ(jwt.claims["penstock"]["development"], true);
  EXPECT_EQ(jwt.claims["penstock"]["claims"]["measurement"], kMeasurement);
}

TEST_F(Broker, EncryptsToLargerKeysToo) {
  start_with_app();
  for (const char* text : {kP521Jwk, kRsaJwk}) {
    Guest guest = this->guest();
    guest.jwk = Json::parse(text);
    ASSERT_EQ(guest.handshake(), 200) << text;
    const Json message = json_of(guest.by_cookie(kSecretPath));
    const Json header =
        Json::parse(as_text(must(from_base64url(message["protected"].get<std::string>()))));
    EXPECT_EQ(header["alg"], guest.jwk["alg"]);
    const Json again = json_of(guest.by_token(kSecretPath));
    EXPECT_NE(again["ciphertext"], message["ciphertext"]);
  }
}

TEST_F(Broker, RefusesRsa15) {
  start_with_app();
  Guest guest = this->guest();
  guest.jwk = Json::parse(kRsaJwk);
  ASSERT_EQ(guest.auth().status, 200);
  Json request = guest.request();
  request["runtime-data"]["tee-pubkey"]["alg"] = "RSA1_5";
  EXPECT_EQ(refusal(guest.attest(request)), "400 SerdeError");
}

TEST_F(Broker, NamesBothVersionsToOtherProtocols) {
  start();
  Guest guest(service_->url(), data(),
              json_of(admin().call("POST", "/v1/platforms"))["private_key_pem"]);
  for (const char* version : {"0.1.1", "0.5.0", "1.0.0", "", "0.4", "0.4.x", "x y"}) {
    const auto response = guest.auth(version);
    EXPECT_EQ(refusal(response), "401 ProtocolVersion") << version;
    EXPECT_NE(detail(response).find("0.4.0"), std::string::npos);
  }
  EXPECT_NE(detail(guest.auth("0.5.0")).find("0.5.0"), std::string::npos);
  EXPECT_EQ(guest.auth("0.4.7").status, 200);
}

TEST_F(Broker, ANonceServesOnce) {
  start_with_app();
  Guest guest = this->guest();
  ASSERT_EQ(guest.auth().status, 200);
  const Json request = guest.request();
  ASSERT_EQ(guest.attest(request).status, 200);
  EXPECT_EQ(refusal(guest.attest(request)), "401 AttestationError");
  EXPECT_EQ(guest.open(guest.by_cookie(kSecretPath)), "hunter2");  // what it got stays

  Guest thief = this->guest();
  ASSERT_EQ(thief.auth().status, 200);
  EXPECT_EQ(detail(thief.attest(request)), "denied: nonce (nonce)");  // in its own session
  EXPECT_EQ(last_denial()["rules"].at(0)["name"], "nonce");
  EXPECT_EQ(refusal(thief.by_cookie(kSecretPath)), "401 TokenNotFound");
}

TEST_F(Broker, AFailedAttemptUsesTheNonceUp) {
  start_with_app();
  Guest guest = this->guest();
  ASSERT_EQ(guest.auth().status, 200);
  EXPECT_EQ(refusal(guest.attest(Json::object())), "400 SerdeError");
  EXPECT_EQ(refusal(guest.attest()), "401 AttestationError");
}

TEST_F(Broker, WantsTheCookieStrictly) {
  start_with_app();
  Guest guest = this->guest();
  ASSERT_EQ(guest.auth().status, 200);
  const std::string good = guest.cookie;
  for (const std::string& cookie :
       {std::string(), std::string("kbs-session-id=") + std::string(32, '0'), good + "0",
        good + "; " + good, std::string("other=") + good.substr(good.find('=') + 1)}) {
    guest.cookie = cookie;
    EXPECT_EQ(refusal(guest.attest()), "401 AttestationError") << cookie;
    EXPECT_EQ(refusal(guest.by_cookie(kSecretPath)), "401 TokenNotFound") << cookie;
  }
  guest.cookie = "a=b; " + good + ";c=d";
  EXPECT_EQ(guest.attest().status, 200);
}

TEST_F(Broker, RefusesEvidenceOfAnotherSession) {
  start_with_app();
  Guest victim = guest(), thief = guest();
  ASSERT_EQ(victim.auth().status, 200);
  ASSERT_EQ(thief.auth().status, 200);
  Json relayed = thief.request();
  relayed["tee-evidence"] = victim.request()["tee-evidence"];
  auto response = thief.attest(relayed);
  EXPECT_EQ(refusal(response), "401 AttestationError");
  EXPECT_EQ(detail(response), "denied: report-data (report_data)");
  // The victim is made to attest over the thief's nonce: its own key is still in there.
  ASSERT_EQ(thief.auth().status, 200);
  relayed = thief.request();
  relayed["tee-evidence"]["primary_evidence"] = victim.evidence(thief.nonce);
  response = thief.attest(relayed);
  EXPECT_EQ(detail(response), "denied: report-data (report_data)");
  const Json denial = last_denial();
  EXPECT_EQ(denial["action"], "attest");
  EXPECT_TRUE(denial["rules"].at(0).is_object());
}

TEST_F(Broker, RefusesOtherPlatformsSignaturesAndDebug) {
  start_with_app();
  const auto key = must(crypto::P256PrivateKey::generate(crypto::system_random()));
  const std::string pem(as_text(key.to_pem().value().view()));
  Guest foreign(service_->url(), data(), pem);
  ASSERT_EQ(foreign.auth().status, 200);
  EXPECT_EQ(detail(foreign.attest()), "denied: root (platform)");

  Guest changed = guest();
  ASSERT_EQ(changed.auth().status, 200);
  Json request = changed.request();
  Guest other = guest();
  other.nonce = changed.nonce;
  request["tee-evidence"]["primary_evidence"]["signature"] = other.evidence("x")["signature"];
  EXPECT_EQ(detail(changed.attest(request)), "denied: signature (signature)");

  Guest debugged = guest();
  debugged.debug = true;
  ASSERT_EQ(debugged.auth().status, 200);
  EXPECT_EQ(detail(debugged.attest()), "denied: debug (debug)");
}

TEST_F(Broker, RefusesAConfigurationThatWasNotMeasured) {
  start_with_app();
  Guest guest = this->guest();
  guest.initdata += "# swapped by the host\n";
  ASSERT_EQ(guest.auth().status, 200);
  const auto swapped = guest.attest();
  EXPECT_EQ(refusal(swapped), "401 AttestationError");
  EXPECT_NE(detail(swapped).find("config_digest"), std::string::npos);

  guest = this->guest();
  guest.initdata = "";  // measured, but not shown
  ASSERT_EQ(guest.auth().status, 200);
  EXPECT_EQ(refusal(guest.attest()), "401 AttestationError");
}

TEST_F(Broker, TellsTheOwnerEverythingAndTheGuestCodeAndRule) {
  start_with_app();
  Guest guest = this->guest();
  guest.measurement = hex_sha384("another build");
  ASSERT_EQ(guest.handshake(), 200);  // judged at the release
  const auto response = guest.by_cookie(kSecretPath);
  EXPECT_EQ(refusal(response), "403 PolicyDeny");
  EXPECT_EQ(detail(response), "denied: measurement (measurement)");
  const Json denial = last_denial();
  EXPECT_EQ(denial["action"], "release");
  const auto failed = std::ranges::find(denial["rules"], Json("fail"),
                                        [](const Json& rule) { return rule["result"]; });
  ASSERT_NE(failed, denial["rules"].end());
  EXPECT_EQ((*failed)["seen"], guest.measurement);
  EXPECT_FALSE((*failed)["advice"].get<std::string>().empty());
}

TEST_F(Broker, JudgesAgainAtEveryRelease) {
  start_with_app();
  Guest guest = this->guest();
  ASSERT_EQ(guest.handshake(), 200);
  ASSERT_EQ(guest.by_token(kSecretPath).status, 200);
  Caller owner = admin();
  const std::string build = "/v1/apps/payments/builds/" + kMeasurement;
  EXPECT_EQ(owner.change("DELETE", build), "");
  EXPECT_EQ(refusal(guest.by_token(kSecretPath)), "403 PolicyDeny");
  EXPECT_EQ(refusal(guest.by_cookie(kSecretPath)), "403 PolicyDeny");
  EXPECT_EQ(owner.change("POST", "/v1/apps/payments/builds", {{"measurement", kMeasurement}}), "");
  EXPECT_EQ(guest.by_cookie(kSecretPath).status, 200);
  Json policy = attest::Policy::deny_all().document();
  policy["version"] = 2;
  EXPECT_EQ(owner.change("PUT", "/v1/apps/payments/policy", policy), "");
  EXPECT_EQ(refusal(guest.by_cookie(kSecretPath)), "403 PolicyDeny");
}

TEST_F(Broker, RefusesAnotherConfigurationAtTheRelease) {
  start_with_app();
  Guest guest = this->guest();
  guest.initdata += "# one more line\n";
  guest.host_data = hex_sha384(guest.initdata);
  ASSERT_EQ(guest.handshake(), 200);
  const auto response = guest.by_cookie(kSecretPath);
  EXPECT_EQ(refusal(response), "403 PolicyDeny");
  EXPECT_NE(detail(response).find("(config_digest)"), std::string::npos) << detail(response);
}

TEST_F(Broker, WhatIsMissingIsNotFoundAndNotDenied) {
  start_with_app();
  Guest guest = this->guest();
  ASSERT_EQ(guest.handshake(), 200);
  EXPECT_EQ(refusal(guest.by_cookie("payments/secret/other")), "404 PluginInternalError");
  EXPECT_EQ(refusal(guest.by_cookie("nobody/secret/db")), "404 PluginInternalError");
  for (const char* path : {"a", "a/b/c/d", ".a/b/c", "a/b/c%2fd", "payments/secret/"})
    EXPECT_EQ(refusal(guest.by_cookie(path)), "404 InvalidRequestPath") << path;
  EXPECT_EQ(refusal(guest.raw("GET", "/kbs/v0/plugin/x", "")), "404 InvalidRequestPath");
  Guest stranger = this->guest();
  EXPECT_EQ(refusal(stranger.raw("GET", "/kbs/v0/resource/payments/secret/other", "")),
            "401 TokenNotFound");
}

TEST_F(Broker, AnEmptyRepositoryIsTheDefaultOne) {
  start_with_app();
  Caller owner = admin();
  EXPECT_EQ(owner.change("PUT", "/v1/apps/default"), "");
  EXPECT_EQ(owner.change("POST", "/v1/apps/default/builds", {{"measurement", kMeasurement}}), "");
  EXPECT_EQ(owner.change("POST", "/v1/apps/default/configs", {{"digest", hex_sha384(kInitdata)}}),
            "");
  EXPECT_EQ(owner.call("PUT", "/v1/apps/default/secrets/key/1", "abc").status, 200);
  Guest guest = this->guest();
  ASSERT_EQ(guest.handshake(), 200);
  for (const char* path : {"default/key/1", "/default/key/1", "/key/1", "//key/1", "key/1"})
    EXPECT_EQ(guest.open(guest.by_cookie(path)), "abc") << path;
}

TEST_F(Broker, TokensAreOursUnchangedAndFresh) {
  start_with_app();
  Guest guest = this->guest();
  ASSERT_EQ(guest.handshake(), 200);
  std::string changed = guest.token;
  changed[changed.find('.') + 10] ^= 1;
  const auto foreign_key = must(crypto::P256PrivateKey::generate(crypto::system_random()));
  const std::size_t dot = guest.token.find('.');
  const Json claims = Json::parse(
      as_text(must(from_base64url(guest.token.substr(dot + 1, guest.token.rfind('.') - dot - 1)))));
  const std::string forged = must(crypto::sign_jwt(claims, foreign_key));
  for (const std::string& bad : {changed, forged, std::string("x"), std::string(".."),
                                 std::string("a.b.c"), guest.token + "A"})
    EXPECT_EQ(refusal(guest.by_token(kSecretPath, bad)), "401 TokenVerifierError");

  TemporaryFolder elsewhere;
  ServiceOptions options{.data = elsewhere.path() / "m", .http = manager_http_options()};
  options.development = true;
  auto other = must(Service::start(std::move(options)));
  Guest there(other->url(), elsewhere.path() / "m", platform_);
  EXPECT_EQ(refusal(there.by_token(kSecretPath, guest.token)), "401 TokenVerifierError");

  clock_.set_ms(clock_.now_ms() + 299'000);
  EXPECT_EQ(guest.by_token(kSecretPath).status, 200);
  clock_.set_ms(clock_.now_ms() + 2'000);
  EXPECT_EQ(refusal(guest.by_token(kSecretPath)), "401 TokenVerifierError");
  EXPECT_EQ(refusal(guest.by_cookie(kSecretPath)), "401 TokenNotFound");
}

TEST_F(Broker, ASessionEndsAfterFiveMinutes) {
  start_with_app();
  Guest guest = this->guest();
  ASSERT_EQ(guest.auth().status, 200);
  const Json request = guest.request();
  clock_.set_ms(clock_.now_ms() + kSessionMs);
  EXPECT_EQ(refusal(guest.attest(request)), "401 AttestationError");
}

TEST_F(Broker, SampleEvidenceNeedsAPolicyThatAllowsIt) {
  start_with_app();
  Caller owner = admin();
  EXPECT_EQ(owner.change("PUT", "/v1/apps/samples"), "");
  EXPECT_EQ(owner.call("PUT", "/v1/apps/samples/secrets/secret/s", "sampled").status, 200);
  Json policy = {{"version", 2},
                 {"allow_simulated", false},
                 {"allow_any_build", true},
                 {"allOf", {{{"claim", "tee"}, {"equals", "sample"}}}}};
  EXPECT_EQ(owner.change("PUT", "/v1/apps/samples/policy", policy), "");
  Guest guest = this->guest();
  guest.tee = "sample";
  guest.initdata = "";
  ASSERT_EQ(guest.handshake(), 200);
  EXPECT_EQ(refusal(guest.by_cookie("samples/secret/s")), "403 PolicyDeny");
  policy["version"] = 3;
  policy["allow_simulated"] = true;
  EXPECT_EQ(owner.change("PUT", "/v1/apps/samples/policy", policy), "");
  EXPECT_EQ(guest.open(guest.by_cookie("samples/secret/s")), "sampled");
  EXPECT_EQ(refusal(guest.by_cookie(kSecretPath)), "403 PolicyDeny");
}

TEST_F(Broker, MalformedBodiesAreAnsweredInTheProtocolsShape) {
  start_with_app();
  Guest guest = this->guest();
  std::string deep;
  for (int i = 0; i < 5000; ++i) deep += "{\"a\":";
  for (const std::string& body :
       {std::string(), std::string("{"), std::string("[]"), std::string("null"),
        std::string(R"({"version":4})"), std::string(R"({"version":"0.4.0"})"),
        std::string(100, '\xff'), deep,
        std::string(R"({"version":"0.4.0","tee":"no such tee"})")}) {
    EXPECT_EQ(guest.raw("POST", "/kbs/v0/auth", body).status, 400) << body.substr(0, 40);
  }
  EXPECT_EQ(refusal(guest.raw("POST", "/kbs/v0/auth", R"({"version":"0.4.0","tee":"nothing"})")),
            "400 AttestationError");
  const auto large = guest.raw("POST", "/kbs/v0/attest", std::string(kBodyBytesMax + 1, ' '));
  EXPECT_EQ(large.status, 413);
  EXPECT_TRUE(json_of(large).contains("detail"));
  EXPECT_EQ(guest.handshake(), 200);
}

TEST_F(Broker, SurvivesARestartWithItsTokens) {
  start_with_app();
  Guest before = guest();
  ASSERT_EQ(before.handshake(), 200);
  const auto remembered = head();
  stop();
  start(false);  // what the store was made as, it stays
  EXPECT_TRUE(service_->development());
  Guest after = guest();
  EXPECT_EQ(refusal(after.by_cookie(kSecretPath)), "401 TokenNotFound");
  EXPECT_EQ(after.by_token(kSecretPath, before.token).status, 200);
  ASSERT_EQ(after.handshake(), 200);
  EXPECT_EQ(after.open(after.by_cookie(kSecretPath)), "hunter2");
  must(verify(remembered));
}

TEST_F(Broker, NothingIsReleasedAfterAWithdrawalWasAnswered) {
  start_with_app();
  const std::string build = "/v1/apps/payments/builds/" + kMeasurement;
  std::atomic<bool> done{false};
  std::vector<std::jthread> guests;
  for (int i = 0; i < 8; ++i) {
    guests.emplace_back([&] {
      Guest guest = this->guest();
      if (guest.handshake() != 200) return;
      while (!done) (void)guest.by_cookie(kSecretPath);
    });
  }
  Caller owner = admin();
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(owner.change("DELETE", build), "");
    EXPECT_EQ(owner.change("POST", "/v1/apps/payments/builds", {{"measurement", kMeasurement}}),
              "");
  }
  EXPECT_EQ(owner.change("DELETE", build), "");
  done = true;
  guests.clear();
  bool approved = false;
  int granted = 0;
  for (const Json& entry : audit()) {
    if (entry["action"] == "build.approve") approved = true;
    if (entry["action"] == "build.withdraw") approved = false;
    if (entry["action"] != "release" || entry["outcome"] != "granted") continue;
    ++granted;
    EXPECT_TRUE(approved) << entry["sequence"];
  }
  EXPECT_GT(granted, 0);
}

TEST_F(Broker, FiveHundredGuestsAtOnceAllGetTheirSecret) {
  start_with_app();
  constexpr int kThreads = 100, kEach = 5;
  std::atomic<int> good{0};
  const auto begin = std::chrono::steady_clock::now();
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&] {
        for (int j = 0; j < kEach; ++j) {
          Guest guest = this->guest();
          if (guest.handshake() != 200) continue;
          good += guest.open(guest.by_cookie(kSecretPath)) == "hunter2" ? 1 : 0;
        }
      });
    }
  }
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begin;
  RecordProperty("seconds", std::to_string(spent.count()));
  std::printf("500 attested releases with 100 clients in this process: %.2f s\n", spent.count());
  EXPECT_EQ(good, kThreads * kEach);
  int releases = 0;
  for (const Json& entry : audit()) releases += entry["action"] == "release" ? 1 : 0;
  EXPECT_EQ(releases, kThreads * kEach);
  must(verify());
}

}  // namespace
}  // namespace penstock::manager
