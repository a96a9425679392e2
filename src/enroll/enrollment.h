// An enclave's membership: keys by attestation at the start, renewal while it runs.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
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

struct LeaseSpec {
  std::string instance = {};  // "" unless several processes share the service
  // How long this goes on without hearing from the manager, by a clock that runs while the machine
  // sleeps.
  std::chrono::milliseconds offline_max{24 * 3'600'000};
  std::function<Result<keys::HeldCheckpoint>()> checkpoint = {};  // from the renewal's thread too
};

// For /info, /metrics and logs.
struct EnrollmentState {
  std::string tee, app;
  bool token_valid = false;
  std::int64_t token_expires_s = 0;
  std::int64_t renewals = 0, failures = 0;
  std::int64_t lease_term = 0;    // 0: none
  std::int64_t held_commit = 0;   // of the checkpoint that the manager holds
  std::int64_t silent_for_s = 0;  // since the manager was heard last
  std::string last_error;         // of the latest renewal; empty: none
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
  ~Enrollment();  // end_renewal()

  // The lease of the service, and what is held of it: once, before anything that the service has
  // stored is used. Its term. Waits for a manager that is away as start() does. fenced,
  // failed_precondition: as BrokerClient::lease(). From then on the checkpoint is sent every minute
  // (more often when offline_max is short), and on_withdrawn is called also with fenced: another
  // process has taken over; failed_precondition: what is here fell behind; timeout: nobody has
  // answered for offline_max.
  Result<std::int64_t> start_lease(LeaseSpec spec);
  // At a clean stop, when nothing is written any more: sends the last checkpoint and gives the
  // lease back. Ends the renewal; tries once.
  void stop_lease();
  // Nothing is sent any more, and nothing asked for a checkpoint. For good.
  void end_renewal();

  const seal::KeySource& keys() const;  // lives as long as this
  EnrollmentState state() const;        // any thread
  // "<app>/secret/<name>", asked for now; any thread, one call at a time. Errors of
  // BrokerClient::resource().
  Result<SecretBuffer> secret(std::string_view name);

  // What the owner has put at <app>/secret/NAME (`penstock manager secret put`), for connectors:
  // asked for anew each time, so that a replaced one is seen; released by the app's policy, with an
  // audit entry. Any thread, before and after the lease begins; asks once and waits for nobody but
  // a call that is under way. invalid_argument: no such name can be. failed_precondition: there is
  // none (the text says how to put it there), or it is longer than keys::kNamedSecretBytesMax.
  // permission_denied: the policy says no. cancelled: the renewal has ended. Else the errors of
  // BrokerClient.
  Result<SecretBuffer> fetch_secret(std::string_view name);

  // A certificate for key(), issued by the manager's workload CA for names that the measured
  // configuration gives ([rest]); good for `life_s` seconds. Each call asks for a new one, and the
  // app's policy again. Any thread; asks once. Errors of BrokerClient.
  Result<crypto::Certificate> certify(const std::vector<std::string>& names, std::int64_t life_s);
  // The key pair of this process: made at its start, named by its evidence, in its memory alone.
  const crypto::P256PrivateKey& key() const;

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
