// A keyed digest over every row that decisions stand on. It stands in the audit entry of each
// change and is compared at the start, so a row that was changed or put back by hand is noticed,
// and so is a chain of entries that was rewritten before it.
#pragma once

#include <string>

#include "base/secret.h"
#include "crypto/sha.h"
#include "keys/audit_chain.h"
#include "manager/database.h"

namespace penstock::manager {

// Immutable; any thread.
class StoreRoot {
 public:
  // The key is derived from the store's root key.
  static Result<StoreRoot> create(ByteView root_key);

  // Over the present rows and the audit log up to `before`. Hex. Sealed secrets go in by name and
  // version, which their own seal binds.
  Result<std::string> compute(Database& database, const keys::AuditHead& before) const;

  // Of services' leases and held checkpoints (they change without an entry each): over their rows.
  Result<std::string> compute_services(Database& database) const;

 private:
  explicit StoreRoot(SecretBuffer key) : key_(std::move(key)) {}
  SecretBuffer key_;
};

}  // namespace penstock::manager
