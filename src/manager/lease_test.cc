// State keys, leases and held checkpoints against a manager over HTTPS.
#include "keys/held_checkpoint.h"
#include "keys/owner_token.h"
#include "manager/test_manager.h"

namespace penstock::manager {
namespace {

const std::string kPayInitdata =
    "version = \"0.1.0\"\nalgorithm = \"sha384\"\n[data]\n\"penstock.toml\" = '''\n"
    "service_id = \"pay\"\n'''\n";

class Lease : public ManagerTest {
 protected:
  void start_with_service() {
    start_with_app();
    EXPECT_EQ(
        admin().change("POST", "/v1/apps/payments/configs", {{"digest", hex_sha384(kPayInitdata)}}),
        "");
  }
  // An attested enclave of service "pay".
  Guest enclave() const {
    Guest guest = this->guest();
    guest.initdata = kPayInitdata;
    guest.host_data = hex_sha384(kPayInitdata);
    EXPECT_EQ(guest.handshake(), 200);
    return guest;
  }
  static Json checkpoint(std::int64_t term, std::int64_t number, char fill = 'a') {
    keys::HeldCheckpoint out{.term = term, .parts = {}};
    if (number > 0) out.parts[""] = {number, std::string(64, fill)};
    return keys::to_json(out);
  }
  static net::HttpResponse call(Guest& guest, const std::string& step, std::int64_t term,
                                const Json& checkpoint, const std::string& instance = "") {
    const Json body = {
        {"step", step}, {"instance", instance}, {"term", term}, {"checkpoint", checkpoint}};
    return guest.raw("POST", "/kbs/v0/lease/payments", body.dump(),
                     {{"Authorization", "Bearer " + guest.token}});
  }
  static std::int64_t term_of(const net::HttpResponse& response) {
    EXPECT_EQ(response.status, 200) << response.body;
    return json_of(response).value("term", std::int64_t{0});
  }
  int accept_loss() {
    clock_.set_ms(clock_.now_ms() + 1);
    const auto ca = must(crypto::Certificate::from_pem(read_text(data() / "ca.pem")));
    const auto key = must(crypto::P256PrivateKey::from_pem(read_text(data() / "owner.key.pem")));
    const std::string path = "/v1/services/payments/pay/accept-loss";
    const std::string jwt =
        must(keys::sign_owner_token(to_hex(ca.key_pin()), "POST", path, as_bytes("{}"),
                                    clock_.now_ms(), key, crypto::system_random()));
    return Caller(service_->url(), data(), "Bearer " + jwt).call("POST", path, "{}").status;
  }
};

TEST_F(Lease, TheStateKeyIsMadeOnceAndForTheServiceAlone) {
  start_with_service();
  Guest first = enclave(), second = enclave();
  const std::string key = first.open(first.by_token("payments/state-key/pay"));
  EXPECT_EQ(key.size(), 32U);
  EXPECT_EQ(second.open(second.by_cookie("payments/state-key/pay")), key);
  EXPECT_EQ(detail(first.by_token("payments/state-key/other")), "denied: service (service)");
  Guest other = this->guest();  // of the service that has the default name
  ASSERT_EQ(other.handshake(), 200);
  EXPECT_EQ(other.by_token("payments/state-key/pay").status, 403);
  const auto made = std::ranges::count_if(
      audit(), [](const Json& entry) { return entry["action"] == "state_key.make"; });
  EXPECT_EQ(made, 1);
  stop();
  start();
  Guest later = enclave();
  EXPECT_EQ(later.open(later.by_token("payments/state-key/pay")), key);
}

TEST_F(Lease, ARestartTakesOverAtOnce) {
  start_with_service();
  Guest first = enclave();
  EXPECT_EQ(term_of(call(first, "start", 0, checkpoint(0, 0))), 1);
  EXPECT_EQ(call(first, "renew", 1, checkpoint(1, 10)).status, 200);
  Guest next = enclave();  // the same folder, after a kill
  EXPECT_EQ(term_of(call(next, "start", 0, checkpoint(1, 12, 'b'))), 2);
  EXPECT_EQ(refusal(call(first, "renew", 1, checkpoint(1, 13))), "409 LeaseOver");
  EXPECT_EQ(call(next, "renew", 2, checkpoint(1, 12, 'b')).status, 200);
  EXPECT_EQ(call(next, "renew", 2, checkpoint(2, 13)).status, 200);
  EXPECT_EQ(call(next, "stop", 2, checkpoint(2, 14)).status, 200);
  EXPECT_EQ(audit().back()["action"], "lease.stop");
  EXPECT_EQ(call(next, "renew", 2, checkpoint(2, 15)).status, 409);  // given back
  must(verify());
}

TEST_F(Lease, AFolderThatWasPutBackIsRefusedUntilTheOwnerAcceptsTheLoss) {
  start_with_service();
  Guest first = enclave();
  EXPECT_EQ(term_of(call(first, "start", 0, checkpoint(0, 0))), 1);
  EXPECT_EQ(call(first, "renew", 1, checkpoint(1, 10)).status, 200);
  Guest back = enclave();
  for (const Json& old : {checkpoint(1, 9), checkpoint(0, 10), checkpoint(0, 0)}) {
    const auto refused = call(back, "start", 0, old);
    EXPECT_EQ(refusal(refused), "409 CheckpointRefused") << old.dump();
    EXPECT_NE(detail(refused).find("accept-loss"), std::string::npos);
  }
  EXPECT_EQ(last_denial()["rules"].at(0)["code"], "checkpoint-behind");
  EXPECT_EQ(refusal(call(back, "start", 0, checkpoint(1, 10, 'b'))), "409 CheckpointRefused");
  EXPECT_EQ(last_denial()["rules"].at(0)["code"], "checkpoint-forked");
  // Nothing of that has touched who runs.
  EXPECT_EQ(call(first, "renew", 1, checkpoint(1, 11)).status, 200);
  stop();
  clock_.set_ms(clock_.now_ms() + 1);
  start();
  Guest again = enclave();
  EXPECT_EQ(call(again, "start", 0, checkpoint(1, 9)).status, 409);
  EXPECT_EQ(admin().call("POST", "/v1/services/payments/pay/accept-loss", "{}").status, 403);
  EXPECT_EQ(accept_loss(), 200);
  EXPECT_EQ(term_of(call(again, "start", 0, checkpoint(1, 9))), 2);
  EXPECT_EQ(call(again, "renew", 2, checkpoint(2, 10)).status, 200);
  EXPECT_EQ(call(again, "start", 0, checkpoint(1, 9)).status, 409);  // accepted once
}

TEST_F(Lease, TasksAreHeldOneByOneAndDroppedByWhoRunsThem) {
  start_with_service();
  const auto tasks = [](const std::map<std::string, std::int64_t>& numbers, char fill = 'a') {
    keys::HeldCheckpoint out;
    for (const auto& [name, number] : numbers) out.parts[name] = {number, std::string(64, fill)};
    return keys::to_json(out);
  };
  Guest first = enclave();
  EXPECT_EQ(term_of(call(first, "start", 0, tasks({{"Q/0", 5}, {"Q/1", 7}, {"R/0", 2}}))), 1);
  EXPECT_EQ(call(first, "renew", 1, tasks({{"Q/0", 6}, {"Q/1", 7}, {"R/0", 2}})).status, 200);
  // A changelog that is gone, one that was put back, one that holds something else.
  Guest back = enclave();
  for (const Json& bad :
       {tasks({{"Q/0", 6}, {"Q/1", 7}}), tasks({{"Q/0", 5}, {"Q/1", 9}, {"R/0", 2}}),
        tasks({{"Q/0", 6}, {"Q/1", 7}, {"R/0", 2}}, 'b'), tasks({})})
    EXPECT_EQ(refusal(call(back, "start", 0, bad)), "409 CheckpointRefused") << bad.dump();
  // Who has the lease drops R, and its absence is no loss from then on.
  EXPECT_EQ(call(first, "renew", 1, tasks({{"Q/0", 8}, {"Q/1", 7}})).status, 200);
  EXPECT_EQ(term_of(call(back, "start", 0, tasks({{"Q/0", 8}, {"Q/1", 7}, {"S/0", 1}}))), 2);
  EXPECT_EQ(refusal(call(back, "renew", 2, tasks({{"Q/0", 7}}))), "409 CheckpointRefused");
}

TEST_F(Lease, TwoClonesOfAFolderCannotBothGoOn) {
  start_with_service();
  Guest first = enclave(), clone = enclave();
  EXPECT_EQ(term_of(call(first, "start", 0, checkpoint(0, 0))), 1);
  EXPECT_EQ(call(first, "renew", 1, checkpoint(1, 5)).status, 200);
  EXPECT_EQ(term_of(call(clone, "start", 0, checkpoint(1, 5))), 2);
  EXPECT_EQ(call(first, "renew", 1, checkpoint(1, 6)).status, 409);
  EXPECT_EQ(call(clone, "renew", 2, checkpoint(2, 6)).status, 200);
  // And the first cannot come back with what it wrote since.
  EXPECT_EQ(call(first, "start", 0, checkpoint(1, 9)).status, 409);
}

TEST_F(Lease, ARunningEnclaveThatFallsBackIsRefused) {
  start_with_service();
  Guest guest = enclave();
  EXPECT_EQ(term_of(call(guest, "start", 0, checkpoint(0, 0))), 1);
  EXPECT_EQ(call(guest, "renew", 1, checkpoint(1, 5)).status, 200);
  EXPECT_EQ(call(guest, "renew", 1, checkpoint(1, 4)).status, 409);
  EXPECT_EQ(call(guest, "renew", 1, checkpoint(1, 5)).status, 200);
}

TEST_F(Lease, PartsOfAClusterAreComparedOneByOne) {
  start_with_service();
  const auto parts = [](std::int64_t a, std::int64_t b) {
    keys::HeldCheckpoint out{.term = 0, .parts = {}};
    out.parts["q.1/0"] = {a, std::string(64, 'c')};
    out.parts["q.1/1"] = {b, std::string(64, 'c')};
    return keys::to_json(out);
  };
  Guest guest = enclave();
  EXPECT_EQ(term_of(call(guest, "start", 0, parts(5, 5))), 1);
  EXPECT_EQ(call(guest, "renew", 1, parts(6, 5)).status, 200);
  EXPECT_EQ(call(guest, "renew", 1, parts(7, 4)).status, 409);
  EXPECT_EQ(term_of(call(guest, "start", 0, parts(5, 5), "two")), 1);  // of another process
}

TEST_F(Lease, AWithdrawnBuildLosesItAtTheNextRenewal) {
  start_with_service();
  Guest guest = enclave();
  EXPECT_EQ(term_of(call(guest, "start", 0, checkpoint(0, 0))), 1);
  EXPECT_EQ(admin().change("DELETE", "/v1/apps/payments/builds/" + kMeasurement), "");
  EXPECT_EQ(refusal(call(guest, "renew", 1, checkpoint(1, 5))), "403 PolicyDeny");
}

TEST_F(Lease, StrangersGetNone) {
  start_with_service();
  Guest guest = enclave();
  Guest stranger = enclave();
  stranger.token = "a.b.c";
  EXPECT_EQ(call(stranger, "start", 0, checkpoint(0, 0)).status, 401);
  Guest nameless = this->guest();  // with no configuration
  nameless.initdata = nameless.host_data = "";
  ASSERT_EQ(nameless.handshake(), 200);
  EXPECT_EQ(call(nameless, "start", 0, checkpoint(0, 0)).status, 400);
  EXPECT_EQ(term_of(call(guest, "start", 0, checkpoint(0, 0))), 1);
  Guest other = enclave();  // approved, but not the one who has it
  EXPECT_EQ(call(other, "renew", 1, checkpoint(1, 5)).status, 409);
  EXPECT_EQ(call(guest, "renew", 1, checkpoint(7, 5)).status, 400);
  // From under a lease of a manager that has lost it since: the next one is later all the same.
  EXPECT_EQ(term_of(call(guest, "start", 0, checkpoint(7, 5))), 8);
  for (const char* body : {"", "{}", "[]", R"({"step":"x","instance":"","term":0})",
                           R"({"step":"start","instance":"/","term":0,"checkpoint":{}})"}) {
    EXPECT_EQ(guest
                  .raw("POST", "/kbs/v0/lease/payments", body,
                       {{"Authorization", "Bearer " + guest.token}})
                  .status,
              400)
        << body;
  }
}

TEST_F(Lease, TheOwnerSeesThemAndTheyGoWithTheirApp) {
  start_with_service();
  Guest guest = enclave();
  EXPECT_EQ(term_of(call(guest, "start", 0, checkpoint(0, 0))), 1);
  EXPECT_EQ(call(guest, "renew", 1, checkpoint(1, 5)).status, 200);
  const Json list = admin().get("/v1/services")["services"];
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0]["service"], "pay");
  EXPECT_EQ(list[0]["term"], 1);
  EXPECT_EQ(list[0]["checkpoint"]["parts"][""]["number"], 5);
  EXPECT_EQ(admin().change("DELETE", "/v1/apps/payments"), "");
  EXPECT_TRUE(admin().get("/v1/services")["services"].empty());
  stop();
  start();
  must(verify());
}

}  // namespace
}  // namespace penstock::manager
