// A running manager: its folder, store and HTTPS server.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "crypto/random.h"
#include "manager/route.h"
#include "net/http_server.h"

namespace penstock::manager {

struct ServiceOptions {
  std::filesystem::path data = {};
  net::HttpServerOptions http = {};  // address and port; the rest is set here where it is default
  std::vector<std::string> names = {};  // beside the address and "localhost", for the certificate
  std::vector<std::string> workload_names = {};  // at the first start: FolderSpec
  bool development = false;
  DiskGuard::Probe free_bytes = {};        // empty: the system's answer for the data folder
  const Clock* clock = nullptr;            // null: the system's; outlives the service
  crypto::RandomSource* random = nullptr;  // null: the system's; outlives the service
};

// Limits and worker threads as a manager needs them, for any free port of this machine.
net::HttpServerOptions manager_http_options();

class Service {
 public:
  // Listens when it returns, and has written DATA/address.
  static Result<std::unique_ptr<Service>> start(ServiceOptions options);
  ~Service();

  std::string url() const;  // "https://127.0.0.1:7443"
  bool development() const { return store_->development(); }
  Store& store() { return *store_; }
  // What is due once a second. A thread of the service calls it, unless the options brought a
  // clock: then its owner does.
  void tick();
  std::int64_t certificate_ends_s() const { return certificate_ends_s_; }
  void stop(std::chrono::milliseconds grace);

 private:
  Service(OwnerFiles files, const Clock& clock, crypto::RandomSource& random);
  Result<> open(const ServiceOptions& options);
  Result<> listen(ServiceOptions options);
  void handle(const net::HttpRequest& request, net::ResponseWriter& writer);
  void run(const Route& route, Call call, net::ResponseWriter& writer);
  void refuse_login(const Call& call, const Error& error, net::ResponseWriter& writer);
  net::HttpAdmission admit(const net::HttpRequest& head);
  bool may_verify();
  void keep_certificate();
  void watch_collateral();
  Result<> renew_certificate();
  void run_ticks();

  const Clock& clock_;
  crypto::RandomSource& random_;
  OwnerFiles files_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<AuditReader> audit_reader_;
  std::unique_ptr<TokenIssuer> tokens_;
  std::unique_ptr<AdminGate> gate_;
  Sessions sessions_;
  Figures figures_;
  std::unique_ptr<RefusalLog> refusals_;
  std::unique_ptr<DiskGuard> disk_;
  CertificateGate certificates_;
  attest::FactCache facts_;
  CollateralPtr watched_;  // the next two: what was said of it; under ticking_
  std::size_t collateral_alarms_ = 0;
  std::unique_ptr<RouteContext> context_;
  std::vector<std::string> certificate_names_;
  std::atomic<std::int64_t> certificate_ends_s_{0};
  AuthorityPtr certificate_ca_;  // its issuer; under ticking_
  std::atomic<bool> ca_warned_{false};
  std::mutex rotating_;
  std::chrono::steady_clock::time_point verified_since_;  // these two: the io thread alone
  int verified_ = 0;
  std::mutex ticking_;                     // one tick() at a time
  std::unique_ptr<net::HttpServer> http_;  // its threads use the others
  std::mutex mutex_;
  std::condition_variable stopping_changed_;
  bool stopping_ = false;
  std::thread ticks_;
};

}  // namespace penstock::manager
