// Signed collateral as the store has it: one bundle, immutable, replaced as a whole. What is in
// force is the floor: the next one may lack nothing of it, nor have it with a lower number.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "attest/collateral.h"
#include "attest/verifier.h"
#include "manager/database.h"

namespace penstock::manager {

struct CollateralSnapshot {
  attest::Collateral collateral;
  std::string digest;  // SHA-256 of the bundle, lower-case hex
  std::int64_t imported_ms = 0;
};
using CollateralPtr = std::shared_ptr<const CollateralSnapshot>;

// As attest::Collateral::parse(); invalid_argument too: it is empty.
Result<CollateralPtr> parse_collateral(std::string_view bundle, std::int64_t imported_ms);
// For the audit log: how many items, until when, which digest.
Result<std::string> describe_collateral(const CollateralSnapshot& snapshot);

// Null: none. `before` is given back if it is the same. corrupt: the bundle is not the one of its
// digest, which the store's root binds.
Result<CollateralPtr> read_collateral(Database& database, const CollateralPtr& before);
Result<> write_collateral(Database& database, const CollateralSnapshot& snapshot,
                          std::string_view bundle);

// What of it judgements need beside itself: the lowest evaluation number of Intel's documents in
// it, so that evidence does not bring older ones. 0: it has none.
std::int64_t evaluation_number_floor(const CollateralSnapshot& snapshot);

}  // namespace penstock::manager
