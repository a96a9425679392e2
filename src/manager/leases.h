// Leases of services and the checkpoints that are held for them: who runs a service, and how far
// it had come. A start at or ahead of what is held takes over at once; one behind it is refused
// until the owner accepts the loss.
#pragma once

#include <string>
#include <vector>

#include "keys/held_checkpoint.h"
#include "manager/audit_log.h"

namespace penstock::manager {

// Which lease: one per service, or per process where several share it.
struct LeaseName {
  std::string app, service;
  std::string instance;      // "" unless shared
  std::string text() const;  // "payments/pay", "payments/pay/2"
};

struct LeaseRow {
  LeaseName name;
  std::int64_t term = 0;
  std::string holder;  // thumbprint of the enclave's key, hex; "": nobody, it was given back
  keys::HeldCheckpoint checkpoint;
  std::int64_t held_ms = 0;  // when the checkpoint came
  bool loss_accepted = false;
};

// Thread-safe: each call is one transaction of the audit log's thread.
class Leases {
 public:
  Leases(AuditLog& log, const Clock& clock) : log_(log), clock_(clock) {}

  // The term of the new lease; whoever had it before has lost it. not_authentic: what is shown is
  // behind what is held (or something else); `why` then says what. Entered before it returns.
  Result<std::int64_t> start(const LeaseName& name, const std::string& holder,
                             const keys::HeldCheckpoint& shown, keys::Comparison& why);
  // Holds a later checkpoint. fenced: the lease is another's by now; not_authentic as above.
  // `last`: the holder stops, and gives it back.
  Result<> renew(const LeaseName& name, const std::string& holder, std::int64_t term,
                 const keys::HeldCheckpoint& shown, bool last, keys::Comparison& why);

  // The next start is taken whatever it shows. not_found.
  Result<> accept_loss(const std::string& by, const LeaseName& name);

  Result<std::vector<LeaseRow>> list();

 private:
  AuditLog& log_;
  const Clock& clock_;
};

}  // namespace penstock::manager
