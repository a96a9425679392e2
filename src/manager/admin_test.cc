// The owner's API, the data folder and the audit log over it.
#include <fcntl.h>
#include <sys/stat.h>

#include <thread>

#include "base/crash_point.h"
#include "crypto/jwt.h"
#include "keys/limits.h"
#include "keys/owner_token.h"
#include "manager/database.h"
#include "manager/test_manager.h"

namespace penstock::manager {
namespace {

class Admin : public ManagerTest {
 protected:
  crypto::P256PrivateKey owner_key() const {
    return must(crypto::P256PrivateKey::from_pem(read_text(data() / "owner.key.pem")));
  }
  std::string ca_pin() const {
    return to_hex(must(crypto::Certificate::from_pem(read_text(data() / "ca.pem"))).key_pin());
  }
  std::string sign(const std::string& method, const std::string& target,
                   std::string_view body = "") const {
    return "Bearer " +
           must(keys::sign_owner_token(ca_pin(), method, target, as_bytes(body), clock_.now_ms(),
                                       owner_key(), crypto::system_random()));
  }
};

TEST_F(Admin, NeedsTheTokenOrTheOwnersSignature) {
  start();
  const auto status = [&](const std::string& authorization) {
    return Caller(service_->url(), data(), authorization).call("GET", "/v1/info").status;
  };
  EXPECT_EQ(status(sign("GET", "/v1/info")), 200);
  const auto stranger = must(crypto::P256PrivateKey::generate(crypto::system_random()));
  EXPECT_EQ(status("Bearer " +
                   must(keys::sign_owner_token(ca_pin(), "GET", "/v1/info", {}, clock_.now_ms(),
                                               stranger, crypto::system_random()))),
            401);
  std::string token = read_text(data() / "admin.token");
  token.pop_back();
  EXPECT_EQ(status("bearer " + token), 200);
  EXPECT_EQ(status("Bearer " + token + "x"), 401);
  EXPECT_EQ(status("Bearer " + token.substr(1)), 401);
  EXPECT_EQ(status("Basic eDp5"), 401);
  EXPECT_EQ(status(""), 401);
}

TEST_F(Admin, TheOwnersSignatureIsForOneCall) {
  start();
  const auto status = [&](const std::string& authorization, const std::string& method = "PUT",
                          const std::string& path = "/v1/apps/one",
                          const std::string& body = "{}") {
    return Caller(service_->url(), data(), authorization).call(method, path, body).status;
  };
  const std::string good = sign("PUT", "/v1/apps/one", "{}");
  EXPECT_EQ(status(good), 200);
  EXPECT_EQ(status(good), 401);  // used
  EXPECT_EQ(status(sign("PUT", "/v1/apps/one", "{}"), "PUT", "/v1/apps/two"), 401);
  EXPECT_EQ(status(sign("PUT", "/v1/apps/one", "{}"), "DELETE"), 401);
  EXPECT_EQ(
      status(sign("PUT", "/v1/apps/one", "{}"), "PUT", "/v1/apps/one", R"({"description": "x"})"),
      401);
  EXPECT_EQ(status(sign("GET", "/v1/audit?from=1"), "GET", "/v1/audit?from=2", ""), 401);
  EXPECT_EQ(status(sign("GET", "/v1/audit?from=1"), "GET", "/v1/audit?from=1", ""), 200);
  const std::string elsewhere =
      "Bearer " +
      must(keys::sign_owner_token(std::string(64, 'a'), "PUT", "/v1/apps/one", as_bytes("{}"),
                                  clock_.now_ms(), owner_key(), crypto::system_random()));
  EXPECT_EQ(status(elsewhere), 401);
}

TEST_F(Admin, TheOwnersSignatureExpiresAndDoesNotOutliveTheManager) {
  start();
  const auto status = [&](const std::string& authorization) {
    return Caller(service_->url(), data(), authorization).call("GET", "/v1/info").status;
  };
  const std::string unused = sign("GET", "/v1/info"), used = sign("GET", "/v1/info");
  EXPECT_EQ(status(used), 200);
  stop();
  clock_.set_ms(clock_.now_ms() + 1);
  start();
  EXPECT_EQ(status(used), 401);
  EXPECT_EQ(status(unused), 401);
  const std::string old = sign("GET", "/v1/info");
  clock_.set_ms(clock_.now_ms() + 200'000);
  EXPECT_EQ(status(old), 401);
  const Json claims = {{"aud", "penstock-manager"},
                       {"mgr", ca_pin()},
                       {"htm", "GET"},
                       {"htu", "/v1/info"},
                       {"bdy", to_hex(crypto::sha256({}))},
                       {"jti", std::string(32, '1')},
                       {"iat_ms", clock_.now_ms()},
                       {"exp", clock_.now_ms() / 1000 + 3600}};
  EXPECT_EQ(status("Bearer " + must(crypto::sign_jwt(claims, owner_key()))), 401);  // too long
  for (const char* member : {"aud", "mgr", "htm", "htu", "bdy", "jti", "iat_ms", "exp"}) {
    Json less = claims;
    less["exp"] = clock_.now_ms() / 1000 + 60;
    less.erase(member);
    EXPECT_EQ(status("Bearer " + must(crypto::sign_jwt(less, owner_key()))), 401) << member;
  }
  Json whole = claims;
  whole["exp"] = clock_.now_ms() / 1000 + 60;
  EXPECT_EQ(status("Bearer " + must(crypto::sign_jwt(whole, owner_key()))), 200);
}

TEST_F(Admin, EveryAdminPathNeedsALogin) {
  start();
  for (const Route& route : builtin_routes()) {
    const bool admin_path = route.pattern.starts_with("/v1/") && !route.pattern.ends_with("ca");
    EXPECT_EQ(route.permission != Permission::none, admin_path) << route.pattern;
    if (!admin_path) continue;
    EXPECT_TRUE(route.method == "GET" || route.permission != Permission::look) << route.pattern;
    std::string path(route.pattern);
    for (auto at = path.find('*'); at != std::string::npos; at = path.find('*'))
      path.replace(at, 1, "x");
    EXPECT_EQ(anybody().call(std::string(route.method), path).status, 401) << path;
  }
}

TEST_F(Admin, FailedLoginsAreEnteredOnceAndCounted) {
  start();
  Caller stranger = anybody();
  for (int i = 0; i < 60; ++i) ASSERT_EQ(stranger.call("GET", "/v1/apps").status, 401);
  const auto logins = [&] {
    std::vector<Json> out;
    for (const Json& entry : audit())
      if (entry["action"] == "login") out.push_back(entry);
    return out;
  };
  ASSERT_EQ(logins().size(), 1U);
  clock_.set_ms(clock_.now_ms() + kRefusalIntervalMs);
  service_->tick();
  ASSERT_EQ(logins().size(), 2U);
  const Json counted = logins().back()["rules"].at(0);
  EXPECT_EQ(counted["count"], 59);
  EXPECT_EQ(counted["source"], "127.0.0.1");
  EXPECT_LE(counted["first_ms"], counted["last_ms"]);
  must(verify());
  const std::string metrics = stranger.call("GET", "/metrics").body;
  EXPECT_NE(metrics.find("penstock_manager_unaudited_refusals_total 59\n"), std::string::npos);
}

TEST_F(Admin, AppsAreMadeShownAndRemoved) {
  start_with_app();
  Caller owner = admin();
  const Json app = owner.get("/v1/apps/payments");
  EXPECT_EQ(app["description"], "cards");
  EXPECT_EQ(app["builds"].at(0)["measurement"], kMeasurement);
  EXPECT_EQ(app["configs"].at(0)["note"], "first");
  EXPECT_EQ(app["policy"]["version"], 1);
  EXPECT_EQ(app["policy"]["allow_simulated"], true);
  EXPECT_EQ(app["secrets"].at(0)["kind"], "secret");
  EXPECT_EQ(app["secrets"].at(0)["name"], "db");
  EXPECT_EQ(app.dump().find("hunter2"), std::string::npos);
  EXPECT_EQ(owner.get("/v1/apps")["apps"].size(), 1U);
  EXPECT_EQ(owner.get("/v1/info")["apps"], 1);
  EXPECT_EQ(owner.change("DELETE", "/v1/apps/payments"), "");
  EXPECT_EQ(owner.change("DELETE", "/v1/apps/payments"), "not_found");
  EXPECT_EQ(owner.call("GET", "/v1/apps/payments").status, 404);
  EXPECT_EQ(audit().back()["action"], "app.remove");
  EXPECT_EQ(owner.change("PUT", "/v1/apps/payments"), "");
  EXPECT_TRUE(owner.get("/v1/apps/payments")["secrets"].empty());
}

TEST_F(Admin, RefusesWhatIsMalformed) {
  start_with_app();
  Caller owner = admin();
  EXPECT_EQ(owner.change("PUT", "/v1/apps/.hidden"), "invalid_argument");
  EXPECT_EQ(owner.change("PUT", "/v1/apps/a%2fb"), "not_found");  // a path of another shape
  EXPECT_EQ(owner.change("PUT", "/v1/apps/" + std::string(129, 'a')), "invalid_argument");
  EXPECT_EQ(owner.change("POST", "/v1/apps/payments/builds", {{"measurement", "xyz"}}),
            "invalid_argument");
  EXPECT_EQ(
      owner.change("POST", "/v1/apps/payments/builds", {{"measurement", std::string(96, '0')}}),
      "invalid_argument");
  EXPECT_EQ(owner.change("POST", "/v1/apps/payments/builds", {{"measurement", "ab"}}),
            "invalid_argument");
  EXPECT_EQ(owner.change("POST", "/v1/apps/nobody/builds", {{"measurement", kMeasurement}}),
            "not_found");
  EXPECT_EQ(owner.change("DELETE", "/v1/apps/payments/builds/" + hex_sha384("x")), "not_found");
  EXPECT_EQ(owner.change("PUT", "/v1/apps/payments/secrets/secret/empty"), "invalid_argument");
  EXPECT_EQ(
      owner.call("PUT", "/v1/apps/payments/secrets/a/b", std::string((1 << 20) + 1, 'x')).status,
      413);
  EXPECT_EQ(owner.call("PUT", "/v1/apps/payments/secrets/a/b", std::string(1 << 20, 'x')).status,
            200);
  const std::string most(keys::kNamedSecretBytesMax, 'x');  // of what connectors ask for
  EXPECT_EQ(owner.call("PUT", "/v1/apps/payments/secrets/secret/most", most).status, 200);
  EXPECT_EQ(owner.call("PUT", "/v1/apps/payments/secrets/secret/more", most + "x").status, 413);
  EXPECT_EQ(owner.call("PUT", "/v1/apps/nobody/secrets/a/b", "x").status, 404);
  EXPECT_EQ(owner.call("PUT", "/v1/apps/payments/policy", "{").status, 400);
  EXPECT_EQ(owner.call("GET", "/v1/audit?from=0").status, 400);
  EXPECT_EQ(owner.call("GET", "/v1/audit?x=1").status, 400);
  EXPECT_EQ(owner.call("PATCH", "/v1/apps/payments").status, 405);
  EXPECT_EQ(owner.call("GET", "/v1/nothing").status, 404);
}

TEST_F(Admin, PoliciesAreSetByCompareAndSet) {
  start_with_app();
  Caller owner = admin();
  Json policy = owner.get("/v1/apps/payments/policy");
  EXPECT_EQ(owner.change("PUT", "/v1/apps/payments/policy", policy), "failed_precondition");
  policy["version"] = 3;
  EXPECT_EQ(owner.change("PUT", "/v1/apps/payments/policy", policy), "failed_precondition");
  policy["version"] = 2;
  EXPECT_EQ(owner.call("PUT", "/v1/apps/payments/policy", policy.dump()).status, 200);
  const auto conflict = owner.call("PUT", "/v1/apps/payments/policy", policy.dump());
  EXPECT_EQ(conflict.status, 409);
  EXPECT_NE(json_of(conflict)["message"].get<std::string>().find("version 3"), std::string::npos);
  EXPECT_EQ(owner.get("/v1/apps/payments/policy"), policy);
  EXPECT_EQ(audit().back()["action"], "policy.put");
}

TEST_F(Admin, AProductionStoreKnowsNoSimulatedTee) {
  start(false);
  Caller owner = admin();
  EXPECT_EQ(owner.get("/v1/info")["development"], false);
  EXPECT_EQ(owner.change("POST", "/v1/platforms"), "failed_precondition");
  EXPECT_EQ(owner.change("PUT", "/v1/apps/payments"), "");
  Json policy = owner.get("/v1/apps/payments/policy");
  EXPECT_EQ(policy["allow_simulated"], false);
  policy["version"] = 2;
  policy["allow_simulated"] = true;
  EXPECT_EQ(owner.change("PUT", "/v1/apps/payments/policy", policy), "failed_precondition");
  const auto key = must(crypto::P256PrivateKey::generate(crypto::system_random()));
  for (const char* tee : {"simulated", "sample"}) {
    Guest guest(service_->url(), data(), std::string(as_text(key.to_pem().value().view())));
    guest.tee = tee;
    ASSERT_EQ(guest.auth().status, 200);
    EXPECT_EQ(refusal(guest.attest()), "401 AttestationError");
  }
  EXPECT_EQ(anybody().call("GET", "/").body.find("DEVELOPMENT"), std::string::npos);
  stop();
  ServiceOptions options{.data = data(), .http = manager_http_options()};
  options.development = true;
  const auto refused = Service::start(std::move(options));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::failed_precondition);
  start(false);
}

TEST_F(Admin, AnybodyMayKnowWhatThisIs) {
  start_with_app();
  Caller stranger = anybody();
  EXPECT_NE(stranger.call("GET", "/").body.find("DEVELOPMENT"), std::string::npos);
  EXPECT_EQ(stranger.get("/healthz")["development"], true);
  EXPECT_EQ(stranger.call("GET", "/v1/ca").body, read_text(data() / "ca.pem"));
  Guest guest = this->guest();
  ASSERT_EQ(guest.handshake(), 200);
  ASSERT_EQ(guest.by_cookie("payments/secret/db").status, 200);
  guest.measurement = hex_sha384("other");
  ASSERT_EQ(guest.handshake(), 200);
  ASSERT_EQ(guest.by_cookie("payments/secret/db").status, 403);
  // A call's time is known a moment after its answer.
  constexpr std::string_view kBothCalls =
      "penstock_manager_request_seconds_count{call=\"resource\"} 2\n";
  std::string metrics;
  for (int look = 0; look < 100 && metrics.find(kBothCalls) == std::string::npos; ++look) {
    std::this_thread::yield();
    metrics = stranger.call("GET", "/metrics").body;
  }
  EXPECT_NE(metrics.find(kBothCalls), std::string::npos) << metrics;
  for (const char* line : {"penstock_manager_attestations_total{outcome=\"granted\"} 2\n",
                           "penstock_manager_releases_total 1\n",
                           "penstock_manager_denials_total{code=\"measurement\"} 1\n",
                           "penstock_manager_sessions 2\n", "penstock_manager_development 1\n"})
    EXPECT_NE(metrics.find(line), std::string::npos) << line << metrics;
  EXPECT_EQ(metrics.find("payments"), std::string::npos);
}

TEST_F(Admin, SecretFilesThatOthersMayReadAreRefused) {
  start();
  stop();
  for (const char* name :
       {"root.key", "admin.token", "owner.key.pem", "ca.key.pem", "token.key.pem", "."}) {
    const auto path = data() / name;
    struct stat before{};
    ASSERT_EQ(::stat(path.c_str(), &before), 0);
    ASSERT_EQ(::chmod(path.c_str(), before.st_mode | 0040), 0);
    const auto refused = Service::start({.data = data(), .http = manager_http_options()});
    ASSERT_FALSE(refused) << name;
    EXPECT_EQ(refused.error().code(), ErrorCode::permission_denied) << refused.error().text();
    EXPECT_NE(refused.error().text().find("chmod"), std::string::npos);
    ASSERT_EQ(::chmod(path.c_str(), before.st_mode), 0);
  }
  start();
}

TEST_F(Admin, MissingKeysAreNotMadeAnew) {
  start();
  stop();
  std::filesystem::rename(data() / "root.key", data() / "away");
  const auto refused = Service::start({.data = data(), .http = manager_http_options()});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::failed_precondition);
  std::filesystem::rename(data() / "away", data() / "root.key");
  // The owner may keep this one elsewhere; its signatures still count.
  const auto key = owner_key();
  std::filesystem::remove(data() / "owner.key.pem");
  start();
  const std::string jwt =
      "Bearer " + must(keys::sign_owner_token(ca_pin(), "GET", "/v1/info", {}, clock_.now_ms(), key,
                                              crypto::system_random()));
  EXPECT_EQ(Caller(service_->url(), data(), jwt).call("GET", "/v1/info").status, 200);
  EXPECT_FALSE(std::filesystem::exists(data() / "owner.key.pem"));
}

TEST_F(Admin, OneManagerPerFolder) {
  start();
  const auto second = Service::start({.data = data(), .http = manager_http_options()});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), ErrorCode::busy);
  EXPECT_EQ(read_text(data() / "address"), service_->url() + "\n");
}

TEST_F(Admin, AnOlderCopyOfTheStoreIsNoticed) {
  start_with_app();
  stop();
  const auto copy = folder_.path() / "copy";
  std::filesystem::copy(data(), copy, std::filesystem::copy_options::recursive);
  start();
  EXPECT_EQ(admin().change("DELETE", "/v1/apps/payments/builds/" + kMeasurement), "");
  const keys::AuditHead remembered = head();
  must(verify(remembered));
  stop();
  std::filesystem::remove_all(data());
  std::filesystem::rename(copy, data());
  start();
  const auto found = verify(remembered);
  ASSERT_FALSE(found);
  EXPECT_NE(found.error().text().find("older copy"), std::string::npos) << found.error().text();
  // And when the copy has gone on by itself since:
  for (int i = 0; i < 3; ++i) EXPECT_EQ(admin().change("PUT", "/v1/apps/other"), "");
  const auto again = verify(remembered);
  ASSERT_FALSE(again);
  EXPECT_NE(again.error().text().find("remembered"), std::string::npos) << again.error().text();
}

void tamper(const std::filesystem::path& data, const char* sql) {
  auto database = must(Database::open(data / "manager.sqlite", Database::Access::write));
  must(database.execute(sql));
}

TEST_F(Admin, AChangedAuditEntryIsFoundWithItsSequence) {
  start_with_app();
  must(verify());
  stop();
  tamper(data(), "UPDATE audit SET entry = replace(entry, 'admin', 'owner') WHERE sequence = 3");
  start();
  const auto found = verify();
  ASSERT_FALSE(found);
  EXPECT_NE(found.error().text().find("entry 3"), std::string::npos) << found.error().text();
  stop();
  tamper(data(), "UPDATE audit SET entry = 'x' WHERE sequence = 2");
  start();
  EXPECT_EQ(audit().at(1)["damaged"], true);
  EXPECT_FALSE(verify());
  stop();
  tamper(data(), "DELETE FROM audit WHERE sequence = 2");
  start();
  const auto missing = verify();
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().text().find("entry 2"), std::string::npos) << missing.error().text();
}

TEST_F(Admin, ADamagedEndOfTheAuditLogEndsTheStart) {
  start_with_app();
  stop();
  tamper(data(),
         "UPDATE audit SET entry = replace(entry, 'admin', 'owner') WHERE sequence = "
         "(SELECT max(sequence) FROM audit)");
  const auto refused = Service::start({.data = data(), .http = manager_http_options()});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::corrupt);
}

TEST_F(Admin, ASecretMovedToAnotherNameDoesNotOpen) {
  start_with_app();
  EXPECT_EQ(admin().call("PUT", "/v1/apps/payments/secrets/secret/other", "swordfish").status, 200);
  stop();
  tamper(data(),
         "UPDATE secrets SET sealed = (SELECT sealed FROM secrets WHERE name = 'db') WHERE name = "
         "'other'");
  start();
  Guest guest = this->guest();
  ASSERT_EQ(guest.handshake(), 200);
  EXPECT_EQ(guest.by_cookie("payments/secret/other").status, 422);
  EXPECT_NE(audit().back()["action"], "release");
}

// stderr into a file while this lives.
class CapturedLog {
 public:
  explicit CapturedLog(std::filesystem::path path) : path_(std::move(path)), saved_(::dup(2)) {
    const int file = ::open(path_.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600);
    ::dup2(file, 2);
    ::close(file);
  }
  ~CapturedLog() { restore(); }
  std::string text() {
    restore();
    return read_text(path_);
  }

 private:
  void restore() {
    if (saved_ < 0) return;
    ::dup2(saved_, 2);
    ::close(std::exchange(saved_, -1));
  }
  std::filesystem::path path_;
  int saved_;
};

TEST_F(Admin, SecretsAreNowhereInClear) {
  CapturedLog log(folder_.path() / "log");
  start_with_app();
  const std::string secret = "correct horse battery staple";
  EXPECT_EQ(admin().call("PUT", "/v1/apps/payments/secrets/secret/db", secret).status, 200);
  Guest guest = this->guest();
  ASSERT_EQ(guest.handshake(), 200);
  EXPECT_EQ(guest.open(guest.by_cookie("payments/secret/db")), secret);
  std::string token = read_text(data() / "admin.token");
  token.pop_back();
  std::string seen;
  for (const Json& entry : audit()) seen += entry.dump();
  stop();
  for (const auto& file : std::filesystem::directory_iterator(data())) {
    if (file.path().filename().string().starts_with("manager.sqlite"))
      seen += read_text(file.path());
  }
  seen += log.text();
  ASSERT_GT(seen.size(), 4096U);
  EXPECT_NE(seen.find("payments/secret/db"), std::string::npos);
  for (const std::string& hidden : {secret, std::string("hunter2"), token, guest.token})
    EXPECT_EQ(seen.find(hidden), std::string::npos);
}

TEST_F(Admin, WhatIsAnsweredStaysAfterARestart) {
  start_with_app();
  Caller owner = admin();
  Json policy = owner.get("/v1/apps/payments/policy");
  policy["version"] = 2;
  EXPECT_EQ(owner.change("PUT", "/v1/apps/payments/policy", policy), "");
  const Json before = owner.get("/v1/apps/payments");
  const Json platforms = owner.get("/v1/platforms");
  EXPECT_EQ(platforms["platforms"].size(), 1U);
  stop();
  start();
  EXPECT_EQ(admin().get("/v1/apps/payments"), before);
  EXPECT_EQ(admin().get("/v1/platforms"), platforms);
}

}  // namespace
}  // namespace penstock::manager
