// A manager's audit log, page by page.
#pragma once

#include <functional>

#include "base/json.h"
#include "cli/manager/admin_client.h"
#include "keys/audit_chain.h"

namespace penstock::cli {

// Entries as they came, and the head at the time.
struct AuditPage {
  Json entries;
  keys::AuditHead head;
};
Result<AuditPage> audit_page(AdminClient& manager, std::int64_t from, std::int64_t limit);

// All entries from `from` to the head, in order; the head that the last page came with. An answer
// that does not go on is the end: whether entries are missing is for the taker to judge.
using AuditTaker = std::function<Result<>(const Json& entry)>;
Result<keys::AuditHead> read_audit(AdminClient& manager, std::int64_t from, const AuditTaker& take);

}  // namespace penstock::cli
