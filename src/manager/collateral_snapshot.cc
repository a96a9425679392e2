#include "manager/collateral_snapshot.h"

#include <fmt/format.h>

#include "attest/rfc3339.h"
#include "crypto/sha.h"

namespace penstock::manager {

Result<CollateralPtr> parse_collateral(std::string_view bundle, std::int64_t imported_ms) {
  auto collateral = TRY(attest::Collateral::parse(bundle));
  if (collateral.items().empty())
    return fail(ErrorCode::invalid_argument, "collateral bundle: it is empty");
  return std::make_shared<const CollateralSnapshot>(CollateralSnapshot{
      std::move(collateral), to_hex(crypto::sha256(as_bytes(bundle))), imported_ms});
}

Result<std::string> describe_collateral(const CollateralSnapshot& snapshot) {
  const auto end_s = snapshot.collateral.expires_s();
  return fmt::format("{} items until {}, sha256 {}", snapshot.collateral.items().size(),
                     end_s ? attest::rfc3339(*end_s) : "?", snapshot.digest);
}

Result<CollateralPtr> read_collateral(Database& database, const CollateralPtr& before) {
  Statement select = TRY(database.prepare("SELECT sha256, imported_ms FROM collateral"));
  if (!TRY(select.step())) return CollateralPtr();
  const std::string digest = select.text(0);
  const std::int64_t imported_ms = select.integer(1);
  if (before && before->digest == digest && before->imported_ms == imported_ms) return before;
  Statement blob = TRY(database.prepare("SELECT bundle FROM collateral"));
  if (!TRY(blob.step())) return fail(ErrorCode::corrupt, "the collateral's bundle is gone");
  const ByteBuffer bundle = blob.blob(0);
  CollateralPtr read = TRY(parse_collateral(as_text(bundle), imported_ms));
  if (read->digest == digest) return read;
  return fail(ErrorCode::corrupt,
              "the collateral's bundle was changed outside the manager: bring the store back from "
              "a backup");
}

Result<> write_collateral(Database& database, const CollateralSnapshot& snapshot,
                          std::string_view bundle) {
  Statement put = TRY(database.prepare(
      "INSERT OR REPLACE INTO collateral(id, sha256, imported_ms, bundle) VALUES(1, ?, ?, ?)"));
  put.bind(1, snapshot.digest).bind(2, snapshot.imported_ms);
  return put.bind(3, as_bytes(bundle)).run();
}

std::int64_t evaluation_number_floor(const CollateralSnapshot& snapshot) {
  std::int64_t floor = 0;
  for (const attest::CollateralItem& item : snapshot.collateral.current()) {
    if (item.kind != "tcb_info" && item.kind != "qe_identity") continue;
    if (floor == 0 || item.number < floor) floor = item.number;
  }
  return floor;
}

}  // namespace penstock::manager
