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
#include "attest/simulated.h"
#include "base/file.h"
#include "bench/bids.h"
#include "bench/measure.h"
#include "bench/rows.h"
#include "crypto/jwk.h"
#include "enroll/broker_client.h"
#include "manager/service.h"
#include "topics/embedded_log.h"
#include "topics/log_client.h"
#include "topics/public_identity.h"

extern char** environ;

namespace penstock::bench {
namespace {

using Milliseconds = std::chrono::duration<double, std::milli>;
using std::chrono::steady_clock;

constexpr const char* kApp = "bench";
constexpr int kClients = 100;
constexpr int kAttestationsOfClient = 20;
constexpr auto kPatience = std::chrono::seconds(30);

// A development manager with one app whose secrets every simulated guest of ours may have.
class Manager {
 public:
  static Result<std::unique_ptr<Manager>> start(const std::filesystem::path& folder) {
    auto key = TRY(crypto::P256PrivateKey::generate(crypto::system_random()));
    std::unique_ptr<Manager> out(new Manager(folder, std::move(key)));
    std::filesystem::create_directories(folder);
    TRY(write_file(out->platform_file(), TRY(out->platform_.to_pem()).view(), 0600));
    out->service_ = TRY(manager::Service::start({.data = folder / "manager",
                                                 .http = manager::manager_http_options(),
                                                 .development = true}));
    manager::Store& store = out->service_->store();
    TRY(store.add_platform("bench", attest::platform_id(out->platform_.public_key()),
                           out->platform_.public_key()));
    TRY(store.put_app("bench", kApp, "benchmark"));
    return out;
  }

  Result<> approve(const std::filesystem::path& program, std::string_view initdata) {
    const auto measurement = TRY(crypto::sha384_file(program));
    manager::Store& store = service_->store();
    TRY(store.approve_build("bench", kApp, {.value = to_hex(measurement), .note = ""}));
    return store.approve_config(
        "bench", kApp, {.value = to_hex(TRY(attest::initdata_digest(initdata))), .note = ""});
  }

  Result<> put(std::string_view kind, std::string_view name, std::string_view text) {
    return service_->store().put_secret(
        "bench", {.app = kApp, .kind = std::string(kind), .name = std::string(name)},
        as_bytes(text));
  }

  Result<enroll::BrokerAddress> address() const {
    const std::string pem = TRY(read_file(ca_file(), 1 << 16));
    enroll::BrokerAddress out{.manager = TRY(net::parse_http_address(service_->url())),
                              .trust = nullptr};
    out.trust = TRY(net::TlsTrust::create(TRY(crypto::Certificate::from_pem(pem))));
    return out;
  }
  std::string url() const { return service_->url(); }
  std::filesystem::path platform_file() const { return folder_ / "platform.key.pem"; }
  std::filesystem::path ca_file() const { return folder_ / "manager" / "ca.pem"; }

 private:
  Manager(std::filesystem::path folder, crypto::P256PrivateKey platform)
      : folder_(std::move(folder)), platform_(std::move(platform)) {}
  const std::filesystem::path folder_;
  const crypto::P256PrivateKey platform_;
  std::unique_ptr<manager::Service> service_;
};

constexpr std::string_view kInitdata =
    "version = \"0.1.0\"\nalgorithm = \"sha384\"\n[data]\n\"penstock.toml\" = \"\"\n";

// -- attest_release ------------------------------------------------------------------------------

// One guest after the other: challenge, evidence, token, one secret.
Result<std::vector<double>> attest_many(const enroll::BrokerAddress& address,
                                        const tee::Provider& provider) {
  auto client = TRY(enroll::BrokerClient::create(address, provider, std::string(kInitdata),
                                                 crypto::system_random(), nullptr));
  std::vector<double> took_ms;
  for (int i = 0; i < kAttestationsOfClient; ++i) {
    const auto started = steady_clock::now();
    TRY(client->attest());
    const auto secret = TRY(client->resource({.app = kApp, .kind = "secret", .name = "s"}));
    if (as_text(secret.view()) != "hunter2") return fail(ErrorCode::internal, "another secret");
    took_ms.push_back(Milliseconds(steady_clock::now() - started).count());
  }
  return took_ms;
}

Result<Measurement> attest_release(const Settings& settings, int round) {
  const auto folder = settings.folder / fmt::format("attest_{}", round);
  auto manager = TRY(Manager::start(folder));
  TRY(manager->approve("/proc/self/exe", kInitdata));
  TRY(manager->put("secret", "s", "hunter2"));
  const auto address = TRY(manager->address());
  const auto provider = TRY(
      tee::open_provider("simulated", {.config_digest = TRY(attest::initdata_digest(kInitdata)),
                                       .platform_key_file = manager->platform_file().string()}));

  std::vector<Result<std::vector<double>>> results(kClients, std::vector<double>());
  std::latch go(kClients + 1);
  std::vector<std::thread> clients;
  for (auto& result : results) {
    clients.emplace_back([&] {
      go.arrive_and_wait();
      result = attest_many(address, *provider);
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
Result<std::string> prepare_keys(Manager& manager) {
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
  auto manager = TRY(Manager::start(folder));
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
