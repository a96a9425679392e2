// An enclave's membership: keys by attestation at the start, renewal while it runs.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "enroll/broker_client.h"
#include "seal/keyring.h"

namespace penstock::enroll {

// A seal policy that the measured configuration names.
struct WantedPolicy {
  std::string id;
  std::string digest;  // hex of SHA-256; the released document must have it
  bool open = false;   // the reader key is needed
  bool seal = false;   // the producer key is needed
};

struct EnrollmentSpec {
  std::string app;
  std::vector<WantedPolicy> policies;
  std::string service;  // of the measured configuration: whose state key is fetched
};

// For /info, /metrics and logs.
struct EnrollmentState {
  std::string tee, app;
  bool token_valid = false;
  std::int64_t token_expires_s = 0;
  std::int64_t renewals = 0, failures = 0;
  std::string last_error;  // of the latest renewal; empty: none
};

class Enrollment {
 public:
  // Attests and fetches everything. While the manager cannot be reached it waits, 0.2 s doubling to
  // 10 s with jitter, logging what it waits for. Everything else ends it at once, with the errors
  // of BrokerClient and: permission_denied: a denial; not_authentic: a policy document that is not
  // signed or has another digest than the configuration names. failed_precondition: the manager has
  // no state key for the service (the text says how it gets one), or one of another length.
  // cancelled: through the client's HttpCancel, which the destructor uses too.
  static Result<std::unique_ptr<Enrollment>> start(std::unique_ptr<BrokerClient> client,
                                                   const EnrollmentSpec& spec);
  ~Enrollment();  // ends the renewal

  const seal::KeySource& keys() const;  // lives as long as this
  EnrollmentState state() const;        // any thread

  // Called once when the manager answers a renewal with a denial, or says that a policy is gone:
  // the owner has withdrawn the approval. From the renewal's thread, or at once if it has happened
  // already. Absence of the manager is no denial, and neither is somebody else in its place. A
  // renewal attests anew and asks for the policy documents, which are judged by the app's policy.
  void on_withdrawn(std::function<void(const Error&)> call);

 private:
  struct Parts;
  explicit Enrollment(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace penstock::enroll
