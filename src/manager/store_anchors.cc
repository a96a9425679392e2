// Roots that the owner names, in the store.
#include <algorithm>

#include <fmt/format.h>

#include "manager/limits.h"
#include "manager/store.h"

namespace penstock::manager {

Result<> Store::add_anchor(const Actor& by, const TrustAnchor& anchor) {
  const auto compiled = attest::Anchors{}.of(attest::Pki::tpm);
  if (std::ranges::any_of(compiled, [&](const crypto::Anchor& each) {
        return to_hex(each.id) == anchor.id || each.name == anchor.name;
      }))
    return fail(ErrorCode::already_exists,
                "a root of that key or name is part of the program: it cannot be given another "
                "meaning");
  const std::string subject =
      fmt::format("{} ({}) {}", anchor.name, attest::to_text(anchor.trust), anchor.id);
  return audit_->change(
      {by, "anchor.add", "", subject, "done"}, [&](Database& database, AuditDraft&) -> Result<> {
        Statement count = TRY(database.prepare("SELECT COUNT(*) FROM anchors"));
        if (TRY(count.step()) && count.integer(0) >= kTrustAnchorsMax)
          return fail(ErrorCode::limit_exceeded,
                      fmt::format("there are {} trust anchors, which is the most: remove one first",
                                  kTrustAnchorsMax));
        Statement any = TRY(database.prepare("SELECT 1 FROM anchors WHERE id = ? OR name = ?"));
        if (TRY(any.bind(1, anchor.id).bind(2, anchor.name).step()))
          return fail(ErrorCode::already_exists,
                      "a trust anchor of that key or name is there: remove it first");
        Statement put =
            TRY(database.prepare("INSERT INTO anchors(id, name, pki, trust, certificate, added_ms) "
                                 "VALUES(?, ?, 'tpm', ?, ?, ?)"));
        put.bind(1, anchor.id).bind(2, anchor.name).bind(3, attest::to_text(anchor.trust));
        return put.bind(4, anchor.certificate).bind(5, anchor.added_ms).run();
      });
}

Result<> Store::remove_anchor(const Actor& by, const std::string& id) {
  return audit_->change(
      {by, "anchor.remove", "", id, "done"}, [&](Database& database, AuditDraft&) -> Result<> {
        Statement remove = TRY(database.prepare("DELETE FROM anchors WHERE id = ?"));
        TRY(remove.bind(1, id).run());
        if (database.changes() == 0)
          return fail(ErrorCode::not_found, fmt::format("there is no trust anchor '{}'", id));
        return {};
      });
}

}  // namespace penstock::manager
