// Apps, builds, configurations, policies, secrets and platforms: in SQLite, changed through the
// audit log, read from snapshots. Thread-safe.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "keys/resource.h"
#include "keys/vault.h"
#include "manager/audit_log.h"
#include "manager/owner_files.h"
#include "manager/snapshot.h"

namespace penstock::manager {

// Who changes something, for the audit log: "admin" or "owner".
using Actor = std::string;

class Store final : private ChangeObserver {
 public:
  // Makes the store at the first start; `development` is fixed then. failed_precondition: asked for
  // a development manager over a store that is none. corrupt: rows or the audit log were changed
  // outside (store_root.h). permission_denied: a file of the folder is not the one that the store
  // knows (trust_files.h). Files, clock and random outlive it.
  static Result<std::unique_ptr<Store>> open(OwnerFiles& files, bool development,
                                             const Clock& clock, crypto::RandomSource& random);
  ~Store() override;

  bool development() const { return development_; }
  crypto::P256PublicKey owner_key() const {
    const std::lock_guard lock(mutex_);
    return *owner_key_;
  }
  AuditLog& audit() { return *audit_; }

  // Shared with whoever is deciding on it.
  std::shared_ptr<const Snapshot> snapshot() const;

  // Changes: on disk, in the audit log and in snapshot() when they return.
  Result<> put_app(const Actor& by, const std::string& app, const std::string& description);
  Result<> remove_app(const Actor& by, const std::string& app);
  Result<> approve_build(const Actor& by, const std::string& app, const Approved& build);
  Result<> approve_whole_build(const Actor& by, const std::string& app, const WholeBuild& build);
  // By its measurement, or by the id of one of several claims.
  Result<> withdraw_build(const Actor& by, const std::string& app, const std::string& build);
  Result<> approve_config(const Actor& by, const std::string& app, const Approved& config);
  Result<> withdraw_config(const Actor& by, const std::string& app, const std::string& digest);
  // failed_precondition: its version is not the present one plus one, or it allows simulated
  // evidence and this is no development store.
  Result<> put_policy(const Actor& by, const std::string& app, const attest::Policy& policy);
  Result<> put_secret(const Actor& by, const keys::ResourcePath& path, ByteView secret);
  Result<> remove_secret(const Actor& by, const keys::ResourcePath& path);
  // A platform whose simulated evidence is believed. Development stores only.
  Result<> add_platform(const Actor& by, const std::string& id, const crypto::P256PublicKey& key);

  // A root of TPMs that evidence may end at from now on, or no longer. already_exists: one of that
  // key or name is there, or it is a vendor's, which nobody changes; limit_exceeded.
  Result<> add_anchor(const Actor& by, const TrustAnchor& anchor);
  Result<> remove_anchor(const Actor& by, const std::string& id);

  // Replaces the collateral as a whole by a bundle (attest/collateral.h). failed_precondition: it
  // lacks something that is in force, or has it with a lower evaluation or CRL number.
  Result<> import_collateral(const Actor& by, std::string_view bundle);

  // The state key of a service, made here and once: 32 random bytes that nobody has seen. Nothing
  // happens if it is there. not_found: no such app.
  Result<> make_state_key(const Actor& by, const keys::ResourcePath& path);

  // Rotations, one at a time: what is in memory of the files stays as it is. The entry and the new
  // fingerprint are one transaction; one at a time.
  Result<> rotate_admin_token(const Actor& by, const OwnerFiles& files, const SecretBuffer& text);
  // Takes effect at the next start.
  Result<> rotate_token_key(const Actor& by, const OwnerFiles& files,
                            const crypto::P256PrivateKey& key);
  // The folder's owner.key.pem is removed: it is worth nothing any more.
  Result<> rotate_owner_key(const Actor& by, const OwnerFiles& files,
                            const crypto::P256PublicKey& key);

  // A CA's successor is made and announced, by files, store and entry; then put in its place.
  // failed_precondition: to switch over to one that was not announced.
  Result<> announce_ca(const Actor& by, const OwnerFiles& files, CaKind kind,
                       const std::vector<std::string>& permitted);
  Result<> switch_ca(const Actor& by, const OwnerFiles& files, CaKind kind);
  // Pins of the manager's CA by which it may be called: the present one, the announced one, and the
  // one before the last switch. Lower-case hex.
  std::vector<std::string> manager_pins(const OwnerFiles& files) const;

  Result<SecretBuffer> open_secret(const keys::ResourcePath& path, const Secret& secret) const;

 private:
  Store(const Clock& clock, crypto::RandomSource& random, bool development)
      : clock_(clock), random_(random), development_(development) {}
  Result<> create(const OwnerFiles& files);
  Result<> load(Database& database);
  Result<> put_sealed(Database& database, const keys::ResourcePath& path, ByteView secret,
                      AuditDraft& draft) const;
  Result<> reload(Database& database, Snapshot& next, const std::string& app) const;
  void changed(Database& database, const std::vector<std::string>& apps,
               std::uint64_t generation) override;
  void publish(std::shared_ptr<const Snapshot> next);

  const Clock& clock_;
  crypto::RandomSource& random_;
  const bool development_;
  std::unique_ptr<const StoreRoot> root_;
  std::unique_ptr<keys::Vault> vault_;
  mutable std::mutex mutex_;  // for the next three
  std::optional<crypto::P256PublicKey> owner_key_;
  std::string ca_pin_before_;  // empty: the CA was never switched
  std::shared_ptr<const Snapshot> snapshot_;
  std::unique_ptr<AuditLog> audit_;  // last: its thread calls changed()
};

}  // namespace penstock::manager
