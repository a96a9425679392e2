// A manager in this process and a guest that speaks to it over HTTPS, for this module's tests.
#pragma once

#include <filesystem>
#include <ranges>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "attest/report_data.h"
#include "attest/simulated.h"
#include "base/test_folder.h"
#include "crypto/jwe.h"
#include "crypto/sha.h"
#include "keys/audit_chain.h"
#include "manager/limits.h"
#include "manager/service.h"
#include "net/http_client.h"
#include "net/tls.h"

namespace penstock::manager {

// Public keys whose private halves nobody has.
inline constexpr const char* kP521Jwk =
    R"({"alg": "ECDH-ES+A256KW", "crv": "P-521", "kty": "EC", "x": "APsu0hSUIttGa2_9_fvuKVE)"
    R"(rtINN5N4tAeQPPitw12HEDjB4dRSM656XgO33s5QyEA9qmig3XjqEW4LZlIMFs5yT", "y": )"
    R"("Af1y263ojlyV3eD-)"
    R"(BOPfxccAn-v0DzNBk0osRC2jR13Z-JZJbBNqOqTFEuwOo1mXocfZTDvr0HdP_DwggS81IPc1"})";
inline constexpr const char* kRsaJwk =
    R"({"alg": "RSA-OAEP-256", "e": "AQAB", "kty": "RSA", "n": "onXk_rx9xjMvNFlfsrF4HJtbyTT)"
    R"(tfSBsN55FEwTtgEdRsl2mVh62UBi1Hz1VbH3uKazeynyB7E2cjefYrTMWhN5u0Q4pZ4wwx6a89pmAT2Qhg07)"
    R"(_TWynoABNVOjqWRVm1IxeeTmVoTxIMx7bPnUo9_-AVxkyuCeZTJEKi6WQexcg-hZRMfNnynTDCe7AplLGuc-)"
    R"(DZIGL27DOvFv5qE56EV1IMUQmOrYG2phHaLqp6MTO-uoSXL_slfjcX7WnrakBe3xt4qKpTxBszH9jTKbuynv)"
    R"(P2noMLpdGahalQ9V_uRfJwAEJafzYy8GFPF5RuAcChpaIFaBnoKydyaO3KW7CdQ"})";

inline std::string hex_sha384(std::string_view text) {
  return to_hex(crypto::sha384(as_bytes(text)));
}

inline const std::string kMeasurement = hex_sha384("a build");
inline const std::string kInitdata =
    "version = \"0.1.0\"\nalgorithm = \"sha384\"\n[data]\n\"penstock.toml\" = \"x = 1\"\n";

inline Json json_of(const net::HttpResponse& response) {
  auto json = parse_json(response.body, "answer", {.bytes_max = 64 << 20, .depth_max = 32});
  EXPECT_TRUE(json) << response.status << " " << response.body;
  return json ? *json : Json::object();
}

inline std::string read_text(const std::filesystem::path& path) {
  return must(read_file(path, 64 << 20));
}

// The owner's and anybody's view of a running manager.
class Caller {
 public:
  Caller(const std::string& url, const std::filesystem::path& data, std::string authorization = "")
      : client_(must(net::parse_http_address(url)), options(data)),
        authorization_(std::move(authorization)) {}

  static Caller admin(const std::string& url, const std::filesystem::path& data) {
    std::string token = read_text(data / "admin.token");
    token.pop_back();
    return Caller(url, data, "Bearer " + token);
  }
  static net::HttpClientOptions options(const std::filesystem::path& data) {
    const auto ca = must(crypto::Certificate::from_pem(read_text(data / "ca.pem")));
    net::HttpClientOptions options;
    options.trust = must(net::TlsTrust::create(ca));
    return options;
  }

  // A manager that is gone is no failure of the test: status 0.
  bool forgiving = false;

  net::HttpResponse call(std::string method, std::string path, std::string body = "",
                         net::HttpFields fields = {}) {
    net::HttpRequest request{.method = std::move(method),
                             .path = std::move(path),
                             .fields = std::move(fields),
                             .body = std::move(body)};
    if (const auto mark = request.path.find('?'); mark != std::string::npos) {
      request.query = request.path.substr(mark + 1);
      request.path.resize(mark);
    }
    if (!authorization_.empty()) request.fields.push_back({"Authorization", authorization_});
    auto response = client_.call(request);
    if (!response && forgiving) return {};
    return must(std::move(response));
  }
  Json get(const std::string& path) {
    const auto response = call("GET", path);
    EXPECT_EQ(response.status, 200) << path << " " << response.body;
    return json_of(response);
  }
  // The code of the answer's error; "" for 200.
  std::string change(const std::string& method, const std::string& path, const Json& body = {}) {
    const auto response = call(method, path, body.is_null() ? "" : body.dump());
    return response.status == 200 ? "" : json_of(response).value("code", "?");
  }

 private:
  net::HttpClient client_;
  std::string authorization_;
};

// A guest with a P-256 key and a simulated platform.
class Guest {
 public:
  Guest(const std::string& url, const std::filesystem::path& data, std::string platform_pem)
      : caller_(url, data),
        platform_(must(crypto::P256PrivateKey::from_pem(platform_pem))),
        key_(must(crypto::P256PrivateKey::generate(crypto::system_random()))) {
    jwk = crypto::JweRecipient::of(key_.public_key()).jwk();
  }

  // What a test may change before it attests.
  std::string measurement = kMeasurement, initdata = kInitdata, nonce, cookie, tee = "simulated";
  std::string host_data = hex_sha384(kInitdata);
  Json jwk;
  bool debug = false;
  std::string token;

  const crypto::P256PrivateKey& key() const { return key_; }
  void forgive() { caller_.forgiving = true; }
  net::HttpResponse auth(std::string_view version = "0.4.0") {
    const Json body = {{"version", version}, {"tee", tee}, {"extra-params", Json::object()}};
    const auto response = caller_.call("POST", "/kbs/v0/auth", body.dump());
    if (response.status == 200) {
      nonce = json_of(response).value("nonce", "");
      const std::string_view set = response.field("Set-Cookie");
      cookie = set.substr(0, set.find(';'));
    }
    return response;
  }

  Json evidence(std::string_view for_nonce) const {
    const auto data = must(attest::report_data("", for_nonce, jwk));
    if (tee == "sample") return {{"svn", "1"}, {"report_data", to_base64(data)}};
    const std::string report = Json{{"v", 1},
                                    {"measurement", measurement},
                                    {"host_data", host_data},
                                    {"report_data", to_hex(data)},
                                    {"debug", debug},
                                    {"svn", 1}}
                                   .dump();
    return {{"report", to_base64url(as_bytes(report))},
            {"signature", to_base64url(must(platform_.sign_es256(as_bytes(report))))},
            {"platform", attest::platform_id(platform_.public_key())}};
  }

  Json request() const {
    Json init = nullptr;
    if (!initdata.empty()) init = {{"format", "toml"}, {"body", initdata}};
    return {{"init-data", init},
            {"runtime-data", {{"nonce", nonce}, {"tee-pubkey", jwk}}},
            {"tee-evidence", {{"primary_evidence", evidence(nonce)}, {"additional_evidence", ""}}}};
  }

  net::HttpResponse attest(const Json& body) {
    const auto response = caller_.call("POST", "/kbs/v0/attest", body.dump(), {{"Cookie", cookie}});
    if (response.status == 200) token = json_of(response).value("token", "");
    return response;
  }
  net::HttpResponse attest() { return attest(request()); }
  int handshake() {
    const auto begun = auth();
    return begun.status == 200 ? attest().status : begun.status;
  }

  net::HttpResponse by_cookie(const std::string& path) {
    return caller_.call("GET", "/kbs/v0/resource/" + path, "", {{"Cookie", cookie}});
  }
  net::HttpResponse by_token(const std::string& path, std::string_view other = {}) {
    const std::string bearer = fmt::format("Bearer {}", other.empty() ? token : other);
    return caller_.call("GET", "/kbs/v0/resource/" + path, "", {{"Authorization", bearer}});
  }
  std::string open(const net::HttpResponse& response) const {
    EXPECT_EQ(response.status, 200) << response.body;
    auto opened = crypto::jwe_decrypt(json_of(response), key_);
    EXPECT_TRUE(opened) << (opened ? "" : opened.error().text());
    return opened ? std::string(as_text(opened->view())) : "";
  }
  net::HttpResponse raw(std::string method, std::string path, std::string body,
                        net::HttpFields fields = {}) {
    return caller_.call(std::move(method), std::move(path), std::move(body), std::move(fields));
  }

 private:
  Caller caller_;
  crypto::P256PrivateKey platform_, key_;
};

// "<status> <kind>" of a broker's answer.
inline std::string refusal(const net::HttpResponse& response) {
  const Json body = json_of(response);
  EXPECT_EQ(body.size(), 2U) << response.body;
  const std::string type = body.value("type", "");
  return fmt::format("{} {}", response.status, type.substr(type.rfind('/') + 1));
}
inline std::string detail(const net::HttpResponse& response) {
  return json_of(response).value("detail", "");
}

class ManagerTest : public ::testing::Test {
 protected:
  ManagerTest() { clock_.set_ms(system_clock().now_ms()); }

  void start(bool development = true) {
    service_.reset();
    ServiceOptions options{.data = data(), .http = manager_http_options()};
    options.development = development;
    options.clock = &clock_;
    options.free_bytes = free_bytes_;
    service_ = must(Service::start(std::move(options)));
  }
  void stop() { service_.reset(); }

  // App "payments" with an approved build and configuration and the secret payments/secret/db.
  void start_with_app() {
    start();
    Caller owner = admin();
    platform_ = json_of(owner.call("POST", "/v1/platforms")).value("private_key_pem", "");
    EXPECT_EQ(owner.change("PUT", "/v1/apps/payments", {{"description", "cards"}}), "");
    EXPECT_EQ(owner.change("POST", "/v1/apps/payments/builds", {{"measurement", kMeasurement}}),
              "");
    EXPECT_EQ(owner.change("POST", "/v1/apps/payments/configs",
                           {{"digest", hex_sha384(kInitdata)}, {"note", "first"}}),
              "");
    EXPECT_EQ(owner.call("PUT", "/v1/apps/payments/secrets/secret/db", "hunter2").status, 200);
  }

  std::filesystem::path data() const { return folder_.path() / "manager"; }
  Caller admin() const { return Caller::admin(service_->url(), data()); }
  Caller anybody() const { return Caller(service_->url(), data()); }
  Guest guest() const { return Guest(service_->url(), data(), platform_); }

  std::vector<Json> audit() const {
    std::vector<Json> entries;
    Caller owner = admin();
    while (true) {
      const Json page = owner.get(fmt::format("/v1/audit?from={}&limit=1000", entries.size() + 1));
      for (const Json& entry : page["entries"]) entries.push_back(entry);
      if (page["entries"].empty()) return entries;
    }
  }
  Json last_denial() const {
    for (const Json& entry : audit() | std::views::reverse)
      if (entry["outcome"] == "denied") return entry;
    return {};
  }
  keys::AuditHead head() const {
    return must(keys::parse_audit_head(admin().get("/v1/info")["audit_head"]));
  }
  Result<keys::AuditHead> verify(std::optional<keys::AuditHead> remembered = {}) const {
    keys::AuditChainCheck check(remembered);
    for (const Json& entry : audit()) TRY(check.take(TRY(keys::parse_audit_entry(entry))));
    TRY(check.finish(head()));
    return check.reached();
  }

  ManualClock clock_;
  DiskGuard::Probe free_bytes_;
  TemporaryFolder folder_;
  std::string platform_;
  std::unique_ptr<Service> service_;
};

}  // namespace penstock::manager
