// A manager that is killed at any moment: no key without its entry, no approval lost that was
// answered. 20 rounds, 200 with PENSTOCK_LONG.
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "base/check.h"
#include "manager/test_manager.h"

extern char** environ;

namespace penstock::manager {
namespace {

constexpr const char* kKillFolder = "PENSTOCK_KILL_FOLDER";

// The process that is killed.
TEST(ManagerKillChild, DISABLED_ServesUntilItIsKilled) {
  const char* variable = std::getenv(kKillFolder);
  if (variable == nullptr) GTEST_SKIP() << "only started by ManagerKill";
  const std::filesystem::path folder = variable;
  const auto service =
      must(Service::start({.data = folder / "manager", .http = manager_http_options()}));
  std::ofstream(folder / "ready") << service->url();
  std::rename((folder / "ready").c_str(), (folder / "address").c_str());
  while (true) ::pause();
}

class Child {
 public:
  explicit Child(const std::filesystem::path& folder) : address_(folder / "address") {
    std::filesystem::remove(address_);
    const std::string program = std::filesystem::read_symlink("/proc/self/exe");
    std::vector<std::string> words = {program, "--gtest_also_run_disabled_tests",
                                      "--gtest_filter=ManagerKillChild.*"};
    std::vector<std::string> variables = {std::string(kKillFolder) + "=" + folder.string()};
    for (char** each = environ; *each != nullptr; ++each) variables.emplace_back(*each);
    std::vector<char*> arguments, environment;
    for (std::string& word : words) arguments.push_back(word.data());
    for (std::string& variable : variables) environment.push_back(variable.data());
    arguments.push_back(nullptr);
    environment.push_back(nullptr);
    CHECK(posix_spawn(&pid_, program.c_str(), nullptr, nullptr, arguments.data(),
                      environment.data()) == 0);
  }
  ~Child() { kill(); }
  std::string url() const {
    for (int i = 0; i < 2'000 && !std::filesystem::exists(address_); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return std::filesystem::exists(address_) ? read_text(address_) : "";
  }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

 private:
  const std::filesystem::path address_;
  pid_t pid_ = 0;
};

class ManagerKill : public ManagerTest {
 protected:
  // What was answered before the end came.
  struct Answered {
    std::map<std::string, int> releases;  // by guest
    std::vector<std::string> builds;
  };

  void use_keys(const std::string& url, Answered& out) const {
    while (true) {
      Guest guest(url, data(), platform_);
      guest.forgive();
      if (guest.handshake() != 200) return;
      const std::string name =
          "guest:" +
          to_hex(must(crypto::JweRecipient::from_jwk(guest.jwk, "key")).thumbprint()).substr(0, 16);
      for (int i = 0; i < 5; ++i) {
        if (guest.by_token("payments/secret/db").status != 200) return;
        ++out.releases[name];
      }
    }
  }
  void approve(const std::string& url, int round, Answered& out) const {
    Caller owner = Caller::admin(url, data());
    owner.forgiving = true;
    for (int i = 0;; ++i) {
      const std::string build = hex_sha384(fmt::format("{} {}", round, i));
      const Json body = {{"measurement", build}};
      if (owner.call("POST", "/v1/apps/payments/builds", body.dump()).status != 200) return;
      out.builds.push_back(build);
    }
  }
  void check(const Answered& answered) const {
    must(verify());
    std::map<std::string, int> entered;
    for (const Json& entry : audit()) {
      if (entry["action"] == "release" && entry["outcome"] == "granted")
        ++entered[entry["actor"].get<std::string>()];
    }
    for (const auto& [guest, count] : answered.releases) EXPECT_GE(entered[guest], count) << guest;
    std::set<std::string> approved;
    const Json app = admin().get("/v1/apps/payments");
    for (const Json& build : app["builds"])
      approved.insert(build["measurement"].get<std::string>());
    for (const std::string& build : answered.builds) EXPECT_TRUE(approved.contains(build)) << build;
  }
};

TEST_F(ManagerKill, LosesNoApprovalAndLeavesNoKeyWithoutItsEntry) {
  start_with_app();
  stop();
  const int rounds = std::getenv("PENSTOCK_LONG") != nullptr ? 200 : 20;
  const auto seed = std::random_device{}();
  std::mt19937 random(seed);
  std::uniform_int_distribution<int> milliseconds(0, 120);
  std::size_t releases = 0, builds = 0;
  for (int round = 0; round < rounds; ++round) {
    SCOPED_TRACE(fmt::format("round {} of seed {}", round, seed));
    Answered answered;
    Child child(folder_.path());
    const std::string url = child.url();
    ASSERT_NE(url, "");
    std::thread guest([&] { use_keys(url, answered); });
    std::thread owner([&] { approve(url, round, answered); });
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds(random)));
    child.kill();
    guest.join();
    owner.join();
    clock_.set_ms(system_clock().now_ms());
    start();
    check(answered);
    stop();
    releases += answered.releases.size();
    builds += answered.builds.size();
  }
  EXPECT_GT(builds, 0U);
  EXPECT_GT(releases, 0U);
}

}  // namespace
}  // namespace penstock::manager
