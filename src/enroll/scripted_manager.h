// For tests: an https peer that speaks the key broker protocol as far as a client can see it,
// checks what it is sent, and answers what a test tells it to. The real manager may not be included
// here.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "attest/report_data.h"
#include "base/clock.h"
#include "base/json.h"
#include "crypto/jwe.h"
#include "crypto/jwt.h"
#include "crypto/x509.h"
#include "enroll/enrollment.h"
#include "net/http_server.h"
#include "net/tls.h"
#include "tee/provider.h"

namespace penstock::enroll::test {

// Evidence that shows what it was asked over.
class ShowingProvider final : public tee::Provider {
 public:
  std::string_view tee() const override { return "showing"; }
  Result<Json> evidence(ByteView report_data) const override {
    return Json{{"report_data", to_hex(report_data)}};
  }
};

struct Authority {
  crypto::P256PrivateKey key = crypto::P256PrivateKey::generate(crypto::system_random()).value();
  crypto::Validity validity = {system_clock().now_ms() / 1000 - 60,
                               system_clock().now_ms() / 1000 + 3600};
  crypto::Certificate certificate =
      crypto::make_ca("manager CA", key, validity, crypto::system_random()).value();

  std::shared_ptr<const net::TlsServerIdentity> identity() const {
    const auto leaf_key = crypto::P256PrivateKey::generate(crypto::system_random()).value();
    const auto leaf =
        crypto::issue_leaf({.common_name = "manager", .names = {"127.0.0.1"}, .validity = validity},
                           leaf_key.public_key(), certificate, key, crypto::system_random())
            .value();
    return net::TlsServerIdentity::create(leaf, leaf_key).value();
  }
};

struct Answer {
  int status = 200;
  std::string body;
};

inline Answer refusal(int status, std::string_view kind, std::string_view detail) {
  return {
      status,
      Json{{"type", fmt::format("https://github.com/confidential-containers/kbs/errors/{}", kind)},
           {"detail", detail}}
          .dump()};
}

class ScriptedManager {
 public:
  // Called with every step: "auth", "attest" or the resource's path, and how often it came before.
  using Hook = std::function<std::optional<Answer>(const std::string& step, int before)>;

  explicit ScriptedManager(std::uint16_t port = 0, std::string initdata = {})
      : initdata_(std::move(initdata)) {
    auto server = net::HttpServer::start(
        {.port = port, .tls = authority.identity()},
        [this](const net::HttpRequest& request, net::ResponseWriter& writer) {
          const Answer answer = take(request);
          net::HttpFields fields = {{"Content-Type", "application/json"}};
          if (request.path == "/kbs/v0/auth") {
            fields.push_back({"Set-Cookie", "kbs-session-id=" + cookie_ + "; Expires=never"});
          }
          (void)writer.send(answer.status, fields, answer.body);
        });
    EXPECT_TRUE(server) << server.error().text();
    server_ = *std::move(server);
  }

  BrokerAddress address() const {
    net::HttpAddress to = net::parse_http_address("https://" + server_->address()).value();
    return {.manager = to, .trust = net::TlsTrust::create(authority.certificate).value()};
  }
  std::uint16_t port() const { return server_->port(); }

  void on_step(Hook hook) {
    const std::lock_guard lock(mutex_);
    hook_ = std::move(hook);
  }
  void put(std::string path, std::string content) {
    const std::lock_guard lock(mutex_);
    resources_[std::move(path)] = std::move(content);
  }
  std::vector<std::string> steps() const {
    const std::lock_guard lock(mutex_);
    return steps_;
  }
  int count(const std::string& step) const {
    const std::lock_guard lock(mutex_);
    return static_cast<int>(std::ranges::count(steps_, step));
  }
  // What a sound client never does; empty when all was well.
  std::vector<std::string> complaints() const {
    const std::lock_guard lock(mutex_);
    return complaints_;
  }
  std::vector<Json> lease_requests() const {
    const std::lock_guard lock(mutex_);
    return lease_requests_;
  }
  // The JWE that the guest would get, for tests that change it.
  Json sealed_to_guest(std::string_view content) const {
    return crypto::jwe_encrypt(as_bytes(content), *guest_, crypto::system_random()).value();
  }

  const Authority authority;
  std::int64_t token_life_s = 300;

 private:
  Answer take(const net::HttpRequest& request) {
    std::unique_lock lock(mutex_);
    constexpr std::string_view kResource = "/kbs/v0/resource/";
    const bool is_resource = request.path.starts_with(kResource);
    const bool is_lease = request.path.starts_with("/kbs/v0/lease/");
    const std::string step = is_resource ? request.path.substr(kResource.size())
                             : is_lease  ? "lease"
                                         : request.path.substr(request.path.rfind('/') + 1);
    const int before = static_cast<int>(std::ranges::count(steps_, step));
    steps_.push_back(step);
    check(request, step, is_resource);
    const Hook hook = hook_;
    lock.unlock();
    if (hook) {
      if (auto answer = hook(step, before)) return *answer;
    }
    lock.lock();
    return usual(step, is_resource);
  }

  Answer usual(const std::string& step, bool is_resource) {
    if (step == "auth") return {200, Json{{"nonce", nonce_}, {"extra-params", ""}}.dump()};
    if (step == "attest") return {200, Json{{"token", token_}}.dump()};
    if (step == "lease") return {200, Json{{"term", ++leases_}}.dump()};
    const auto at = resources_.find(step);
    if (!is_resource || at == resources_.end()) {
      return refusal(404, "PluginInternalError", "no such resource");
    }
    return {200, sealed_to_guest(at->second).dump()};
  }

  void expect(bool holds, std::string_view what) {
    if (!holds) complaints_.emplace_back(what);
  }

  void check(const net::HttpRequest& request, const std::string& step, bool is_resource) {
    expect(request.method == (is_resource ? "GET" : "POST"), "method");
    if (is_resource) {
      const bool good = !token_.empty() && request.field("Authorization") == "Bearer " + token_;
      return expect(good, "resource without the latest token");
    }
    const auto body = parse_json(request.body, "body");
    if (!body) return expect(false, "a body that is no JSON");
    if (step == "lease") {
      expect(request.field("Authorization") == "Bearer " + token_, "lease without the token");
      lease_requests_.push_back(*body);
      return;
    }
    if (step == "auth") {
      expect(body->at("version") == "0.4.0" && body->at("tee") == "showing", "auth's members");
      nonce_ = to_base64(ByteBuffer(32, ++number_));
      cookie_ = to_hex(ByteBuffer(16, number_));
      fresh_ = true;
      return;
    }
    expect(fresh_, "an attestation without a fresh challenge");
    fresh_ = false;
    expect(request.field("Cookie") == "kbs-session-id=" + cookie_, "the session's cookie");
    check_evidence(*body);
  }

  void check_evidence(const Json& body) {
    const Json& runtime = body.at("runtime-data");
    expect(runtime.at("nonce") == nonce_, "the nonce comes back");
    const Json& evidence = body.at("tee-evidence");
    const auto report_data =
        attest::report_data(evidence.at("additional_evidence").get<std::string>(), nonce_,
                            runtime.at("tee-pubkey"))
            .value();
    expect(evidence.at("primary_evidence").at("report_data") == to_hex(report_data),
           "report data over nonce and key");
    const Json& initdata = body.at("init-data");
    expect(initdata_.empty() ? initdata.is_null()
                             : initdata == Json{{"format", "toml"}, {"body", initdata_}},
           "the configuration goes along");
    guest_ = crypto::JweRecipient::from_jwk(runtime.at("tee-pubkey"), "key").value();
    expect(guest_->jwk() == runtime.at("tee-pubkey"), "exactly the key's typed members");
    const std::int64_t now_s = system_clock().now_ms() / 1000;
    token_ = crypto::sign_jwt({{"iat", now_s}, {"exp", now_s + token_life_s}, {"n", number_}},
                              authority.key)
                 .value();
  }

  const std::string initdata_;
  mutable std::mutex mutex_;  // of what follows
  Hook hook_;
  std::map<std::string, std::string> resources_;
  std::vector<std::string> steps_, complaints_;
  std::string nonce_, cookie_, token_;
  std::optional<crypto::JweRecipient> guest_;
  std::vector<Json> lease_requests_;
  std::int64_t leases_ = 0;
  std::uint8_t number_ = 0;
  bool fresh_ = false;
  std::unique_ptr<net::HttpServer> server_;  // last: its threads use the others
};

}  // namespace penstock::enroll::test
