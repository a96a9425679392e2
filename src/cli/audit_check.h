// Whether a manager's audit log is whole, and at least as long as it was when it was last seen.
#pragma once

#include <optional>

#include "base/json.h"
#include "keys/audit_chain.h"

namespace penstock::cli {

// Takes all entries from the first on. One thread.
class AuditCheck {
 public:
  explicit AuditCheck(std::optional<keys::AuditHead> remembered) : remembered_(remembered) {}

  // corrupt: an entry that does not belong there, or "an older copy of the manager's store was put
  // back": one that was seen before is different now.
  Result<> take(const Json& entry);
  // The same when it is missing, or `claimed` is not what was reached.
  Result<keys::AuditHead> finish(const keys::AuditHead& claimed) const;

 private:
  Error older_copy(std::string_view what) const;

  std::optional<keys::AuditHead> remembered_;
  keys::AuditChainCheck chain_;
};

}  // namespace penstock::cli
