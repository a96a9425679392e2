// Rotations: what trust stands on is replaced by a change of the store and then of its file.
#include <fmt/format.h>

#include "base/crash_point.h"
#include "manager/store.h"
#include "manager/trust_files.h"

namespace penstock::manager {

Result<> Store::rotate_admin_token(const Actor& by, const OwnerFiles& files,
                                   const SecretBuffer& text) {
  TRY(files.write_successor(kAdminTokenFile, text.view()));
  ByteView token = text.view();
  while (!token.empty() && token.back() == '\n') token = token.first(token.size() - 1);
  const std::string fingerprint = admin_token_fingerprint(token);
  TRY(audit_->change({by, "rotate.admin_token", "", fmt::format("sha256 {}", fingerprint), "done"},
                     [&](Database& database, AuditDraft&) {
                       return write_meta(database, kAdminTokenRow, fingerprint);
                     }));
  CRASH_POINT("manager.rotation.stored");
  return files.take_successor(kAdminTokenFile);
}

Result<> Store::rotate_token_key(const Actor& by, const OwnerFiles& files,
                                 const crypto::P256PrivateKey& key) {
  TRY(files.write_successor(kTokenKeyFile, TRY(key.to_pem()).view()));
  const std::string fingerprint = key_fingerprint(key.public_key());
  TRY(audit_->change(
      {by, "rotate.token_key", "", fmt::format("thumbprint {}", fingerprint), "done"},
      [&](Database& database, AuditDraft&) {
        return write_meta(database, kTokenKeyRow, fingerprint);
      }));
  CRASH_POINT("manager.rotation.stored");
  return files.take_successor(kTokenKeyFile);
}

Result<> Store::rotate_owner_key(const Actor& by, const OwnerFiles& files,
                                 const crypto::P256PublicKey& key) {
  TRY(audit_->change(
      {by, "rotate.owner_key", "", fmt::format("thumbprint {}", key_fingerprint(key)), "done"},
      [&](Database& database, AuditDraft&) -> Result<> {
        TRY(write_meta(database, kOwnerKeyBeforeRow, TRY(read_meta(database, kOwnerKeyRow))));
        return write_meta(database, kOwnerKeyRow, key.to_pem());
      }));
  CRASH_POINT("manager.rotation.stored");
  const std::lock_guard lock(mutex_);
  owner_key_ = key;
  return files.remove_owner_key();
}

Result<> Store::announce_ca(const Actor& by, const OwnerFiles& files, CaKind kind,
                            const std::vector<std::string>& permitted) {
  const CaSpec spec{.kind = kind, .development = development_, .permitted = permitted};
  AuthorityPtr next = TRY(files.cas().write_next(spec, clock_, random_));
  const std::string fingerprint = to_hex(next->certificate.fingerprint());
  const std::string action = fmt::format("rotate.{}.announce", to_text(kind));
  TRY(audit_->change({by, action, "", fmt::format("sha256 {}", fingerprint), "done"},
                     [&](Database& database, AuditDraft&) {
                       return write_meta(database, next_ca_row(kind), fingerprint);
                     }));
  files.cas().announce(kind, std::move(next));
  return {};
}

Result<> Store::switch_ca(const Actor& by, const OwnerFiles& files, CaKind kind) {
  const AuthorityPtr present = files.cas().present(kind), next = files.cas().next(kind);
  if (!next) {
    return fail(ErrorCode::failed_precondition,
                fmt::format("no successor of this CA is announced: penstock manager rotate {}, and "
                            "let clients pin both first",
                            to_text(kind)));
  }
  const std::string fingerprint = to_hex(next->certificate.fingerprint());
  const std::string before = to_hex(present->certificate.key_pin());
  const std::string action = fmt::format("rotate.{}.switch", to_text(kind));
  TRY(audit_->change({by, action, "", fmt::format("sha256 {}", fingerprint), "done"},
                     [&](Database& database, AuditDraft&) -> Result<> {
                       TRY(write_meta(database, ca_row(kind), fingerprint));
                       if (kind == CaKind::manager)
                         TRY(write_meta(database, kCaPinBeforeRow, before));
                       return remove_meta(database, next_ca_row(kind));
                     }));
  CRASH_POINT("manager.rotation.stored");
  TRY(files.cas().switch_over(kind));
  if (kind == CaKind::workload) return {};
  const std::lock_guard lock(mutex_);
  ca_pin_before_ = before;
  return {};
}

std::vector<std::string> Store::manager_pins(const OwnerFiles& files) const {
  std::vector<std::string> out = {to_hex(files.ca()->certificate.key_pin())};
  if (const AuthorityPtr next = files.cas().next(CaKind::manager); next)
    out.push_back(to_hex(next->certificate.key_pin()));
  const std::lock_guard lock(mutex_);
  if (!ca_pin_before_.empty()) out.push_back(ca_pin_before_);
  return out;
}

}  // namespace penstock::manager
