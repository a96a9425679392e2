// RFC 5280 path validation in general: names, constraints, policies, CRLs (deltas and indirect ones
// too), by libcrypto's engine, with every error that it meets.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "crypto/chain.h"

namespace penstock::crypto {

struct PathQuestion {
  const PkixCertificate& leaf;
  std::span<const PkixCertificate> intermediates;  // candidates
  std::span<const PkixCertificate> anchors;
  std::span<const Crl> crls;
  bool check_crls = true;  // of every certificate below the anchor
  bool check_times = true;
  std::int64_t now_s = 0;
};

// Empty: the path holds. Codes: chain, root, signature, algorithm, expired, not-yet-valid, revoked,
// no-crl, crl-signature, collateral-expired (a CRL out of its window).
std::vector<ChainFault> check_path(const PathQuestion& question);

}  // namespace penstock::crypto
