// Files and rows that somebody else has put in the place of the manager's own.
#include <fstream>

#include "keys/manager_ca.h"
#include "keys/owner_token.h"
#include "keys/rotation.h"
#include "manager/database.h"
#include "manager/test_manager.h"

namespace penstock::manager {
namespace {

class Trust : public ManagerTest {
 protected:
  Error refused_start(bool development = true) {
    stop();
    const auto service = Service::start({.data = data(),
                                         .http = manager_http_options(),
                                         .development = development,
                                         .clock = &clock_});
    EXPECT_FALSE(service);
    return service ? Error(ErrorCode::internal, "started") : service.error();
  }
  // Another manager's folder, made by who has no part in this one.
  std::filesystem::path other_folder() {
    const auto folder = folder_.path() / "other";
    auto service = must(Service::start(
        {.data = folder, .http = manager_http_options(), .development = true, .clock = &clock_}));
    return folder;
  }
  void execute(const std::string& sql) {
    auto database = must(Database::open(data() / "manager.sqlite", Database::Access::write));
    must(database.execute(sql.c_str()));
  }
  crypto::P256PrivateKey owner_key() const {
    return must(crypto::P256PrivateKey::from_pem(read_text(data() / "owner.key.pem")));
  }
  std::string pin() const {
    return to_hex(must(crypto::Certificate::from_pem(read_text(data() / "ca.pem"))).key_pin());
  }
  net::HttpResponse signed_call(const std::string& path, const Json& body,
                                const crypto::P256PrivateKey& key) {
    clock_.set_ms(clock_.now_ms() + 1);
    const std::string text = body.dump();
    const std::string jwt =
        "Bearer " + must(keys::sign_owner_token(pin(), "POST", path, as_bytes(text),
                                                clock_.now_ms(), key, crypto::system_random()));
    return Caller(service_->url(), data(), jwt).call("POST", path, text);
  }
};

TEST_F(Trust, NoFileCanBePutInAnothersPlace) {
  start_with_app();
  stop();
  const auto other = other_folder();
  const auto copy = folder_.path() / "copy";
  const auto pairs = std::vector<std::vector<std::string>>{
      {"owner.key.pem"},        {"admin.token"}, {"token.key.pem"},
      {"ca.pem", "ca.key.pem"}, {"root.key"},    {"workload-ca.pem", "workload-ca.key.pem"}};
  for (const auto& files : pairs) {
    std::filesystem::copy(data(), copy, std::filesystem::copy_options::recursive);
    for (const std::string& file : files) {
      std::filesystem::copy_file(other / file, data() / file,
                                 std::filesystem::copy_options::overwrite_existing);
    }
    const Error error = refused_start();
    EXPECT_EQ(error.code(),
              files.front() == "root.key" ? ErrorCode::corrupt : ErrorCode::permission_denied)
        << files.front() << " " << error.text();
    std::filesystem::remove_all(data());
    std::filesystem::rename(copy, data());
  }
  start();
  must(verify());
}

TEST_F(Trust, AProductionCaNeverBecomesADevelopmentOne) {
  start(false);
  const auto ca = must(crypto::Certificate::from_pem(read_text(data() / "ca.pem")));
  EXPECT_FALSE(keys::is_development_ca(ca));
  EXPECT_EQ(refused_start(true).code(), ErrorCode::failed_precondition);
  std::filesystem::remove(data() / "manager.sqlite");  // as the host can
  EXPECT_EQ(refused_start(true).code(), ErrorCode::failed_precondition);
  std::filesystem::remove_all(data());
  start(true);
  EXPECT_TRUE(
      keys::is_development_ca(must(crypto::Certificate::from_pem(read_text(data() / "ca.pem")))));
}

TEST_F(Trust, RowsThatAreChangedOrPutBackAreNoticed) {
  start_with_app();
  EXPECT_EQ(admin().change("DELETE", "/v1/apps/payments/builds/" + kMeasurement), "");
  stop();
  const auto copy = folder_.path() / "copy";
  std::filesystem::copy(data(), copy, std::filesystem::copy_options::recursive);
  for (const std::string& sql : {
           "INSERT INTO builds VALUES('payments', '" + kMeasurement + "', '', 1)",
           std::string("UPDATE apps SET policy = replace(policy, 'measurement', 'svn')"),
           std::string("DELETE FROM configs"),
           std::string("UPDATE secrets SET version = version + 1"),
           std::string("INSERT INTO platforms VALUES('x', 'y', 1)"),
           std::string("UPDATE meta SET value = '1' WHERE name = 'development'; "
                       "UPDATE meta SET value = 'x' WHERE name = 'owner_key'"),
           std::string("DELETE FROM meta WHERE name = 'trust.ca'"),
           std::string("UPDATE counters SET value = 0"),
           std::string("DELETE FROM audit"),
           std::string("DELETE FROM audit WHERE sequence > 3"),
           std::string("INSERT INTO services VALUES('payments','pay','',1,'','1','','',1,1,'')"),
       }) {
    execute(sql);
    EXPECT_EQ(refused_start().code(), ErrorCode::corrupt) << sql;
    std::filesystem::remove_all(data());
    std::filesystem::copy(copy, data(), std::filesystem::copy_options::recursive);
  }
  start();
}

TEST_F(Trust, EveryChangeHasTheDigestOfItsStore) {
  start_with_app();
  for (const Json& entry : audit()) {
    const bool change = entry["outcome"] == "done";
    EXPECT_EQ(entry.contains("store"), change) << entry.dump();
  }
  must(verify());
}

TEST_F(Trust, TheAdminTokenIsRotatedByTheOwnerAlone) {
  start();
  Caller before = admin();
  EXPECT_EQ(before.call("POST", "/v1/rotate/admin-token").status, 403);
  EXPECT_EQ(signed_call("/v1/rotate/admin-token", Json::object(), owner_key()).status, 200);
  EXPECT_EQ(before.call("GET", "/v1/info").status, 401);
  EXPECT_EQ(admin().call("GET", "/v1/info").status, 200);  // its file has the new one
  EXPECT_EQ(audit().back()["action"], "rotate.admin_token");
  stop();
  start();
  EXPECT_EQ(admin().call("GET", "/v1/info").status, 200);
}

TEST_F(Trust, TheTokenKeyIsRotated) {
  start_with_app();
  EXPECT_EQ(signed_call("/v1/rotate/token-key", Json::object(), owner_key()).status, 200);
  Guest guest = this->guest();
  EXPECT_EQ(guest.handshake(), 200);
  const std::string before = guest.token;
  stop();
  start();
  Guest next = this->guest();
  EXPECT_EQ(next.handshake(), 200);
  EXPECT_EQ(next.by_token("payments/secret/db").status, 200);
  EXPECT_EQ(next.by_token("payments/secret/db", before).status, 401);
}

TEST_F(Trust, TheOwnerHandsOverWithBothSignatures) {
  start();
  const auto next = must(crypto::P256PrivateKey::generate(crypto::system_random()));
  const auto present = owner_key();
  const Json body = {{"public_key_pem", next.public_key().to_pem()},
                     {"proof", must(keys::prove_owner_key(next, pin()))}};
  Json foreign = body;
  foreign["proof"] = must(keys::prove_owner_key(present, pin()));
  EXPECT_EQ(signed_call("/v1/rotate/owner-key", foreign, present).status, 422);
  EXPECT_EQ(signed_call("/v1/rotate/owner-key", body, next).status, 401);
  EXPECT_EQ(signed_call("/v1/rotate/owner-key", body, present).status, 200);
  EXPECT_FALSE(std::filesystem::exists(data() / "owner.key.pem"));
  EXPECT_EQ(signed_call("/v1/rotate/token-key", Json::object(), present).status, 401);
  EXPECT_EQ(signed_call("/v1/rotate/token-key", Json::object(), next).status, 200);
  stop();
  start();
  clock_.set_ms(clock_.now_ms() + 1);
  EXPECT_EQ(signed_call("/v1/rotate/token-key", Json::object(), next).status, 200);
  stop();  // the key that was handed over does not come back by its file
  std::ofstream(data() / "owner.key.pem") << as_text(must(present.to_pem()).view());
  std::filesystem::permissions(data() / "owner.key.pem", std::filesystem::perms::owner_read |
                                                             std::filesystem::perms::owner_write);
  start();
  EXPECT_EQ(signed_call("/v1/rotate/token-key", Json::object(), present).status, 401);
  EXPECT_FALSE(std::filesystem::exists(data() / "owner.key.pem"));
}

TEST_F(Trust, ABackupHoldsEverything) {
  start_with_app();
  EXPECT_EQ(admin().call("POST", "/v1/backup").status, 200);
  const auto copy = data() / kBackupFile;
  ASSERT_TRUE(std::filesystem::exists(copy));
  EXPECT_EQ(std::filesystem::status(copy).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  EXPECT_EQ(admin().change("PUT", "/v1/apps/later"), "");
  EXPECT_EQ(admin().call("POST", "/v1/backup").status, 200);  // again, over the first
  EXPECT_EQ(admin().change("DELETE", "/v1/apps/payments"), "");
  stop();
  for (const char* file : {"manager.sqlite", "manager.sqlite-wal", "manager.sqlite-shm"})
    std::filesystem::remove(data() / file);
  std::filesystem::rename(copy, data() / "manager.sqlite");
  std::ofstream(data() / "restored") << "";
  start();
  Guest guest = this->guest();
  ASSERT_EQ(guest.handshake(), 200);
  EXPECT_EQ(guest.open(guest.by_token("payments/secret/db")), "hunter2");
  EXPECT_EQ(admin().get("/v1/apps")["apps"].size(), 2U);
  const auto restored = std::ranges::count_if(
      audit(), [](const Json& entry) { return entry["action"] == "store.restore"; });
  EXPECT_EQ(restored, 1);
  EXPECT_FALSE(std::filesystem::exists(data() / "restored"));
}

}  // namespace
}  // namespace penstock::manager
