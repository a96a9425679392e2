// The certificate of the REST interface from the manager's workload CA: fetched at the start,
// renewed while the program runs. Its key is the enclave's own and never leaves.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "enroll/enrollment.h"
#include "net/tls.h"

namespace penstock::server {

struct RestCertificateSpec {
  std::vector<std::string> names;
  std::int64_t life_s = 0;
  std::optional<crypto::Certificate> client_ca;  // TlsServerIdentity's
};

// Thread-safe.
class RestCertificate {
 public:
  using Identity = std::shared_ptr<const net::TlsServerIdentity>;
  struct State {
    std::int64_t ends_s = 0;
    std::int64_t renewals = 0, failures = 0;
  };

  // The first one. A manager that is away is waited for; a denial ends it (permission_denied), and
  // so does `cancel` (cancelled). The enrollment outlives it, and so does `cancel`.
  static Result<std::unique_ptr<RestCertificate>> start(enroll::Enrollment& enrollment,
                                                        RestCertificateSpec spec,
                                                        const net::HttpCancel& cancel);
  ~RestCertificate();  // stop()

  Identity identity() const;    // the latest
  std::string key_pin() const;  // SHA-256 of its key, hex; stays the same
  State state() const;

  // From now on: when two thirds of its life are over, and again and again while that fails. `show`
  // is called with each new one, on a thread of this, until stop(). Once. What fails is said; a
  // withdrawn approval ends the program by the enrollment's own renewal.
  void keep_renewed(std::function<void(Identity)> show);
  void stop();

 private:
  RestCertificate(enroll::Enrollment& enrollment, RestCertificateSpec spec)
      : enrollment_(enrollment), spec_(std::move(spec)) {}
  Result<> fetch();
  void run(const std::function<void(Identity)>& show);
  void note_failure(const Error& error);

  enroll::Enrollment& enrollment_;
  const RestCertificateSpec spec_;
  mutable std::mutex mutex_;  // of what follows
  std::condition_variable stopping_changed_;
  bool stopping_ = false;
  Identity identity_;
  std::string key_pin_;
  State state_;
  std::thread thread_;
};

}  // namespace penstock::server
