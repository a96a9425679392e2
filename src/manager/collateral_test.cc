// Collateral in the store: imported, judged with, never older than it was.
#include <fstream>

#include "attest/test_vectors.h"
#include "keys/owner_token.h"
#include "manager/database.h"
#include "manager/test_manager.h"

namespace penstock::manager {
namespace {

constexpr const char* kSgxSet = "sgx/automata-v3-icelake-2025-08";

class ManagerCollateral : public ManagerTest {
 protected:
  void SetUp() override {
    set_ = attest::vector_set(kSgxSet);
    if (!set_) GTEST_SKIP() << "no evidence beside the project (../shared/vectors)";
    start_with_app();
  }
  Json item(const std::string& kind) const {
    return {{"kind", kind}, {"data", to_base64(set_->files.files.find(kind)->second.front())}};
  }
  Json bundle() const {
    Json items = Json::array();
    for (const char* kind :
         {"tcb_info", "qe_identity", "tcb_signing_chain", "root_ca_crl", "pck_crl"})
      items.push_back(item(kind));
    return {{"penstock_collateral", 1}, {"items", std::move(items)}};
  }
  // Of the set's TCB info, with another evaluation number: a bundle is read, not believed.
  Json with_number(std::int64_t change) const {
    Json out = bundle();
    std::string text(as_text(set_->files.files.find("tcb_info")->second.front()));
    const std::string_view name = "\"tcbEvaluationDataNumber\":";
    const std::size_t at = text.find(name) + name.size();
    const std::size_t end = text.find_first_not_of("0123456789", at);
    const std::int64_t number = std::stoll(text.substr(at, end - at));
    text.replace(at, end - at, std::to_string(number + change));
    out["items"][0]["data"] = to_base64(as_bytes(text));
    return out;
  }
  net::HttpResponse import(const Json& document) {
    clock_.set_ms(clock_.now_ms() + 1);
    const auto key = must(crypto::P256PrivateKey::from_pem(read_text(data() / "owner.key.pem")));
    const auto ca = must(crypto::Certificate::from_pem(read_text(data() / "ca.pem")));
    const std::string text = document.dump();
    const std::string jwt =
        must(keys::sign_owner_token(to_hex(ca.key_pin()), "PUT", "/v1/collateral", as_bytes(text),
                                    clock_.now_ms(), key, crypto::system_random()));
    return Caller(service_->url(), data(), "Bearer " + jwt).call("PUT", "/v1/collateral", text);
  }
  // The rules of the denial that the set's quote meets: it answers no challenge of ours.
  Json denied_rules_of_the_quote() {
    Guest guest = this->guest();
    guest.tee = "sgx";
    EXPECT_EQ(guest.auth().status, 200);
    Json body = guest.request();
    const auto& quote = set_->files.files.find("evidence")->second.front();
    body["tee-evidence"]["primary_evidence"] = {{"quote", to_base64(quote)}};
    EXPECT_EQ(refusal(guest.attest(body)), "401 AttestationError");
    return last_denial()["rules"];
  }

  std::optional<attest::VectorSet> set_;
};

TEST_F(ManagerCollateral, IsImportedByTheOwnerAndShown) {
  EXPECT_EQ(admin().get("/v1/collateral")["items"].size(), 0U);
  EXPECT_EQ(admin().call("PUT", "/v1/collateral", bundle().dump()).status, 403);
  ASSERT_EQ(import(bundle()).status, 200);
  const Json entry = audit().back();
  EXPECT_EQ(entry["action"], "collateral.import");
  EXPECT_NE(entry["subject"].get<std::string>().find("5 items until 2025-09-"), std::string::npos)
      << entry["subject"];
  const Json shown = admin().get("/v1/collateral");
  EXPECT_EQ(shown["items"].size(), 5U);
  EXPECT_GT(shown["alarms"].get<int>(), 0);  // it ended long ago
  EXPECT_EQ(admin().get("/v1/info")["collateral"]["alarms"], shown["alarms"]);
  const std::string metrics = anybody().call("GET", "/metrics").body;
  EXPECT_NE(metrics.find("penstock_manager_collateral_items 5\n"), std::string::npos);
  EXPECT_NE(metrics.find("penstock_manager_collateral_not_after_seconds 17"), std::string::npos);
  for (const char* bad : {"", "{}", "{\"penstock_collateral\":1,\"items\":[]}"})
    EXPECT_EQ(
        import(Json::parse(bad, nullptr, false).is_discarded() ? Json() : Json::parse(bad)).status,
        400)
        << bad;
  stop();
  start();
  EXPECT_EQ(admin().get("/v1/collateral")["sha256"], shown["sha256"]);
}

TEST_F(ManagerCollateral, NeverGoesBack) {
  ASSERT_EQ(import(bundle()).status, 200);
  EXPECT_EQ(import(with_number(-1)).status, 409);
  Json fewer = bundle();
  fewer["items"].erase(1);
  EXPECT_EQ(import(fewer).status, 409);
  EXPECT_EQ(import(with_number(1)).status, 200);
  EXPECT_EQ(import(bundle()).status, 409);
  stop();
  start();  // nor by a restart
  EXPECT_EQ(import(bundle()).status, 409);
}

TEST_F(ManagerCollateral, ABundleThatWasExchangedIsNoticed) {
  ASSERT_EQ(import(bundle()).status, 200);
  stop();
  {
    auto database = must(Database::open(data() / "manager.sqlite", Database::Access::write));
    must(database.execute("UPDATE collateral SET bundle = x'7b7d'"));
  }
  auto refused = Service::start(
      {.data = data(), .http = manager_http_options(), .development = true, .clock = &clock_});
  EXPECT_FALSE(refused);
  {
    auto database = must(Database::open(data() / "manager.sqlite", Database::Access::write));
    must(database.execute("DELETE FROM collateral"));
  }
  refused = Service::start(
      {.data = data(), .http = manager_http_options(), .development = true, .clock = &clock_});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::corrupt);
}

TEST_F(ManagerCollateral, QuotesAreJudgedWithIt) {
  clock_.set_ms(set_->expected.now_s * 1000);
  bool named = false;
  for (const Json& rule : denied_rules_of_the_quote()) {
    named = named || rule.value("advice", "").find("penstock manager collateral import") !=
                         std::string::npos;
  }
  EXPECT_TRUE(named) << "what is missing, and the command";
  clock_.set_ms(system_clock().now_ms() + 1);
  ASSERT_EQ(import(bundle()).status, 200);
  clock_.set_ms(set_->expected.now_s * 1000);
  for (const Json& rule : denied_rules_of_the_quote()) {
    EXPECT_NE(rule["result"], "not-checked") << rule.dump();
    if (rule["result"] != "fail") continue;
    // It is somebody else's quote, of a platform that wants hardening; nothing else is amiss.
    const std::string name = rule["name"];
    EXPECT_TRUE(name == "report_data" || name == "nonce" || name.find("tcb") != std::string::npos ||
                name == "config_digest")
        << rule.dump();
  }
}

}  // namespace
}  // namespace penstock::manager
