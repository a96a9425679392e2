// Strangers who want to be in the way, beside an owner and honest guests.
#include <fcntl.h>

#include <thread>

#include "base/descriptor_limit.h"
#include "manager/test_manager.h"
#include "net/raw_client.h"

namespace penstock::manager {
namespace {

constexpr const char* kDbPath = "payments/secret/db";

class Hostile : public ManagerTest {
 protected:
  std::uint16_t port() const { return must(net::parse_http_address(service_->url())).port; }
  net::HttpClientOptions from(std::uint32_t number) const {
    net::HttpClientOptions options = Caller::options(data());
    options.from = fmt::format("127.0.{}.{}", number / 250, number % 250 + 2);
    options.connect_timeout = std::chrono::milliseconds(60'000);
    return options;
  }
  static std::uint32_t raw_number(std::uint32_t number) {
    return number / 250 * 256 + number % 250 + 2;
  }
  std::size_t entries() const { return static_cast<std::size_t>(head().sequence); }
};

// 1,000 connections of 1,000 peers: silent, in the middle of a handshake, and with bodies that
// never end. Everybody else is answered.
TEST_F(Hostile, AThousandConnectionsKeepNobodyFromBeingAnswered) {
  start_with_app();
  if (const auto limit = raise_descriptor_limit(2'500); !limit)
    GTEST_SKIP() << limit.error().text();
  std::vector<std::unique_ptr<net::RawClient>> strangers;
  for (std::uint32_t i = 0; i < 900; ++i) {
    strangers.push_back(std::make_unique<net::RawClient>(port(), raw_number(i)));
    if (i % 2 == 1) strangers.back()->say(std::string("\x16\x03\x01\x02\x00\x01\x00", 7));
  }
  std::atomic<bool> over = false;
  std::vector<std::thread> senders;
  const auto address = must(net::parse_http_address(service_->url()));
  for (std::uint32_t i = 900; i < 1'000; i += 25) {  // 25 connections of each thread
    senders.emplace_back([&, i] {
      while (!over) {
        for (std::uint32_t j = i; j < i + 25 && !over; ++j) {
          net::HttpRequest request{.method = "POST",
                                   .path = j % 2 == 0 ? "/kbs/v0/attest" : "/v1/apps/payments",
                                   .body = std::string(j % 3 == 0 ? 2 << 20 : 15'000, '{')};
          (void)net::http_call(address, request, from(j));
        }
      }
    });
  }
  Caller owner = admin();
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(owner.call("GET", "/v1/info").status, 200);
    EXPECT_EQ(admin().call("GET", "/v1/apps").status, 200);  // and over a new connection
    Guest guest = this->guest();
    EXPECT_EQ(guest.handshake(), 200);
    EXPECT_EQ(guest.by_cookie(kDbPath).status, 200);
  }
  over = true;
  for (std::thread& sender : senders) sender.join();
  must(verify());
}

TEST_F(Hostile, OnePeerWithAllConnectionsLocksNobodyOut) {
  start_with_app();
  if (const auto limit = raise_descriptor_limit(2'500); !limit)
    GTEST_SKIP() << limit.error().text();
  std::vector<std::unique_ptr<net::RawClient>> strangers;
  for (std::size_t i = 0; i < kConnectionsPerPeerMax + 50; ++i)
    strangers.push_back(std::make_unique<net::RawClient>(port(), 7));
  EXPECT_TRUE(strangers.front()->is_ended());
  EXPECT_EQ(admin().call("GET", "/v1/info").status, 200);
  // The same address, even: a newcomer takes the place of the oldest silent one.
  net::HttpClient beside(must(net::parse_http_address(service_->url())), from(5));
  EXPECT_EQ(must(beside.call({.method = "GET", .path = "/healthz"})).status, 200);
  EXPECT_NE(anybody().call("GET", "/metrics").body.find("penstock_manager_evictions_total"),
            std::string::npos);
}

TEST_F(Hostile, StrangersSendSmallBodiesOnly) {
  start_with_app();
  Caller stranger = anybody();
  const std::string large(kSmallBodyBytesMax + 1, ' ');
  EXPECT_EQ(stranger.call("POST", "/kbs/v0/auth", large).status, 413);
  EXPECT_EQ(anybody().call("POST", "/kbs/v0/attest", large).status, 413);
  EXPECT_EQ(anybody().call("PUT", "/v1/apps/payments/secrets/a/b", large).status, 413);
  EXPECT_EQ(anybody().call("POST", "/nothing", large).status, 413);
  // Who holds a challenge may show evidence, and who is logged in may bring a secret.
  Guest guest = this->guest();
  ASSERT_EQ(guest.auth().status, 200);
  Json request = guest.request();
  request["tee-evidence"]["primary_evidence"]["padding"] = std::string(100'000, 'x');
  EXPECT_NE(guest.attest(request).status, 413);
  EXPECT_EQ(guest.attest(request).status, 413);  // the challenge is used up
  EXPECT_EQ(admin().call("PUT", "/v1/apps/payments/secrets/a/b", large).status, 200);
}

TEST_F(Hostile, AConfigurationIsNotParsedBeforeItsEvidenceHolds) {
  start_with_app();
  std::string headings = "version = \"0.1.0\"\nalgorithm = \"sha384\"\n";
  while (headings.size() < 60'000) headings += "[a.b.c]\n";
  Guest guest = this->guest();
  guest.initdata = headings;
  ASSERT_EQ(guest.auth().status, 200);
  // Judged by its hash: another configuration than the measured one, whatever it is.
  EXPECT_EQ(detail(guest.attest()), "denied: binding (config_digest)");
  // One that was measured is read, and refused for what it is.
  guest.host_data = hex_sha384(headings);
  ASSERT_EQ(guest.auth().status, 200);
  EXPECT_EQ(detail(guest.attest()), "denied: initdata (initdata)");
  EXPECT_EQ(last_denial()["rules"].at(0)["name"], "initdata");
}

TEST_F(Hostile, EvidenceThatNobodyVerifiesIsRefused) {
  start_with_app();
  Guest guest = this->guest();
  ASSERT_EQ(guest.auth().status, 200);
  Json request = guest.request();
  request["tee-evidence"]["additional_evidence"] = R"({"nvidia": {}})";
  EXPECT_EQ(detail(guest.attest(request)), "denied: additional-evidence (additional_evidence)");
}

// What was refused leaves its mark, whatever it was; a flood of it leaves few.
TEST_F(Hostile, EveryKindOfRefusalIsEntered) {
  start_with_app();
  const auto count = [&](const std::string& action, const std::string& outcome) {
    return std::ranges::count_if(audit(), [&](const Json& entry) {
      return entry["action"] == action && entry["outcome"] == outcome;
    });
  };
  const std::size_t before = entries();
  Guest guest = this->guest();
  guest.initdata = "[x]";
  ASSERT_EQ(guest.auth().status, 200);
  EXPECT_EQ(guest.attest().status, 400);                                  // no algorithm
  EXPECT_EQ(anybody().call("POST", "/kbs/v0/attest", "{}").status, 401);  // no session
  ASSERT_EQ(guest.auth().status, 200);
  EXPECT_EQ(guest.attest(Json::object()).status, 400);
  EXPECT_EQ(anybody().call("POST", "/kbs/v0/auth", "x").status, 400);
  EXPECT_EQ(guest.by_token(kDbPath, "a.b.c").status, 401);
  EXPECT_EQ(anybody().call("GET", std::string("/kbs/v0/resource/") + kDbPath).status, 401);
  EXPECT_EQ(count("attest", "denied"), 3);
  EXPECT_EQ(count("auth", "denied"), 1);
  EXPECT_EQ(count("release", "denied"), 2);
  EXPECT_EQ(entries(), before + 6);
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(guest.by_token(kDbPath, "a.b.c").status, 401);
    EXPECT_EQ(anybody().call("POST", "/kbs/v0/auth", "x").status, 400);
  }
  EXPECT_EQ(entries(), before + 6);
  clock_.set_ms(clock_.now_ms() + kRefusalIntervalMs);
  service_->tick();
  EXPECT_EQ(entries(), before + 8);
  must(verify());
}

TEST_F(Hostile, RefusalsOfAnAppThatDoesNotExistHaveNoGateOfTheirOwn) {
  start_with_app();
  Guest guest = this->guest();
  ASSERT_EQ(guest.handshake(), 200);
  for (int i = 0; i < 300; ++i)
    EXPECT_EQ(guest.by_cookie(fmt::format("app{}/secret/x", i)).status, 404);
  const auto denials = std::ranges::count_if(
      audit(), [](const Json& entry) { return entry["outcome"] == "denied"; });
  EXPECT_EQ(denials, 1);
}

TEST_F(Hostile, NothingLeavesThatCouldNotBeEntered) {
  std::atomic<std::uint64_t> room = 10ULL << 30;
  free_bytes_ = [&]() -> Result<std::uint64_t> { return room.load(); };
  start_with_app();
  Guest guest = this->guest();
  ASSERT_EQ(guest.handshake(), 200);
  const auto metrics = [&] { return anybody().call("GET", "/metrics").body; };
  EXPECT_NE(metrics().find("penstock_manager_disk_low 0\n"), std::string::npos);
  room = DiskGuard::kLowBytes - 1;  // told of, before it is full
  service_->tick();
  EXPECT_NE(metrics().find("penstock_manager_disk_low 1\n"), std::string::npos);
  EXPECT_EQ(guest.by_cookie(kDbPath).status, 200);
  room = DiskGuard::kStopBytes - 1;
  service_->tick();
  const auto refused = guest.by_cookie(kDbPath);
  EXPECT_EQ(refused.status, 507);
  EXPECT_NE(detail(refused).find("no room on its disk"), std::string::npos) << refused.body;
  Guest other = this->guest();
  EXPECT_EQ(other.handshake(), 507);
  EXPECT_EQ(admin().call("PUT", "/v1/apps/late").status, 200);  // the owner goes on
  room = 10ULL << 30;
  service_->tick();
  EXPECT_EQ(guest.by_cookie(kDbPath).status, 200);
}

TEST_F(Hostile, TheServersCertificateIsRenewedBeforeItEnds) {
  start();
  const std::int64_t ends_s = service_->certificate_ends_s();
  EXPECT_NE(
      anybody()
          .call("GET", "/metrics")
          .body.find(fmt::format("penstock_manager_certificate_not_after_seconds {}\n", ends_s)),
      std::string::npos);
  service_->tick();
  EXPECT_EQ(service_->certificate_ends_s(), ends_s);
  // A clock that is ahead of this machine's, so the certificate is not good yet for clients here:
  // that it is shown to them is tested in net.
  clock_.set_ms((ends_s - kCertificateRenewalSeconds) * 1000);
  service_->tick();
  EXPECT_EQ(service_->certificate_ends_s(),
            ends_s - kCertificateRenewalSeconds + kServerCertificateSeconds);
}

}  // namespace
}  // namespace penstock::manager
