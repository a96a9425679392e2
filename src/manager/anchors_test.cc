// Roots of TPMs that the owner names, and a TPM without a certified attestation key that enrols.
#include "attest/test_tpm.h"
#include "keys/owner_token.h"
#include "manager/test_manager.h"

namespace penstock::manager {
namespace {

class ManagerAnchors : public ManagerTest {
 protected:
  void SetUp() override { start_with_app(); }

  net::HttpResponse as_owner(const std::string& method, const std::string& path,
                             const std::string& text = "") {
    clock_.set_ms(clock_.now_ms() + 1);
    const auto key = must(crypto::P256PrivateKey::from_pem(read_text(data() / "owner.key.pem")));
    const auto ca = must(crypto::Certificate::from_pem(read_text(data() / "ca.pem")));
    const std::string jwt =
        must(keys::sign_owner_token(to_hex(ca.key_pin()), method, path, as_bytes(text),
                                    clock_.now_ms(), key, crypto::system_random()));
    return Caller(service_->url(), data(), "Bearer " + jwt).call(method, path, text);
  }
  static std::string pem(const crypto::PkixCertificate& certificate) {
    return "-----BEGIN CERTIFICATE-----\n" + to_base64(certificate.der()) +
           "\n-----END CERTIFICATE-----\n";
  }
  static std::string anchor(const attest::TpmMachine& machine, const std::string& name = "ours",
                            const std::string& trust = "operator") {
    return Json{{"name", name}, {"trust", trust}, {"certificate", pem(machine.root_certificate())}}
        .dump();
  }
  static std::string code(const net::HttpResponse& response) {
    return response.status == 200 ? "" : json_of(response).value("code", "?");
  }
};

constexpr const char* kAnchors = "/v1/trust-anchors";

TEST_F(ManagerAnchors, TheOwnerNamesThemAndNobodyElse) {
  const attest::TpmMachine machine;
  EXPECT_EQ(code(admin().call("POST", kAnchors, anchor(machine))), "permission_denied");
  const auto added = as_owner("POST", kAnchors, anchor(machine));
  ASSERT_EQ(added.status, 200) << added.body;
  const std::string id = json_of(added)["id"];
  EXPECT_EQ(id, to_hex(machine.root_certificate().key()->id()));
  EXPECT_EQ(admin().get(kAnchors)["trust_anchors"][0]["trust"], "operator");
  EXPECT_EQ(code(as_owner("POST", kAnchors, anchor(machine, "again"))), "already_exists");
  EXPECT_EQ(code(as_owner("POST", kAnchors, anchor(attest::TpmMachine()))), "already_exists");
  EXPECT_EQ(code(as_owner("POST", kAnchors, anchor(attest::TpmMachine(), "Google EK/AK CA Root"))),
            "already_exists");
  EXPECT_EQ(code(as_owner("POST", kAnchors, anchor(attest::TpmMachine(), "x", "hardware"))),
            "invalid_argument");
  start();  // it is under the store's keyed root
  EXPECT_EQ(admin().get(kAnchors)["trust_anchors"].size(), 1U);
  EXPECT_EQ(code(admin().call("DELETE", std::string(kAnchors) + "/" + id)), "permission_denied");
  EXPECT_EQ(code(as_owner("DELETE", std::string(kAnchors) + "/" + id)), "");
  EXPECT_EQ(code(as_owner("DELETE", std::string(kAnchors) + "/" + id)), "not_found");
  EXPECT_TRUE(admin().get(kAnchors)["trust_anchors"].empty());
  std::vector<std::string> actions;
  for (const Json& entry : audit()) actions.push_back(entry["action"]);
  EXPECT_EQ(std::ranges::count(actions, "anchor.add"), 1);
  EXPECT_EQ(std::ranges::count(actions, "anchor.remove"), 1);
}

TEST_F(ManagerAnchors, OnlyCertificatesOfCas) {
  const attest::TpmMachine machine;
  const Json leaf = {
      {"name", "x"}, {"trust", "provider"}, {"certificate", pem(machine.ak_certificate())}};
  EXPECT_EQ(code(as_owner("POST", kAnchors, leaf.dump())), "invalid_argument");
  Json two = {{"name", "x"}, {"trust", "provider"}};
  two["certificate"] = pem(machine.root_certificate()) + pem(machine.root_certificate());
  EXPECT_EQ(code(as_owner("POST", kAnchors, two.dump())), "invalid_argument");
  Json intel = Json::parse(anchor(machine));
  intel["pki"] = "intel";
  EXPECT_EQ(code(as_owner("POST", kAnchors, intel.dump())), "unsupported");
}

// The whole handshake of a TPM that nobody has certified a key of.
TEST_F(ManagerAnchors, ATpmEnrolsAtItsChallenge) {
  attest::EnrolledMachine machine;
  ASSERT_EQ(code(as_owner("POST", kAnchors, anchor(machine))), "");
  const Json items = Json::array(
      {{{"kind", "tpm_crl"},
        {"data",
         to_base64(crypto::test_crl({.issuer = "TPM root", .serials = {}}, machine.root))}}});
  const std::string bundle = Json{{"penstock_collateral", 1}, {"items", items}}.dump();
  const auto imported = as_owner("PUT", "/v1/collateral", bundle);
  ASSERT_EQ(imported.status, 200) << imported.body;
  Guest guest = this->guest();
  guest.initdata = "";
  const auto attested = [&](const attest::EnrolledMachine& signer) {
    const Json begin = {
        {"version", "0.4.0"}, {"tee", "tpm"}, {"extra-params", {{"tpm", machine.extra_params()}}}};
    const auto response = guest.raw("POST", "/kbs/v0/auth", begin.dump());
    EXPECT_EQ(response.status, 200) << response.body;
    const Json challenge = json_of(response);
    guest.nonce = challenge["nonce"];
    const std::string_view set = response.field("Set-Cookie");
    guest.cookie = set.substr(0, set.find(';'));
    const std::string runtime = must(attest::runtime_data("", guest.nonce, guest.jwk));
    const auto digest = crypto::sha256(as_bytes(runtime));
    attest::EnrolledMachine tpm = signer;
    tpm.nonce = ByteBuffer(digest.begin(), digest.end());
    tpm.registers[8] = ByteBuffer(32);
    Json pcrs = Json::object();
    for (const auto& [index, value] : tpm.registers) pcrs[std::to_string(index)] = to_hex(value);
    Json evidence = {
        {"ak_tpmt", to_base64(tpm.public_area())},
        {"ek_cert", to_base64(tpm.ek_certificate().der())},
        {"activation", to_base64(machine.activate(challenge["extra-params"], runtime))},
        {"tpm_quote",
         {{"signature", to_base64(tpm.signature())},
          {"message", to_base64(tpm.quote())},
          {"pcrs", {{"sha256", pcrs}}}}}};
    Json body = guest.request();
    body["tee-evidence"]["primary_evidence"] = std::move(evidence);
    return guest.attest(body);
  };
  const auto good = attested(machine);
  EXPECT_EQ(good.status, 200) << good.body << last_denial().dump(1);
  attest::EnrolledMachine other = machine;
  other.ak = crypto::test_ec_key("P-256");
  EXPECT_EQ(refusal(attested(other)), "401 AttestationError");
  EXPECT_NE(last_denial().dump().find("ak_enrolled"), std::string::npos);
  // What is malformed is refused at once, and entered.
  const Json bad = {{"version", "0.4.0"}, {"tee", "tpm"}, {"extra-params", {{"tpm", 7}}}};
  EXPECT_EQ(refusal(guest.raw("POST", "/kbs/v0/auth", bad.dump())), "400 SerdeError");
}

}  // namespace
}  // namespace penstock::manager
