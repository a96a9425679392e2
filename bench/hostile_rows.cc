// Attestation beside 1,000 hostile connections of 1,000 peers: what honest guests and the owner
// get of a manager then. Everything runs on this machine, the strangers too.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <latch>
#include <memory>
#include <thread>

#include <fmt/format.h>

#include "attest/initdata.h"
#include "bench/attest_manager.h"
#include "bench/measure.h"
#include "bench/rows.h"
#include "net/raw_client.h"

namespace penstock::bench {
namespace {

using Milliseconds = std::chrono::duration<double, std::milli>;
using std::chrono::steady_clock;

constexpr std::uint32_t kSilent = 450, kHalfHandshakes = 450, kSenders = 4, kPeersOfSender = 25;
constexpr int kHonestClients = 20, kReleasesOfClient = 10, kAdminCalls = 50;

// 127.0.x.y with y from 2 to 251.
std::uint32_t peer_number(std::uint32_t i) {
  return i / 250 * 256 + i % 250 + 2;
}

class Strangers {
 public:
  explicit Strangers(const AttestManager& manager) : manager_(manager) {}
  ~Strangers() {
    over_ = true;
    for (std::thread& sender : senders_) sender.join();
  }
  Result<> begin() {
    const auto address = TRY(manager_.address());
    for (std::uint32_t i = 0; i < kSilent + kHalfHandshakes; ++i) {
      sockets_.push_back(std::make_unique<net::RawClient>(address.manager.port, peer_number(i)));
      if (i % 2 == 1) sockets_.back()->say(std::string("\x16\x03\x01\x02\x00\x01\x00", 7));
    }
    for (std::uint32_t s = 0; s < kSenders; ++s)
      senders_.emplace_back([this, address, s] { send_for_ever(address, s); });
    return {};
  }

 private:
  // Large bodies and garbage, from one peer after the other.
  void send_for_ever(const enroll::BrokerAddress& to, std::uint32_t sender) const {
    for (std::uint32_t i = 0; !over_; ++i) {
      const std::uint32_t peer =
          peer_number(kSilent + kHalfHandshakes + sender * kPeersOfSender + i % kPeersOfSender);
      net::HttpClientOptions options{.trust = to.trust};
      options.from = fmt::format("127.0.{}.{}", peer / 256, peer % 256);
      net::HttpRequest request;
      request.method = "POST";
      request.path = i % 2 == 0 ? "/kbs/v0/attest" : "/v1/apps/bench";
      request.body = std::string(i % 3 == 0 ? 2 << 20 : 15'000, '{');
      (void)net::http_call(to.manager, request, options);
    }
  }

  const AttestManager& manager_;
  std::atomic<bool> over_ = false;
  std::vector<std::unique_ptr<net::RawClient>> sockets_;
  std::vector<std::thread> senders_;
};

Result<std::vector<double>> call_as_admin(const AttestManager& manager) {
  const auto to = TRY(manager.address());
  const std::string login = "Bearer " + TRY(manager.admin_token());
  std::vector<double> took_ms;
  for (int i = 0; i < kAdminCalls; ++i) {
    const auto started = steady_clock::now();
    net::HttpRequest request;
    request.method = "GET";
    request.path = "/v1/apps";
    request.fields = {{"Authorization", login}};
    const auto answer = TRY(net::http_call(to.manager, request, {.trust = to.trust}));
    if (answer.status != 200)
      return fail(ErrorCode::internal, fmt::format("an admin's call got {}", answer.status));
    took_ms.push_back(Milliseconds(steady_clock::now() - started).count());
  }
  return took_ms;
}

double at(std::vector<double>& values, std::size_t percent) {
  std::ranges::sort(values);
  return values[std::min(values.size() - 1, values.size() * percent / 100)];
}

Result<Measurement> beside_strangers(const Settings& settings, int round) {
  auto manager = TRY(AttestManager::start(settings.folder / fmt::format("hostile_{}", round)));
  TRY(manager->approve("/proc/self/exe", kBenchInitdata));
  TRY(manager->put("secret", "s", "hunter2"));
  const auto digest = TRY(attest::initdata_digest(kBenchInitdata));
  const auto provider = TRY(tee::open_provider(
      "simulated",
      {.config_digest = digest, .platform_key_file = manager->platform_file().string()}));
  Strangers strangers(*manager);
  TRY(strangers.begin());

  const auto address = TRY(manager->address());
  std::vector<Result<std::vector<double>>> honest(kHonestClients, std::vector<double>());
  Result<std::vector<double>> admin = std::vector<double>();
  std::vector<std::thread> threads;
  const double cpu_before = process_cpu_seconds();
  for (auto& result : honest) {
    threads.emplace_back([&] { result = attest_many(address, *provider, kReleasesOfClient); });
  }
  threads.emplace_back([&] { admin = call_as_admin(*manager); });
  for (std::thread& thread : threads) thread.join();

  std::vector<double> released_ms;
  for (auto& result : honest) {
    const auto times = TRY(std::move(result));
    released_ms.insert(released_ms.end(), times.begin(), times.end());
  }
  auto admin_ms = TRY(std::move(admin));
  return Measurement{
      .records = released_ms.size(),
      .cpu_seconds = process_cpu_seconds() - cpu_before,
      .note = fmt::format("all answered; releases p50 {:.0f} ms, p99 {:.0f} ms; admin's calls over "
                          "new connections p50 {:.0f} ms, p99 {:.0f} ms",
                          at(released_ms, 50), at(released_ms, 99), at(admin_ms, 50),
                          at(admin_ms, 99))};
}

}  // namespace

std::vector<Row> hostile_rows() {
  return {{.name = "attest_hostile",
           .share_of = "",
           .what = "attestation, one secret and an admin's calls beside 1,000 hostile connections",
           .run = beside_strangers}};
}

}  // namespace penstock::bench
