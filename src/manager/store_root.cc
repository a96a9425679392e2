#include "manager/store_root.h"

#include <array>
#include <bit>

#include "crypto/hkdf.h"
#include "crypto/hmac.h"

namespace penstock::manager {
namespace {

constexpr std::size_t kStoreRootKeyBytes = 32;
constexpr std::string_view kStoreRootLabel = "penstock manager store root v1";

struct Rows {
  const char* sql;
  int columns;
  bool later = false;  // a table that older stores lack: when it is empty it says nothing
};
// Every table but `audit`, which is its own chain, and what belongs to services.
constexpr Rows kStoreRows[] = {
    {"SELECT name, value FROM meta WHERE name <> 'services_root' ORDER BY name", 2, false},
    {"SELECT name, value FROM counters ORDER BY name", 2, false},
    {"SELECT app, description, policy, policy_version, created_ms FROM apps ORDER BY app", 5,
     false},
    {"SELECT app, measurement, note, added_ms FROM builds ORDER BY app, measurement", 4, false},
    {"SELECT app, digest, note, added_ms FROM configs ORDER BY app, digest", 4, false},
    {"SELECT app, kind, name, version, updated_ms FROM secrets ORDER BY app, kind, name", 5, false},
    {"SELECT id, public_key, added_ms FROM platforms ORDER BY id", 3, false},
    {"SELECT id, sha256, imported_ms FROM collateral", 3, true},
    {"SELECT id, name, pki, trust, certificate, added_ms FROM anchors ORDER BY id", 6, true},
    {"SELECT app, id, claims, note, added_ms FROM whole_builds ORDER BY app, id", 5, true},
};
constexpr Rows kServiceRows[] = {
    {"SELECT app, service, instance, term, holder, number, hash, bytes, held_ms, expires_ms, state "
     "FROM services ORDER BY app, service, instance",
     11, false},
};

void put_size(ByteBuffer& out, std::uint64_t size) {
  for (int i = 0; i < 8; ++i) out.push_back(static_cast<std::uint8_t>(size >> (8 * i)));
}

// Each table and each text with its length in front, so that no two stores give the same bytes.
Result<> put_rows(Database& database, std::span<const Rows> tables, ByteBuffer& out) {
  for (const Rows& table : tables) {
    Statement select = TRY(database.prepare(table.sql));
    std::uint64_t rows = 0;
    ByteBuffer body;
    while (TRY(select.step())) {
      ++rows;
      for (int column = 0; column < table.columns; ++column) {
        const std::string text = select.text(column);
        put_size(body, text.size());
        body.insert(body.end(), text.begin(), text.end());
      }
    }
    if (table.later && rows == 0) continue;
    put_size(out, rows);
    out.insert(out.end(), body.begin(), body.end());
  }
  return {};
}

}  // namespace

Result<StoreRoot> StoreRoot::create(ByteView root_key) {
  return StoreRoot(TRY(
      crypto::hkdf_sha256({.key_material = root_key, .salt = {}, .info = as_bytes(kStoreRootLabel)},
                          kStoreRootKeyBytes)));
}

Result<std::string> StoreRoot::compute(Database& database, const keys::AuditHead& before) const {
  ByteBuffer bytes;
  put_size(bytes, static_cast<std::uint64_t>(before.sequence));
  bytes.insert(bytes.end(), before.hash.begin(), before.hash.end());
  TRY(put_rows(database, kStoreRows, bytes));
  return to_hex(crypto::hmac_sha256(key_.view(), bytes));
}

Result<std::string> StoreRoot::compute_services(Database& database) const {
  ByteBuffer bytes = to_buffer(as_bytes("services"));
  TRY(put_rows(database, kServiceRows, bytes));
  return to_hex(crypto::hmac_sha256(key_.view(), bytes));
}

}  // namespace penstock::manager
