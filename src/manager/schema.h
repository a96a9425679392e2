// Tables of the manager's store, by version. A change is a new row; rows are never edited.
#pragma once

#include <array>

#include "manager/database.h"

namespace penstock::manager {

inline constexpr std::array kMigrations = {
    Migration{1, R"(
CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE counters(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE apps(app TEXT PRIMARY KEY, description TEXT NOT NULL, policy TEXT NOT NULL,
                  policy_version INTEGER NOT NULL, created_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE builds(app TEXT NOT NULL REFERENCES apps(app) ON DELETE CASCADE,
                    measurement TEXT NOT NULL, note TEXT NOT NULL, added_ms INTEGER NOT NULL,
                    PRIMARY KEY(app, measurement)) WITHOUT ROWID;
CREATE TABLE configs(app TEXT NOT NULL REFERENCES apps(app) ON DELETE CASCADE,
                     digest TEXT NOT NULL, note TEXT NOT NULL, added_ms INTEGER NOT NULL,
                     PRIMARY KEY(app, digest)) WITHOUT ROWID;
CREATE TABLE secrets(app TEXT NOT NULL REFERENCES apps(app) ON DELETE CASCADE,
                     kind TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL,
                     sealed BLOB NOT NULL, updated_ms INTEGER NOT NULL,
                     PRIMARY KEY(app, kind, name));
CREATE TABLE platforms(id TEXT PRIMARY KEY, public_key TEXT NOT NULL, added_ms INTEGER NOT NULL)
  WITHOUT ROWID;
CREATE TABLE audit(sequence INTEGER PRIMARY KEY, entry TEXT NOT NULL, hash TEXT NOT NULL);
INSERT INTO counters(name, value) VALUES('secret_version', 0);
)"},
    // A service's lease and the checkpoint that is held for it (leases.h).
    Migration{2, R"(
CREATE TABLE services(app TEXT NOT NULL, service TEXT NOT NULL, instance TEXT NOT NULL,
                      term INTEGER NOT NULL, holder TEXT NOT NULL,
                      number INTEGER NOT NULL, hash TEXT NOT NULL, bytes TEXT NOT NULL,
                      held_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, state TEXT NOT NULL,
                      PRIMARY KEY(app, service, instance)) WITHOUT ROWID;
)"},
    // Signed collateral, whole: one row (collateral_snapshot.h).
    Migration{3, R"(
CREATE TABLE collateral(id INTEGER PRIMARY KEY CHECK(id = 1), sha256 TEXT NOT NULL,
                        imported_ms INTEGER NOT NULL, bundle BLOB NOT NULL);
)"},
    // Roots that the owner has named (trust_anchors.h).
    Migration{4, R"(
CREATE TABLE anchors(id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, pki TEXT NOT NULL,
                     trust TEXT NOT NULL, certificate TEXT NOT NULL, added_ms INTEGER NOT NULL)
  WITHOUT ROWID;
)"},
    // Builds of several claims (builds.h).
    Migration{5, R"(
CREATE TABLE whole_builds(app TEXT NOT NULL REFERENCES apps(app) ON DELETE CASCADE,
                          id TEXT NOT NULL, claims TEXT NOT NULL, note TEXT NOT NULL,
                          added_ms INTEGER NOT NULL, PRIMARY KEY(app, id)) WITHOUT ROWID;
)"},
};

}  // namespace penstock::manager
