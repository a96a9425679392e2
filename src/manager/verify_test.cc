// Verification alone: evidence judged against an app's policy, a result that opens nothing.
#include "crypto/jwt.h"
#include "manager/test_manager.h"

namespace penstock::manager {
namespace {

class VerifyAlone : public ManagerTest {
 protected:
  static constexpr const char* kNonce = "bm9ib2R5IGFza2VkIGZvciB0aGlzIG9uZQ";

  Json question(const Guest& guest) const {
    const std::string evidence = guest.evidence(kNonce).dump();
    const Json runtime = {
        {"additional-evidence", ""}, {"nonce", kNonce}, {"tee-pubkey", guest.jwk}};
    return {
        {"verification_requests", Json::array({{{"tee", "simulated"},
                                                {"evidence", to_base64url(as_bytes(evidence))},
                                                {"runtime_data", {{"structured", runtime}}},
                                                {"init_data", {{"init_data_toml", kInitdata}}}}})},
        {"policy_ids", {"payments"}}};
  }
  net::HttpResponse ask(const Json& body) const {
    return admin().call("POST", "/v1/attestation", body.dump());
  }
};

TEST_F(VerifyAlone, AnswersATokenThatOpensNothing) {
  start_with_app();
  Guest guest = this->guest();
  const auto response = ask(question(guest));
  ASSERT_EQ(response.status, 200) << response.body;
  const Json jwks = anybody().get("/.well-known/jwks.json");
  const auto leaf = must(crypto::Certificate::from_der(
      must(from_base64(jwks["keys"].at(0)["x5c"].at(0).get<std::string>()))));
  const auto jwt = must(crypto::verify_jwt(response.body, leaf.key()));
  const Json& cpu = jwt.claims["submods"]["cpu0"];
  EXPECT_EQ(cpu["ear.status"], "contraindicated");  // simulated: protects nothing, and says so
  EXPECT_EQ(cpu["ear.trustworthiness-vector"]["hardware"], 97);
  EXPECT_EQ(cpu["ear.trustworthiness-vector"]["executables"], 2);
  EXPECT_EQ(cpu["ear.appraisal-policy-id"], "payments");
  EXPECT_FALSE(jwt.claims.contains("penstock"));
  EXPECT_EQ(guest.by_token("payments/secret/db", response.body).status, 401);
  EXPECT_EQ(audit().back()["action"], "release");  // that refusal
}

TEST_F(VerifyAlone, ExplainsARefusal) {
  start_with_app();
  Guest guest = this->guest();
  guest.measurement = hex_sha384("another build");
  auto response = ask(question(guest));
  EXPECT_EQ(response.status, 403);
  Json body = json_of(response);
  EXPECT_EQ(body["evidence"], "affirming");
  bool named = false;
  for (const Json& rule : body["rules"])
    named = named || (rule["name"] == "measurement" && rule["result"] == "fail" &&
                      rule["seen"] == guest.measurement);
  EXPECT_TRUE(named) << response.body;
  Json alone = question(guest);
  alone.erase("policy_ids");
  EXPECT_EQ(ask(alone).status, 200);  // the evidence itself holds
  guest.debug = true;
  response = ask(question(guest));
  EXPECT_EQ(json_of(response)["evidence"], "contraindicated");
  EXPECT_TRUE(json_of(response)["claims"].empty());
  const Json entry = last_denial();
  EXPECT_EQ(entry["action"], "verify");
  EXPECT_EQ(entry["app"], "payments");
}

// A policy is put in force only if it names a build, and a build of the list is one.
TEST_F(VerifyAlone, PoliciesNameBuilds) {
  start_with_app();
  const auto put = [&](const Json& conditions) {
    const Json policy = {{"version", 2}, {"allow_simulated", true}, {"allOf", conditions}};
    return admin().call("PUT", "/v1/apps/payments/policy", policy.dump()).status;
  };
  EXPECT_EQ(put(Json::array({{{"claim", "debug"}, {"equals", false}}})), 400);
  EXPECT_EQ(put(Json::array({{{"claim", "measurement"}, {"equals", std::string(96, '0')}}})), 400);
  EXPECT_EQ(put(Json::array({{{"build_in", "builds"}}})), 200);
  Guest guest = this->guest();
  EXPECT_EQ(ask(question(guest)).status, 200);
  guest.measurement = hex_sha384("another build");
  EXPECT_EQ(ask(question(guest)).status, 403);
}

TEST_F(VerifyAlone, IsBoundAndStrict) {
  start_with_app();
  Guest guest = this->guest();
  Json body = question(guest);
  body["verification_requests"][0]["runtime_data"]["structured"]["nonce"] = "another";
  EXPECT_EQ(ask(body).status, 403);
  body = question(guest);
  body["verification_requests"][0].erase("runtime_data");
  EXPECT_EQ(ask(body).status, 400);
  body = question(guest);
  body["verification_requests"].push_back(body["verification_requests"][0]);
  EXPECT_EQ(ask(body).status, 400);
  body = question(guest);
  body["policy_ids"] = {"nobody"};
  EXPECT_EQ(ask(body).status, 404);
  body = question(guest);
  body["more"] = 1;
  EXPECT_EQ(ask(body).status, 400);
  EXPECT_EQ(anybody().call("POST", "/v1/attestation", question(guest).dump()).status, 401);
}

}  // namespace
}  // namespace penstock::manager
