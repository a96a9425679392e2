// Kills a manager between two steps and checks what the next one finds.
#include <sys/wait.h>

#include <fstream>

#include "base/test_child.h"
#include "manager/test_manager.h"

namespace penstock::manager {
namespace {

constexpr const char* kFolderVariable = "PENSTOCK_CRASH_FOLDER";
constexpr const char* kCrashSecretPath = "payments/secret/db";

// The process that dies: a release, then a change, each noted once it was answered.
TEST(ManagerCrashChild, DISABLED_WorksUntilItDies) {
  const char* variable = std::getenv(kFolderVariable);
  if (!variable) GTEST_SKIP() << "only started by ManagerCrash";
  const std::filesystem::path folder = variable;
  ServiceOptions options{.data = folder / "manager", .http = manager_http_options()};
  auto service = must(Service::start(std::move(options)));
  Guest guest(service->url(), folder / "manager", read_text(folder / "platform.pem"));
  ASSERT_EQ(guest.handshake(), 200);
  std::ofstream(folder / "attested") << guest.token;
  ASSERT_EQ(guest.by_cookie(kCrashSecretPath).status, 200);
  std::ofstream(folder / "released") << 1;
  Caller owner = Caller::admin(service->url(), folder / "manager");
  ASSERT_EQ(owner.change("PUT", "/v1/apps/late"), "");
  std::ofstream(folder / "changed") << 1;
  ::_exit(0);
}

int run_child(const std::filesystem::path& folder, const std::string& point) {
  return run_hidden_test(
      "ManagerCrashChild.*",
      {std::string(kFolderVariable) + "=" + folder.string(), "PENSTOCK_CRASH_AT=" + point});
}

class ManagerCrash : public ManagerTest {
 protected:
  // A folder with an app, and a child that has died in it at the point; then a manager again.
  void die_at(const std::string& point) {
    start_with_app();
    std::ofstream(folder_.path() / "platform.pem") << platform_;
    before_ = audit().size();
    stop();
    const int status = run_child(folder_.path(), point);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "the point was not passed";
    clock_.set_ms(system_clock().now_ms());  // the child has gone by that one
    start();
    must(verify());
    for (const Json& entry : audit() | std::views::drop(before_)) {
      actions_.push_back(entry["action"].get<std::string>());
    }
  }
  bool was(const char* step) const { return std::filesystem::exists(folder_.path() / step); }

  std::size_t before_ = 0;
  std::vector<std::string> actions_;  // of the child
};

using Actions = std::vector<std::string>;

#ifdef PENSTOCK_CRASH_POINTS
#define NEEDS_CRASH_POINTS() (void)0
#else
#define NEEDS_CRASH_POINTS() GTEST_SKIP() << "crash points are not compiled in"
#endif

TEST_F(ManagerCrash, BetweenTheReleasesEntryAndItsAnswer) {
  NEEDS_CRASH_POINTS();
  die_at("manager.release.audited");
  EXPECT_TRUE(was("attested"));
  EXPECT_FALSE(was("released"));
  EXPECT_EQ(actions_, (Actions{"attest", "release"}));
  EXPECT_EQ(audit().back()["outcome"], "granted");
  // The guest's token, which it got before, is good at the next manager.
  Guest guest = this->guest();
  EXPECT_EQ(guest.by_token(kCrashSecretPath, read_text(folder_.path() / "attested")).status, 200);
}

TEST_F(ManagerCrash, BeforeTheReleasesEntryIsCommitted) {
  NEEDS_CRASH_POINTS();
  die_at("manager.audit.written:2");
  EXPECT_FALSE(was("released"));
  EXPECT_EQ(actions_, (Actions{"attest"}));
}

TEST_F(ManagerCrash, BetweenTheAttestationsEntryAndItsAnswer) {
  NEEDS_CRASH_POINTS();
  die_at("manager.attest.audited");
  EXPECT_FALSE(was("attested"));
  EXPECT_EQ(actions_, (Actions{"attest"}));
}

TEST_F(ManagerCrash, BetweenAChangeAndItsEntry) {
  NEEDS_CRASH_POINTS();
  die_at("manager.change.stored");
  EXPECT_TRUE(was("released"));
  EXPECT_FALSE(was("changed"));
  EXPECT_EQ(actions_, (Actions{"attest", "release"}));
  EXPECT_EQ(admin().call("GET", "/v1/apps/late").status, 404);  // neither of the two
}

}  // namespace
}  // namespace penstock::manager
