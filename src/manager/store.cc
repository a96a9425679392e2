#include "manager/store.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"
#include "base/crash_point.h"
#include "base/log.h"
#include "manager/builds.h"
#include "manager/schema.h"
#include "manager/trust_anchors.h"
#include "manager/trust_files.h"

namespace penstock::manager {
namespace {

constexpr std::string_view kDevelopmentRow = "development";

// What the store was made as.
Result<bool> read_development(Database& database, bool wanted) {
  const bool development = TRY(read_meta(database, kDevelopmentRow)) == "1";
  if (wanted && !development) {
    return fail(ErrorCode::failed_precondition,
                "--development: this store was made without it and holds real approvals; start "
                "without it, or with another --data folder");
  }
  return development;
}

// A log without entries belongs to a store that is empty but for its tables: one whose entries were
// taken away must not pass for that.
Result<> require_empty(Database& database) {
  for (const char* table : {"meta", "apps", "secrets", "platforms", "services", "anchors"}) {
    Statement any = TRY(database.prepare(fmt::format("SELECT 1 FROM {} LIMIT 1", table)));
    if (!TRY(any.step())) continue;
    return fail(ErrorCode::corrupt,
                fmt::format("the store has rows in '{}' and no audit log: it was changed; bring it "
                            "back from a backup",
                            table));
  }
  return {};
}

struct LastChange {
  keys::AuditHead before;  // the entry in front of it
  std::string store;       // the keyed digest that it left
};
// The last entry of a change, and what the log was before it.
Result<LastChange> last_change(Database& database) {
  Statement entries =
      TRY(database.prepare("SELECT entry, hash FROM audit WHERE instr(entry, '\"store\":') > 0 "
                           "ORDER BY sequence DESC"));
  while (TRY(entries.step())) {
    Json json = TRY(parse_json(entries.text(0), "an audit entry"));
    json["hash"] = entries.text(1);
    const keys::AuditEntry entry = TRY(keys::parse_audit_entry(json));
    if (entry.store.empty()) continue;
    return LastChange{{entry.sequence - 1, entry.previous}, entry.store};
  }
  return fail(ErrorCode::corrupt,
              "the audit log has no entry with a digest of the store: it was changed, or an older "
              "program made it; bring the store back from a backup, or make a new one");
}

// Rows that were changed or put back one by one, under a log that knows better.
Result<> check_root(Database& database, const StoreRoot& root) {
  const LastChange change = TRY(last_change(database));
  const auto same = [](const std::string& a, const std::string& b) {
    return equal_constant_time(as_bytes(a), as_bytes(b));
  };
  if (!same(TRY(root.compute(database, change.before)), change.store)) {
    return fail(ErrorCode::corrupt,
                fmt::format("the store does not hold what its last change left (audit entry {}): "
                            "rows were changed, removed or put back outside the manager, or "
                            "root.key is another one; bring the store back from a backup",
                            change.before.sequence + 1));
  }
  const auto services = read_meta(database, kServicesRootRow);
  Statement any = TRY(database.prepare("SELECT 1 FROM services LIMIT 1"));
  const bool none = !services && !TRY(any.step());
  if (none || (services && same(TRY(root.compute_services(database)), *services))) return {};
  return fail(ErrorCode::corrupt,
              "the leases and held checkpoints of services were changed outside the manager: bring "
              "the store back from a backup");
}

Result<std::vector<Approved>> read_approved(Database& database, std::string_view sql,
                                            std::string_view app) {
  Statement select = TRY(database.prepare(sql));
  select.bind(1, app);
  std::vector<Approved> out;
  while (TRY(select.step())) out.push_back({select.text(0), select.text(1), select.integer(2)});
  return out;
}

Result<> read_secrets(Database& database, const App* before, App& app) {
  Statement select = TRY(
      database.prepare("SELECT kind, name, version, updated_ms, rowid FROM secrets WHERE app = ?"));
  Statement blob = TRY(database.prepare("SELECT sealed FROM secrets WHERE rowid = ?"));
  select.bind(1, app.name);
  while (TRY(select.step())) {
    Secret secret{select.text(0), select.text(1), select.integer(2), select.integer(3), {}};
    const std::string key = secret.kind + "/" + secret.name;
    if (before != nullptr) {
      const auto known = before->secrets.find(key);
      if (known != before->secrets.end() && known->second->version == secret.version) {
        app.secrets.emplace(key, known->second);
        continue;
      }
    }
    if (TRY(blob.bind(1, select.integer(4)).step())) secret.sealed = blob.blob(0);
    blob.reset();
    app.secrets.emplace(key, std::make_shared<const Secret>(std::move(secret)));
  }
  return {};
}

Result<> read_platforms(Database& database, bool development, Snapshot& out) {
  out.platforms.clear();
  out.anchors = {};
  out.anchors.sample_allowed = development;
  if (!development) return {};
  Statement select =
      TRY(database.prepare("SELECT id, public_key, added_ms FROM platforms ORDER BY added_ms, id"));
  while (TRY(select.step())) {
    out.platforms.push_back({select.text(0), select.integer(2)});
    out.anchors.simulated_platforms.push_back(
        TRY_IN(crypto::P256PublicKey::from_pem(select.text(1)), "a stored platform key"));
  }
  return {};
}

// After the platforms.
Result<> read_anchors(Database& database, Snapshot& out) {
  out.trust_anchors.clear();
  Statement select = TRY(database.prepare(
      "SELECT id, name, trust, certificate, added_ms FROM anchors ORDER BY added_ms, id"));
  while (TRY(select.step())) {
    TrustAnchor row{.id = select.text(0),
                    .name = select.text(1),
                    .trust = TRY(attest::trust_from(select.text(2))),
                    .certificate = select.text(3),
                    .added_ms = select.integer(4)};
    out.anchors.named.push_back(TRY_IN(named_anchor(row), "a stored trust anchor"));
    out.trust_anchors.push_back(std::move(row));
  }
  return {};
}

// Null: there is no such app.
Result<std::shared_ptr<const App>> read_app(Database& database, const std::string& name,
                                            const App* before) {
  Statement select =
      TRY(database.prepare("SELECT description, policy, created_ms FROM apps WHERE app = ?"));
  if (!TRY(select.bind(1, name).step())) return nullptr;
  auto app = std::make_shared<App>();
  app->name = name;
  app->description = select.text(0);
  app->policy = TRY_IN(attest::Policy::parse(select.text(1)), "the stored policy");
  app->created_ms = select.integer(2);
  app->builds = TRY(read_approved(
      database, "SELECT measurement, note, added_ms FROM builds WHERE app = ?", name));
  app->configs = TRY(
      read_approved(database, "SELECT digest, note, added_ms FROM configs WHERE app = ?", name));
  app->whole_builds = TRY(read_whole_builds(database, name));
  TRY(read_secrets(database, before, *app));
  app->index();
  return app;
}

Result<> require_app(Database& database, std::string_view app) {
  Statement select = TRY(database.prepare("SELECT 1 FROM apps WHERE app = ?"));
  if (TRY(select.bind(1, app).step())) return {};
  return fail(
      ErrorCode::not_found,
      fmt::format("there is no app '{}': make it first (penstock manager app create)", app));
}

Result<bool> is_first_start(Database& database) {
  Statement any = TRY(database.prepare("SELECT 1 FROM audit LIMIT 1"));
  return !TRY(any.step());
}

Result<crypto::P256PublicKey> read_owner_key(Database& database) {
  return TRY_IN(crypto::P256PublicKey::from_pem(TRY(read_meta(database, kOwnerKeyRow))),
                "the stored owner key");
}

std::unexpected<Error> nothing_removed(std::string_view what, std::string_view id) {
  return fail(ErrorCode::not_found, fmt::format("there is no {} '{}'", what, id));
}

}  // namespace

Result<std::unique_ptr<Store>> Store::open(OwnerFiles& files, bool development, const Clock& clock,
                                           crypto::RandomSource& random) {
  Database database = TRY(Database::open(files.database(), Database::Access::write));
  TRY(database.migrate(kMigrations));
  auto root = std::make_unique<const StoreRoot>(TRY(StoreRoot::create(files.root_key().view())));
  const bool first = TRY(is_first_start(database));
  if (first) {
    TRY(require_empty(database));
  } else {
    TRY(check_root(database, *root));
    development = TRY(read_development(database, development));
    TRY(check_files(database, files));
  }
  std::unique_ptr<Store> store(new Store(clock, random, development));
  store->root_ = std::move(root);
  FileRootKey root_key(files);
  store->vault_ = TRY(keys::Vault::open(root_key));
  TRY(store->load(database));
  if (!first) {
    store->owner_key_ = TRY(read_owner_key(database));
    store->ca_pin_before_ = read_meta(database, kCaPinBeforeRow).value_or("");
  }
  store->audit_ = TRY(AuditLog::open(std::move(database), clock, store->root_.get()));
  if (first) {
    TRY(store->create(files));
    store->owner_key_ = files.owner_key();
  }
  if (files.was_restored()) {
    TRY(store->audit_->append({.actor = "manager",
                               .action = "store.restore",
                               .app = "",
                               .subject = "from a backup",
                               .outcome = "done"}));
    TRY(files.forget_restore());
  }
  store->audit_->observe(store.get());
  return store;
}

// The first change of all, and what every later start compares files and rows with.
Result<> Store::create(const OwnerFiles& files) {
  return audit_->change({.actor = "manager",
                         .action = "store.create",
                         .app = "",
                         .subject = development_ ? "development" : "production",
                         .outcome = "done"},
                        [&](Database& database, AuditDraft&) -> Result<> {
                          TRY(write_meta(database, kDevelopmentRow, development_ ? "1" : "0"));
                          return remember_files(database, files);
                        });
}

Store::~Store() = default;

Result<> Store::load(Database& database) {
  auto snapshot = std::make_shared<Snapshot>();
  TRY(read_platforms(database, development_, *snapshot));
  TRY(read_anchors(database, *snapshot));
  snapshot->collateral = TRY(read_collateral(database, nullptr));
  std::vector<std::string> names;
  Statement select = TRY(database.prepare("SELECT app FROM apps"));
  while (TRY(select.step())) names.push_back(select.text(0));
  for (const std::string& name : names) {
    auto app = TRY_IN(read_app(database, name, nullptr), fmt::format("app '{}'", name));
    if (app) snapshot->apps.emplace(name, std::move(app));
  }
  publish(std::move(snapshot));
  return {};
}

std::shared_ptr<const Snapshot> Store::snapshot() const {
  const std::lock_guard lock(mutex_);
  return snapshot_;
}

void Store::publish(std::shared_ptr<const Snapshot> next) {
  const std::lock_guard lock(mutex_);
  snapshot_.swap(next);
}

Result<> Store::reload(Database& database, Snapshot& next, const std::string& app) const {
  if (app.empty()) {
    next.collateral = TRY(read_collateral(database, next.collateral));
    TRY(read_platforms(database, development_, next));
    return read_anchors(database, next);
  }
  const std::shared_ptr<const App> before = next.apps.contains(app) ? next.apps[app] : nullptr;
  next.apps.erase(app);
  auto read = TRY(read_app(database, app, before.get()));
  if (read) next.apps.emplace(app, std::move(read));
  return {};
}

void Store::changed(Database& database, const std::vector<std::string>& apps,
                    std::uint64_t generation) {
  auto next = std::make_shared<Snapshot>(*snapshot());
  next->generation = generation;
  for (const std::string& app : apps) {
    // What cannot be read again stays away: nothing is released on what may be out of date.
    if (const auto done = reload(database, *next, app); !done) {
      if (app.empty()) {
        next->anchors = {};
        next->collateral = nullptr;
      }
      log::error("store_not_read_again", {{"app", log::Public(app)}, {"error", done.error()}});
    }
  }
  publish(std::move(next));
}

Result<> Store::put_app(const Actor& by, const std::string& app, const std::string& description) {
  const attest::Policy policy = attest::Policy::for_app(development_);
  const std::string document = TRY(canonical_json(policy.document()));
  const std::int64_t now_ms = clock_.now_ms();
  return audit_->change(
      {by, "app.put", app, app, "done"}, [&](Database& database, AuditDraft&) -> Result<> {
        Statement put = TRY(database.prepare(
            "INSERT INTO apps(app, description, policy, policy_version, created_ms) "
            "VALUES(?, ?, ?, ?, ?) ON CONFLICT(app) DO UPDATE SET description = "
            "excluded.description"));
        put.bind(1, app).bind(2, description).bind(3, document).bind(4, policy.version());
        return put.bind(5, now_ms).run();
      });
}

Result<> Store::remove_app(const Actor& by, const std::string& app) {
  return audit_->change(
      {by, "app.remove", app, app, "done"}, [&](Database& database, AuditDraft&) -> Result<> {
        Statement remove = TRY(database.prepare("DELETE FROM apps WHERE app = ?"));
        TRY(remove.bind(1, app).run());
        if (database.changes() == 0) return nothing_removed("app", app);
        Statement leases = TRY(database.prepare("DELETE FROM services WHERE app = ?"));
        return leases.bind(1, app).run();
      });
}

namespace {

StoreChange put_approved(std::string_view sql, const std::string& app, const Approved& approved) {
  return [sql, &app, &approved](Database& database, AuditDraft&) -> Result<> {
    TRY(require_app(database, app));
    Statement put = TRY(database.prepare(sql));
    put.bind(1, app).bind(2, approved.value).bind(3, approved.note).bind(4, approved.added_ms);
    return put.run();
  };
}

StoreChange remove_approved(std::string_view sql, const std::string& app, std::string_view what,
                            const std::string& value) {
  return [sql, &app, what, &value](Database& database, AuditDraft&) -> Result<> {
    TRY(require_app(database, app));
    Statement remove = TRY(database.prepare(sql));
    TRY(remove.bind(1, app).bind(2, value).run());
    if (database.changes() == 0) return nothing_removed(what, value);
    return {};
  };
}

}  // namespace

Result<> Store::approve_build(const Actor& by, const std::string& app, const Approved& build) {
  return audit_->change(
      {by, "build.approve", app, build.value, "done"},
      put_approved("INSERT OR REPLACE INTO builds(app, measurement, note, added_ms) "
                   "VALUES(?, ?, ?, ?)",
                   app, build));
}

Result<> Store::approve_whole_build(const Actor& by, const std::string& app,
                                    const WholeBuild& build) {
  const std::string claims = TRY(canonical_json(Json(build.claims)));
  return audit_->change(
      {by, "build.approve", app, fmt::format("{} {}", build.id, claims), "done"},
      [&](Database& database, AuditDraft&) -> Result<> {
        TRY(require_app(database, app));
        Statement put = TRY(
            database.prepare("INSERT OR REPLACE INTO whole_builds(app, id, claims, note, added_ms) "
                             "VALUES(?, ?, ?, ?, ?)"));
        put.bind(1, app).bind(2, build.id).bind(3, claims).bind(4, build.note);
        return put.bind(5, build.added_ms).run();
      });
}

Result<> Store::withdraw_build(const Actor& by, const std::string& app, const std::string& build) {
  return audit_->change(
      {by, "build.withdraw", app, build, "done"}, [&](Database& database, AuditDraft&) -> Result<> {
        TRY(require_app(database, app));
        for (const char* sql : {"DELETE FROM builds WHERE app = ? AND measurement = ?",
                                "DELETE FROM whole_builds WHERE app = ? AND id = ?"}) {
          Statement remove = TRY(database.prepare(sql));
          TRY(remove.bind(1, app).bind(2, build).run());
          if (database.changes() > 0) return {};
        }
        return nothing_removed("approved build", build);
      });
}

Result<> Store::approve_config(const Actor& by, const std::string& app, const Approved& config) {
  return audit_->change({by, "config.approve", app, config.value, "done"},
                        put_approved("INSERT OR REPLACE INTO configs(app, digest, note, added_ms) "
                                     "VALUES(?, ?, ?, ?)",
                                     app, config));
}

Result<> Store::withdraw_config(const Actor& by, const std::string& app,
                                const std::string& digest) {
  return audit_->change({by, "config.withdraw", app, digest, "done"},
                        remove_approved("DELETE FROM configs WHERE app = ? AND digest = ?", app,
                                        "approved configuration", digest));
}

Result<> Store::put_policy(const Actor& by, const std::string& app, const attest::Policy& policy) {
  if (policy.allow_simulated() && !development_) {
    return fail(ErrorCode::failed_precondition,
                "policy: allow_simulated needs a manager whose store was made with --development; "
                "simulated evidence protects nothing");
  }
  const std::string document = TRY(canonical_json(policy.document()));
  return audit_->change(
      {by, "policy.put", app,
       fmt::format("version {} sha256 {}", policy.version(), policy.digest()), "done"},
      [&](Database& database, AuditDraft&) -> Result<> {
        TRY(require_app(database, app));
        Statement select = TRY(database.prepare("SELECT policy_version FROM apps WHERE app = ?"));
        std::int64_t present = 0;
        if (TRY(select.bind(1, app).step())) present = select.integer(0);
        if (policy.version() != present + 1) {
          return fail(ErrorCode::failed_precondition,
                      fmt::format("policy: version {} does not follow the present version {}: "
                                  "fetch it, apply the change to it and send version {}",
                                  policy.version(), present, present + 1));
        }
        Statement put =
            TRY(database.prepare("UPDATE apps SET policy = ?, policy_version = ? WHERE app = ?"));
        return put.bind(1, document).bind(2, policy.version()).bind(3, app).run();
      });
}

namespace {

// A version for a secret. One count for all of them: it never comes twice, not even after a
// removal.
Result<std::int64_t> next_secret_version(Database& database) {
  Statement next = TRY(database.prepare(
      "UPDATE counters SET value = value + 1 WHERE name = 'secret_version' RETURNING value"));
  CHECK(TRY(next.step()));
  const std::int64_t version = next.integer(0);
  next.reset();
  return version;
}

}  // namespace

Result<> Store::put_sealed(Database& database, const keys::ResourcePath& path, ByteView secret,
                           AuditDraft& draft) const {
  TRY(require_app(database, path.app));
  const std::int64_t version = TRY(next_secret_version(database));
  const ByteBuffer sealed = TRY(vault_->seal(path.text(), version, secret, random_));
  Statement put = TRY(database.prepare(
      "INSERT OR REPLACE INTO secrets(app, kind, name, version, sealed, updated_ms) "
      "VALUES(?, ?, ?, ?, ?, ?)"));
  put.bind(1, path.app).bind(2, path.kind).bind(3, path.name).bind(4, version);
  draft.subject = fmt::format("{} version {}", path.text(), version);
  return put.bind(5, ByteView(sealed)).bind(6, clock_.now_ms()).run();
}

Result<> Store::put_secret(const Actor& by, const keys::ResourcePath& path, ByteView secret) {
  return audit_->change({by, "secret.put", path.app, path.text(), "done"},
                        [&](Database& database, AuditDraft& draft) {
                          return put_sealed(database, path, secret, draft);
                        });
}

Result<> Store::make_state_key(const Actor& by, const keys::ResourcePath& path) {
  constexpr std::size_t kStateKeyBytes = 32;
  SecretBuffer key = TRY(SecretBuffer::create(kStateKeyBytes));
  TRY(random_.fill(key.span()));
  const Result<> made = audit_->change(
      {by, "state_key.make", path.app, path.text(), "done"},
      [&](Database& database, AuditDraft& draft) -> Result<> {
        Statement known =
            TRY(database.prepare("SELECT 1 FROM secrets WHERE app = ? AND kind = ? AND name = ?"));
        if (TRY(known.bind(1, path.app).bind(2, path.kind).bind(3, path.name).step()))
          return fail(ErrorCode::already_exists, "the state key is there already");
        return put_sealed(database, path, key.view(), draft);
      });
  if (!made && made.error().code() == ErrorCode::already_exists) return {};
  return made;
}

Result<> Store::remove_secret(const Actor& by, const keys::ResourcePath& path) {
  return audit_->change(
      {by, "secret.remove", path.app, path.text(), "done"},
      [&](Database& database, AuditDraft&) -> Result<> {
        TRY(require_app(database, path.app));
        Statement remove =
            TRY(database.prepare("DELETE FROM secrets WHERE app = ? AND kind = ? AND name = ?"));
        TRY(remove.bind(1, path.app).bind(2, path.kind).bind(3, path.name).run());
        if (database.changes() == 0) return nothing_removed("secret", path.text());
        return {};
      });
}

Result<> Store::import_collateral(const Actor& by, std::string_view bundle) {
  const CollateralPtr next = TRY(parse_collateral(bundle, clock_.now_ms()));
  const std::string subject = TRY(describe_collateral(*next));
  return audit_->change({by, "collateral.import", "", subject, "done"},
                        [&](Database& database, AuditDraft&) -> Result<> {
                          const CollateralPtr present =
                              TRY(read_collateral(database, snapshot()->collateral));
                          if (present) TRY(next->collateral.check_follows(present->collateral));
                          return write_collateral(database, *next, bundle);
                        });
}

Result<> Store::add_platform(const Actor& by, const std::string& id,
                             const crypto::P256PublicKey& key) {
  if (!development_) {
    return fail(ErrorCode::failed_precondition,
                "platforms are keys of simulated TEEs: this manager's store was made without "
                "--development and believes none");
  }
  const std::string pem = key.to_pem();
  const std::int64_t now_ms = clock_.now_ms();
  return audit_->change(
      {by, "platform.add", "", id, "done"}, [&](Database& database, AuditDraft&) -> Result<> {
        Statement put = TRY(
            database.prepare("INSERT INTO platforms(id, public_key, added_ms) VALUES(?, ?, ?)"));
        return put.bind(1, id).bind(2, pem).bind(3, now_ms).run();
      });
}

Result<SecretBuffer> Store::open_secret(const keys::ResourcePath& path,
                                        const Secret& secret) const {
  return vault_->open_secret(path.text(), secret.version, secret.sealed);
}

}  // namespace penstock::manager
