// Attestation: how many guests a manager serves, and how long an attested penstockd takes from its
// start to its first processed record. Everything runs on this machine, the clients too.
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <latch>
#include <thread>

#include <fmt/format.h>

#include "attest/initdata.h"
#include "base/file.h"
#include "bench/attest_manager.h"
#include "bench/bids.h"
#include "bench/measure.h"
#include "bench/rows.h"
#include "crypto/jwk.h"
#include "topics/embedded_log.h"
#include "topics/log_client.h"
#include "topics/public_identity.h"

extern char** environ;

namespace penstock::bench {
namespace {

using Milliseconds = std::chrono::duration<double, std::milli>;
using std::chrono::steady_clock;

constexpr int kClients = 100;
constexpr int kAttestationsOfClient = 20;
constexpr auto kPatience = std::chrono::seconds(30);

// -- attest_release ------------------------------------------------------------------------------

Result<Measurement> attest_release(const Settings& settings, int round) {
  const auto folder = settings.folder / fmt::format("attest_{}", round);
  auto manager = TRY(AttestManager::start(folder));
  TRY(manager->approve("/proc/self/exe", kBenchInitdata));
  TRY(manager->put("secret", "s", "hunter2"));
  const auto address = TRY(manager->address());
  const auto provider = TRY(tee::open_provider(
      "simulated", {.config_digest = TRY(attest::initdata_digest(kBenchInitdata)),
                    .platform_key_file = manager->platform_file().string()}));

  std::vector<Result<std::vector<double>>> results(kClients, std::vector<double>());
  std::latch go(kClients + 1);
  std::vector<std::thread> clients;
  for (auto& result : results) {
    clients.emplace_back([&] {
      go.arrive_and_wait();
      result = attest_many(address, *provider, kAttestationsOfClient);
    });
  }
  const double cpu_before = process_cpu_seconds();
  const auto started = steady_clock::now();
  go.arrive_and_wait();
  for (std::thread& client : clients) client.join();
  const std::chrono::duration<double> took = steady_clock::now() - started;

  std::vector<double> all_ms;
  for (auto& result : results) {
    const auto times = TRY(std::move(result));
    all_ms.insert(all_ms.end(), times.begin(), times.end());
  }
  std::ranges::sort(all_ms);
  const auto count = static_cast<double>(all_ms.size());
  return Measurement{
      .records = all_ms.size(),
      .cpu_seconds = process_cpu_seconds() - cpu_before,
      .note = fmt::format("{:.0f} per second with {} clients; p50 {:.0f} ms, p99 {:.0f} ms",
                          count / took.count(), kClients, all_ms[all_ms.size() / 2],
                          all_ms[all_ms.size() * 99 / 100])};
}

// -- attested_start ------------------------------------------------------------------------------

constexpr std::string_view kStartSql =
    "CREATE STREAM bid (`auction` BIGINT, `dateTime` BIGINT) WITH (KAFKA_TOPIC='bid_sealed', "
    "VALUE_FORMAT='JSON', SEAL='psr1', KEY_POLICY='bench-v1'); CREATE STREAM first WITH "
    "(KAFKA_TOPIC='first', VALUE_FORMAT='JSON') AS SELECT `auction` FROM bid EMIT CHANGES;";

// The key broker's resources of the bench policy, and the configuration that names them.
Result<std::string> prepare_keys(AttestManager& manager) {
  const seal::KeyRing* keys = TRY(bench_keys());
  const seal::Policy* policy = TRY(keys->policy(kPolicy));
  TRY(manager.put("policy", kPolicy, policy->to_json().dump()));
  Json jwk = crypto::to_jwk(*keys->reader_key(kPolicy));
  TRY(manager.put("reader-key", kPolicy, jwk.dump()));
  TRY(manager.put("state-key", "default_", std::string(32, 'k')));
  crypto::wipe_json(jwk);
  return fmt::format(
      "version = \"0.1.0\"\nalgorithm = \"sha384\"\n[data]\n"
      "\"ca.pem\" = '''\n{}'''\n\"penstock.toml\" = '''\nsql = \"{}\"\n"
      "[manager]\nurl = \"{}\"\nca = \"ca.pem\"\napp = \"{}\"\n"
      "[policies.{}]\ndigest = \"{}\"\nopen = true\n'''\n",
      TRY(read_file(manager.ca_file(), 1 << 16)), kStartSql, manager.url(), kApp, kPolicy,
      to_hex(policy->digest()));
}

class Process {
 public:
  static Result<Process> start(const std::vector<std::string>& words,
                               const std::filesystem::path& log) {
    std::vector<char*> arguments;
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    for (const int fd : {1, 2}) {
      posix_spawn_file_actions_addopen(&actions, fd, log.c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                       0600);
    }
    pid_t pid = 0;
    const int problem =
        posix_spawn(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (problem != 0) return fail(os_error("starting", words[0], problem));
    return Process(pid);
  }
  Process(Process&& other) noexcept : pid_(std::exchange(other.pid_, 0)) {}
  ~Process() {
    if (pid_ == 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  bool runs() const { return waitpid(pid_, nullptr, WNOHANG) == 0; }

 private:
  explicit Process(pid_t pid) : pid_(pid) {}
  pid_t pid_;
};

Result<> wait_for_first_record(const std::filesystem::path& data, const Process& server,
                               const std::filesystem::path& log_file) {
  const auto topic = TRY(topics::TopicName::parse("first"));
  const auto deadline = steady_clock::now() + kPatience;
  std::unique_ptr<topics::Log> log;
  while (steady_clock::now() < deadline && server.runs()) {
    if (log == nullptr) {
      if (auto connected = topics::connect_log(data)) log = *std::move(connected);
    } else if (auto info = log->describe(topic); info && info->partitions[0].end > 0) {
      return {};
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return fail(ErrorCode::timeout,
              fmt::format("penstockd gave no record; its log:\n{}",
                          read_file(log_file, 1 << 20).value_or("(not there)")));
}

Result<Measurement> attested_start(const Settings& settings, int round) {
  const auto folder = settings.folder / fmt::format("start_{}", round);
  const auto program = std::filesystem::canonical("/proc/self/exe").parent_path() / "penstockd";
  if (!std::filesystem::exists(program)) {
    return fail(ErrorCode::not_found, "penstockd is not built beside this program");
  }
  auto manager = TRY(AttestManager::start(folder));
  const std::string initdata = TRY(prepare_keys(*manager));
  TRY(manager->approve(program, initdata));
  const auto config = folder / "initdata.toml";
  TRY(write_file(config, as_bytes(initdata)));
  {
    auto log = TRY(topics::EmbeddedLog::open(
        {.folder = folder / "data", .identity = topics::clients_identity()}));
    TRY(load_topic(*log, "bid_sealed", true, 1000));
  }
  const auto log_file = folder / "penstockd.log";
  const auto started = steady_clock::now();
  const Process server =
      TRY(Process::start({program.string(), "--data", (folder / "data").string(), "--listen",
                          "127.0.0.1:0", "--config", config.string(), "--tee", "simulated",
                          "--platform-key", manager->platform_file().string()},
                         log_file));
  TRY(wait_for_first_record(folder / "data", server, log_file));
  const Milliseconds took = steady_clock::now() - started;
  return Measurement{
      .records = 1,
      .cpu_seconds = took.count() / 1000,
      .note = fmt::format("{:.0f} ms from penstockd's start to its first record", took.count())};
}

}  // namespace

std::vector<Row> attest_rows() {
  return {{.name = "attest_release",
           .share_of = "",
           .what = "attestation and one secret, manager and 100 clients in one process",
           .run = attest_release},
          {.name = "attested_start",
           .share_of = "",
           .what = "start of penstockd with keys by attestation (time on the clock, not CPU)",
           .run = attested_start}};
}

}  // namespace penstock::bench
