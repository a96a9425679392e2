#include "cli/manager/audit_pages.h"

#include <fmt/format.h>

#include "cli/limits.h"
#include "cli/manager/answer_text.h"

namespace penstock::cli {
namespace {

// Behind the last entry of the page, whose number may be anything.
std::int64_t next_after(const AuditPage& page, std::int64_t from) {
  std::int64_t next = from + static_cast<std::int64_t>(page.entries.size());
  if (page.entries.empty()) return next;
  const std::int64_t last = number_of(page.entries.back(), "sequence");
  return last >= next && last <= page.head.sequence ? last + 1 : next;
}

}  // namespace

Result<AuditPage> audit_page(AdminClient& manager, std::int64_t from, std::int64_t limit) {
  Json answer = TRY(manager.get("/v1/audit", fmt::format("from={}&limit={}", from, limit)));
  if (!answer.is_object() || !answer.contains("entries") || !answer["entries"].is_array() ||
      !answer.contains("head"))
    return fail(ErrorCode::io, "the manager's answer is no part of an audit log");
  AuditPage page;
  page.head = TRY_IN(keys::parse_audit_head(answer["head"]), "the manager's answer");
  page.entries = std::move(answer["entries"]);
  return page;
}

Result<keys::AuditHead> read_audit(AdminClient& manager, std::int64_t from,
                                   const AuditTaker& take) {
  while (true) {
    const AuditPage page = TRY(audit_page(manager, from, kAuditPageEntries));
    for (const Json& entry : page.entries) TRY(take(entry));
    from = next_after(page, from);
    if (page.entries.empty() || from > page.head.sequence) return page.head;
  }
}

}  // namespace penstock::cli
