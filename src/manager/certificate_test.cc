// Certificates of the workload CA for enclaves, and the CAs' rotation.
#include "crypto/csr.h"
#include "keys/manager_ca.h"
#include "keys/owner_token.h"
#include "manager/test_manager.h"

namespace penstock::manager {
namespace {

const std::string kRestInitdata =
    "version = \"0.1.0\"\nalgorithm = \"sha384\"\n[data]\n\"penstock.toml\" = '''\n"
    "service_id = \"pay\"\n[rest]\ncertificate = \"manager\"\nnames = [\"localhost\", "
    "\"streams.example\", \"127.0.0.1\"]\n'''\n";

class Certificates : public ManagerTest {
 protected:
  void SetUp() override {
    start_with_app();
    approve();
  }
  void approve() {
    EXPECT_EQ(admin().change("POST", "/v1/apps/payments/configs",
                             {{"digest", hex_sha384(kRestInitdata)}}),
              "");
  }
  Guest attested() {
    Guest out = guest();
    out.initdata = kRestInitdata;
    out.host_data = hex_sha384(kRestInitdata);
    EXPECT_EQ(out.handshake(), 200);
    return out;
  }
  static net::HttpResponse ask(Guest& guest, const std::vector<std::string>& names,
                               std::int64_t life_s = 3600,
                               const crypto::P256PrivateKey* key = nullptr) {
    const auto request =
        must(crypto::make_certificate_request(key != nullptr ? *key : guest.key(), names));
    const Json body = {{"csr", to_base64(request)}, {"life_s", life_s}};
    return guest.raw("POST", "/kbs/v0/certificate/payments", body.dump(),
                     {{"Authorization", "Bearer " + guest.token}});
  }
  static crypto::Certificate certificate(const net::HttpResponse& response) {
    EXPECT_EQ(response.status, 200) << response.body;
    return must(crypto::Certificate::from_pem(json_of(response).value("certificate", "")));
  }
  crypto::Certificate ca_of(const std::string& path) const {
    return must(crypto::Certificate::from_pem(anybody().call("GET", path).body));
  }
  std::vector<crypto::Certificate> cas_of(const std::string& path) const {
    return must(crypto::Certificate::list_from_pem(anybody().call("GET", path).body, 2));
  }
  net::HttpResponse rotate(const std::string& what, const Json& body) {
    clock_.set_ms(clock_.now_ms() + 1);
    const std::string path = "/v1/rotate/" + what, text = body.dump();
    const auto key = must(crypto::P256PrivateKey::from_pem(read_text(data() / "owner.key.pem")));
    const auto pin = must(crypto::Certificate::from_pem(read_text(data() / "ca.pem"))).key_pin();
    const std::string jwt = must(keys::sign_owner_token(
        to_hex(pin), "POST", path, as_bytes(text), clock_.now_ms(), key, crypto::system_random()));
    return Caller(service_->url(), data(), "Bearer " + jwt).call("POST", path, text);
  }
};

TEST_F(Certificates, AreForTheAttestedKeyAndMeasuredNames) {
  Guest guest = attested();
  const auto issued = certificate(ask(guest, {"localhost", "127.0.0.1"}));
  EXPECT_EQ(issued.key(), guest.key().public_key());
  const std::int64_t now_s = clock_.now_ms() / 1000;
  EXPECT_EQ(issued.not_after_s(), now_s + 3600);
  EXPECT_TRUE(issued.check_issued_by(ca_of("/v1/workload-ca"), now_s));
  EXPECT_FALSE(issued.check_issued_by(ca_of("/v1/ca"), now_s));
  const Json entry = audit().back();
  EXPECT_EQ(entry["action"], "certificate");
  EXPECT_EQ(entry["outcome"], "granted");
  const auto subject = entry["subject"].get<std::string>();
  EXPECT_NE(subject.find(issued.serial()), std::string::npos) << subject;
  EXPECT_NE(subject.find("localhost, 127.0.0.1"), std::string::npos) << subject;
  EXPECT_NE(anybody().call("GET", "/metrics").body.find("penstock_manager_certificates_total 1\n"),
            std::string::npos);
  // Two in one name, each with its own number.
  EXPECT_NE(certificate(ask(guest, {"localhost"})).serial(), issued.serial());
}

TEST_F(Certificates, NothingElseIsCertified) {
  Guest guest = attested();
  const auto denied = [&](const net::HttpResponse& response, std::string_view rule) {
    EXPECT_EQ(refusal(response), "403 PolicyDeny") << rule;
    EXPECT_NE(detail(response).find(rule), std::string::npos) << detail(response);
    EXPECT_EQ(last_denial()["action"], "certificate");
  };
  denied(ask(guest, {"localhost", "bank.example"}), "certificate_names");
  denied(ask(guest, {}), "certificate_names");
  // Its configuration says so, but this CA may not.
  denied(ask(guest, {"streams.example"}), "name_constraints");
  // A token without its key is no good.
  const auto other = must(crypto::P256PrivateKey::generate(crypto::system_random()));
  denied(ask(guest, {"localhost"}, 3600, &other), "certificate_key");
  // A configuration that asks for no certificate.
  Guest plain = this->guest();
  ASSERT_EQ(plain.handshake(), 200);
  denied(ask(plain, {"localhost"}), "certificate_names");
  for (const std::int64_t life_s : {std::int64_t{0}, keys::kWorkloadSecondsMax + 1})
    EXPECT_EQ(refusal(ask(guest, {"localhost"}, life_s)), "400 SerdeError");
  EXPECT_EQ(refusal(guest.raw("POST", "/kbs/v0/certificate/payments", "{}",
                              {{"Authorization", "Bearer x"}})),
            "401 TokenVerifierError");
  EXPECT_EQ(refusal(guest.raw("POST", "/kbs/v0/certificate/payments", "{\"csr\":\"AAAA\"}",
                              {{"Authorization", "Bearer " + guest.token}})),
            "400 SerdeError");
}

TEST_F(Certificates, AWithdrawnBuildOrConfigurationGetsNoneAtRenewal) {
  Guest guest = attested();
  EXPECT_EQ(ask(guest, {"localhost"}).status, 200);
  EXPECT_EQ(admin().change("DELETE", "/v1/apps/payments/configs/" + hex_sha384(kRestInitdata)), "");
  EXPECT_EQ(refusal(ask(guest, {"localhost"})), "403 PolicyDeny");
  approve();
  EXPECT_EQ(ask(guest, {"localhost"}).status, 200);
  EXPECT_EQ(admin().change("DELETE", "/v1/apps/payments/builds/" + kMeasurement), "");
  EXPECT_EQ(refusal(ask(guest, {"localhost"})), "403 PolicyDeny");
}

TEST_F(Certificates, APolicyThatTakesAnyConfigurationVouchesForNoNames) {
  Json policy = admin().get("/v1/apps/payments/policy");
  policy["version"] = 2;
  policy["allOf"] = Json::array({{{"claim", "measurement"}, {"in_list", "builds"}}});
  ASSERT_EQ(admin().call("PUT", "/v1/apps/payments/policy", policy.dump()).status, 200);
  EXPECT_EQ(admin().change("DELETE", "/v1/apps/payments/configs/" + hex_sha384(kRestInitdata)), "");
  Guest guest = attested();
  EXPECT_EQ(guest.by_token("payments/secret/db").status, 200);
  EXPECT_NE(detail(ask(guest, {"localhost"})).find("certificate_config"), std::string::npos);
}

TEST_F(Certificates, ComeOnlySoOften) {
  Guest guest = attested();
  for (int i = 0; i < kCertificatesPerMinute; ++i)
    ASSERT_EQ(ask(guest, {"localhost"}).status, 200) << i;
  EXPECT_EQ(ask(guest, {"localhost"}).status, 429);
  Guest other = attested();
  EXPECT_EQ(ask(other, {"localhost"}).status, 200);
  clock_.set_ms(clock_.now_ms() + 60'000);
  EXPECT_EQ(ask(guest, {"localhost"}).status, 200);
}

TEST_F(Certificates, TheWorkloadCaIsRotatedWithAnOverlapAndNewNames) {
  const auto before = ca_of("/v1/workload-ca");
  Guest guest = attested();
  const auto old_leaf = certificate(ask(guest, {"localhost"}));
  EXPECT_EQ(rotate("workload-ca", {{"switch", true}}).status, 409);  // nothing is announced
  EXPECT_EQ(rotate("workload-ca", {{"permit", {"*.example"}}}).status, 400);
  ASSERT_EQ(rotate("workload-ca", {{"permit", {"streams.example"}}}).status, 200);
  EXPECT_EQ(rotate("workload-ca", Json::object()).status, 409);  // one at a time
  EXPECT_EQ(audit().back()["action"], "rotate.workload-ca.announce");
  EXPECT_EQ(admin().call("POST", "/v1/rotate/workload-ca", "{}").status, 403);  // the owner alone
  stop();
  start();  // what was announced stays
  const auto both = cas_of("/v1/workload-ca");
  ASSERT_EQ(both.size(), 2U);
  EXPECT_EQ(both[0].der(), before.der());
  ASSERT_EQ(rotate("workload-ca", {{"switch", true}}).status, 200);
  const auto now = cas_of("/v1/workload-ca");
  ASSERT_EQ(now.size(), 1U);
  EXPECT_EQ(now[0].der(), both[1].der());
  Guest next = attested();
  const auto leaf = certificate(ask(next, {"streams.example"}));  // the next one may
  const std::int64_t now_s = clock_.now_ms() / 1000;
  EXPECT_TRUE(leaf.check_issued_by(both[1], now_s));
  EXPECT_FALSE(leaf.check_issued_by(both[0], now_s));
  EXPECT_TRUE(old_leaf.check_issued_by(both[0], now_s));
  stop();
  start();
  EXPECT_EQ(cas_of("/v1/workload-ca").size(), 1U);
}

TEST_F(Certificates, TheManagersCaIsRotatedWithAnOverlap) {
  const std::string old_pem = read_text(data() / "ca.pem");
  ASSERT_EQ(rotate("ca", Json::object()).status, 200);
  const std::string both_pem = anybody().call("GET", "/v1/ca").body;
  const auto both = must(crypto::Certificate::list_from_pem(both_pem, 2));
  ASSERT_EQ(both.size(), 2U);
  const auto answers = [&](std::span<const crypto::Certificate> pinned) {
    net::HttpClientOptions options;
    options.trust = must(net::TlsTrust::create(pinned));
    net::HttpClient client(must(net::parse_http_address(service_->url())), options);
    return client.call({.method = "GET", .path = "/healthz"}).has_value();
  };
  const std::span pinned(both);
  EXPECT_TRUE(answers(pinned));
  EXPECT_TRUE(answers(pinned.first(1)));
  EXPECT_FALSE(answers(pinned.last(1)));
  ASSERT_EQ(rotate("ca", {{"switch", true}}).status, 200);
  EXPECT_TRUE(answers(pinned));
  EXPECT_FALSE(answers(pinned.first(1)));
  EXPECT_TRUE(answers(pinned.last(1)));
  EXPECT_EQ(read_text(data() / "ca.pem"), both[1].to_pem());
  EXPECT_FALSE(std::filesystem::exists(data() / "ca-next.pem"));
  // Who has both in a file may still sign for the old pin, and for the new one.
  for (const auto& ca : both) {
    clock_.set_ms(clock_.now_ms() + 1);
    const auto key = must(crypto::P256PrivateKey::from_pem(read_text(data() / "owner.key.pem")));
    const std::string jwt =
        must(keys::sign_owner_token(to_hex(ca.key_pin()), "GET", "/v1/info", {}, clock_.now_ms(),
                                    key, crypto::system_random()));
    EXPECT_EQ(Caller(service_->url(), data(), "Bearer " + jwt).call("GET", "/v1/info").status, 200);
  }
  stop();
  start();
  EXPECT_TRUE(answers(pinned.last(1)));
  must(verify());
}

TEST_F(Certificates, ARotationThatACrashHasCutIsFinishedOrGivenUp) {
  namespace fs = std::filesystem;
  ASSERT_EQ(rotate("ca", Json::object()).status, 200);
  stop();
  const auto copy = folder_.path() / "copy";
  fs::copy(data(), copy, fs::copy_options::recursive);
  start();
  ASSERT_EQ(rotate("ca", {{"switch", true}}).status, 200);
  const std::string after = read_text(data() / "ca.pem");
  stop();
  // The store has switched and the files have not, or have by half.
  for (const bool half : {false, true}) {
    for (const char* file : {"ca.pem", "ca.key.pem", "ca-next.pem", "ca-next.key.pem"})
      fs::copy_file(copy / file, data() / file, fs::copy_options::overwrite_existing);
    if (half) fs::rename(data() / "ca-next.key.pem", data() / "ca.key.pem");
    start();
    EXPECT_EQ(read_text(data() / "ca.pem"), after);
    EXPECT_FALSE(fs::exists(data() / "ca-next.pem"));
    stop();
  }
  // Files of an announcement that the store never heard of.
  for (const char* file : {"ca.pem", "ca.key.pem"}) {
    const fs::path name =
        fs::path(file == std::string_view("ca.pem") ? "ca-next.pem" : "ca-next.key.pem");
    fs::copy_file(copy / file, data() / name);
  }
  start();
  EXPECT_EQ(cas_of("/v1/ca").size(), 1U);
  EXPECT_FALSE(fs::exists(data() / "ca-next.key.pem"));
}

TEST_F(Certificates, AnAnnouncedCaCannotBeExchanged) {
  namespace fs = std::filesystem;
  ASSERT_EQ(rotate("workload-ca", Json::object()).status, 200);
  stop();
  for (const char* half : {".pem", ".key.pem"}) {
    fs::copy_file(data() / ("ca" + std::string(half)),
                  data() / ("workload-ca-next" + std::string(half)),
                  fs::copy_options::overwrite_existing);
  }
  const auto refused = Service::start(
      {.data = data(), .http = manager_http_options(), .development = true, .clock = &clock_});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::permission_denied);
}

}  // namespace
}  // namespace penstock::manager
