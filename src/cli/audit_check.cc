#include "cli/audit_check.h"

#include <fmt/format.h>

namespace penstock::cli {
namespace {

// The log's own checks, as the state of something stored.
Error as_corrupt(const Error& error) {
  return {ErrorCode::corrupt, error.text()};
}

}  // namespace

Error AuditCheck::older_copy(std::string_view what) const {
  return {ErrorCode::corrupt,
          fmt::format("an older copy of the manager's store was put back: entry {} that was seen "
                      "before is {}. Approvals and secrets that were withdrawn since may hold "
                      "again, and what was released since is not in the log: go over `penstock "
                      "manager app show` of every app, and over who could write to the manager's "
                      "disk",
                      remembered_->sequence, what)};
}

Result<> AuditCheck::take(const Json& json) {
  Result<keys::AuditEntry> entry = keys::parse_audit_entry(json);
  if (!entry) return fail(as_corrupt(entry.error()));
  // First the log itself: a changed entry is told as what it is.
  if (Result<> taken = chain_.take(*entry); !taken) return fail(as_corrupt(taken.error()));
  if (remembered_ && remembered_->sequence == entry->sequence && remembered_->hash != entry->hash)
    return fail(older_copy("different"));
  return {};
}

Result<keys::AuditHead> AuditCheck::finish(const keys::AuditHead& claimed) const {
  if (remembered_ && remembered_->sequence > chain_.reached().sequence)
    return fail(older_copy("missing"));
  if (Result<> done = chain_.finish(claimed); !done) return fail(as_corrupt(done.error()));
  return chain_.reached();
}

}  // namespace penstock::cli
