#include "manager/trust_files.h"

#include <fmt/format.h>

#include "base/log.h"
#include "crypto/sha.h"

namespace penstock::manager {
namespace {

std::unexpected<Error> foreign(std::string_view file) {
  return fail(ErrorCode::permission_denied,
              fmt::format("'{}' is not the one that this store knows: somebody has put another in "
                          "its place. Bring it back from a backup; a new one comes by `penstock "
                          "manager rotate` alone, signed by the owner",
                          file));
}

struct RotatedFile {
  std::string_view row, file;
};
constexpr RotatedFile kRotatedFiles[] = {{kAdminTokenRow, kAdminTokenFile},
                                         {kTokenKeyRow, kTokenKeyFile}};

// Empty: the store has none.
Result<std::string> read_meta_if_any(Database& database, std::string_view name) {
  auto value = read_meta(database, name);
  if (!value && value.error().code() == ErrorCode::not_found) return std::string();
  return value;
}

std::string fingerprint_of(const AuthorityPtr& ca) {
  return ca ? to_hex(ca->certificate.fingerprint()) : std::string();
}

// A successor is announced when the store has it, and in force when the store has it in that place.
Result<> finish_ca(Database& database, CaFiles& cas, CaKind kind) {
  const std::string next = fingerprint_of(cas.next(kind));
  if (next.empty()) return {};
  if (TRY(read_meta(database, ca_row(kind))) == next) {
    TRY(cas.switch_over(kind));
    log::warning("rotation_finished", {{"file", log::Public(to_text(kind))}});
  } else if (TRY(read_meta_if_any(database, next_ca_row(kind))).empty()) {
    TRY(cas.forget_next(kind));
    log::warning("rotation_given_up", {{"file", log::Public(to_text(kind))}});
  }
  return {};
}

// A crash between the store's change and the file's: the successor lies beside it.
Result<> finish_rotations(Database& database, OwnerFiles& files) {
  bool taken = false;
  for (const RotatedFile& rotated : kRotatedFiles) {
    const std::string known = TRY(read_meta(database, rotated.row));
    if (fingerprints_of(files).at(std::string(rotated.row)) == known) continue;
    if (!files.has_successor(rotated.file)) continue;
    TRY(files.take_successor(rotated.file));
    log::warning("rotation_finished", {{"file", log::Public(rotated.file)}});
    taken = true;
  }
  return taken ? files.read() : Result<>{};
}

Result<> check_owner_key(Database& database, OwnerFiles& files) {
  if (!files.owner_key()) return {};
  const std::string seen = files.owner_key()->to_pem();
  if (seen == TRY(read_meta(database, kOwnerKeyRow))) return {};
  const auto before = read_meta(database, kOwnerKeyBeforeRow);
  if (!before || *before != seen) return foreign("owner.key.pem");
  TRY(files.remove_owner_key());  // it was rotated, and is worth nothing any more
  log::warning("rotation_finished", {{"file", log::Public("owner.key.pem")}});
  return files.read();
}

}  // namespace

Result<std::string> read_meta(Database& database, std::string_view name) {
  Statement select = TRY(database.prepare("SELECT value FROM meta WHERE name = ?"));
  if (TRY(select.bind(1, name).step())) return select.text(0);
  return fail(ErrorCode::not_found, fmt::format("the store has no '{}'", name));
}

Result<> write_meta(Database& database, std::string_view name, std::string_view value) {
  Statement put = TRY(database.prepare("INSERT OR REPLACE INTO meta(name, value) VALUES(?, ?)"));
  return put.bind(1, name).bind(2, value).run();
}

Result<> remove_meta(Database& database, std::string_view name) {
  Statement remove = TRY(database.prepare("DELETE FROM meta WHERE name = ?"));
  return remove.bind(1, name).run();
}

std::string_view ca_row(CaKind kind) {
  return kind == CaKind::manager ? "trust.ca" : "trust.workload_ca";
}

std::string_view next_ca_row(CaKind kind) {
  return kind == CaKind::manager ? "trust.ca_next" : "trust.workload_ca_next";
}

std::string admin_token_fingerprint(ByteView token) {
  return to_hex(crypto::sha256(token));  // of 256 random bits
}

std::string key_fingerprint(const crypto::P256PublicKey& key) {
  return to_hex(key.thumbprint());
}

std::map<std::string, std::string> fingerprints_of(const OwnerFiles& files) {
  return {{std::string(kAdminTokenRow), admin_token_fingerprint(files.admin_token().view())},
          {std::string(kTokenKeyRow), key_fingerprint(files.token_key().public_key())},
          {std::string(ca_row(CaKind::manager)), fingerprint_of(files.ca())},
          {std::string(ca_row(CaKind::workload)), fingerprint_of(files.workload_ca())}};
}

Result<> remember_files(Database& database, const OwnerFiles& files) {
  for (const auto& [row, fingerprint] : fingerprints_of(files))
    TRY(write_meta(database, row, fingerprint));
  if (files.owner_key()) return write_meta(database, kOwnerKeyRow, files.owner_key()->to_pem());
  return fail(ErrorCode::failed_precondition,
              "owner.key.pem is missing and the store does not know its public part: bring the "
              "file back for one start");
}

Result<> check_files(Database& database, OwnerFiles& files) {
  TRY(finish_rotations(database, files));
  for (const CaKind kind : kCaKinds) {
    TRY(finish_ca(database, files.cas(), kind));
    if (TRY(read_meta_if_any(database, next_ca_row(kind))) !=
        fingerprint_of(files.cas().next(kind)))
      return foreign(fmt::format("{}-next", to_text(kind)));
  }
  for (const auto& [row, fingerprint] : fingerprints_of(files)) {
    if (TRY(read_meta(database, row)) != fingerprint) return foreign(row.substr(6));
  }
  return check_owner_key(database, files);
}

}  // namespace penstock::manager
