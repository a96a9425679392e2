#include "bench/mqtt_idle.h"

#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <fstream>
#include <memory>
#include <mutex>

#include <fmt/format.h>

#include "bench/measure.h"
#include "bench/mosquitto.h"
#include "connect/mqtt/client.h"

namespace penstock::bench {
namespace {

using namespace std::chrono_literals;
namespace mqtt = connect::mqtt;

constexpr std::size_t kIdle = 2'000;
constexpr auto kIdlePatience = 60s;

std::uint64_t resident_bytes() {
  std::uint64_t all = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

class Connecting final : public mqtt::Client::Listener {
 public:
  void on_connected(bool, std::uint16_t) override { note(std::nullopt); }
  void on_subscribed(const std::vector<std::string>&) override {}
  void on_message(std::uint64_t, const mqtt::Publish&) override {}
  void on_done(mqtt::Outbound::Token, std::uint8_t) override {}
  bool on_lost(const Error& reason, bool) override {
    note(reason);
    return false;
  }
  Result<> wait(std::size_t connections) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, kIdlePatience, [&] { return lost_ || connected_ == connections; }))
      return fail(ErrorCode::timeout, fmt::format("{} connections were made", connected_));
    if (lost_) return fail(*lost_);
    return {};
  }

 private:
  void note(std::optional<Error> lost) {
    const std::lock_guard lock(mutex_);
    if (lost)
      lost_ = std::move(lost);
    else
      ++connected_;
    changed_.notify_one();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t connected_ = 0;
  std::optional<Error> lost_;
};

Result<> raise_descriptors() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 2 * kIdle) {
    limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 4 * kIdle);
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  if (limit.rlim_cur >= kIdle + 100) return {};
  return fail(ErrorCode::unavailable, "too few descriptors are allowed here (ulimit -n)");
}

}  // namespace

Result<Measurement> mqtt_idle(const Settings& settings, bool tls) {
  constexpr std::size_t kAtATime = 100;
  const Mosquitto* broker = TRY(Mosquitto::get(settings));
  TRY(raise_descriptors());
  Connecting connecting;
  net::EventLoop loop;
  std::vector<std::unique_ptr<mqtt::Client>> clients;
  clients.reserve(kIdle);
  mqtt::ClientOptions options;
  options.target = {.host = "127.0.0.1", .port = tls ? broker->tls_port() : broker->port()};
  if (tls) options.target.trust = broker->trust();
  options.keep_alive_s = 600;
  options.subscriptions.push_back({.filter = "bench/idle/#", .qos = 1});
  ::malloc_trim(0);
  const std::uint64_t before = resident_bytes();
  const double cpu = process_cpu_seconds();
  Result<> all;
  while (all && clients.size() < kIdle) {
    loop.run([&] {
      for (std::size_t i = 0; i < kAtATime; ++i) {
        options.client_id = fmt::format("idle-{}-{}", tls ? "tls" : "plain", clients.size());
        clients.push_back(mqtt::Client::start(loop, options, connecting));
      }
    });
    all = connecting.wait(clients.size());
  }
  const double took = process_cpu_seconds() - cpu;
  ::malloc_trim(0);
  const std::uint64_t held = resident_bytes() - before;
  loop.run([&] { clients.clear(); });
  TRY(all);
  return Measurement{
      .records = kIdle, .cpu_seconds = took, .note = fmt::format("{} bytes each", held / kIdle)};
}

}  // namespace penstock::bench
