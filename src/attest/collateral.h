// Collateral as an immutable snapshot: Intel's TCB info, QE identities and CRLs, AMD's chains and
// CRLs. Made from a bundle (docs/attestation.md), never fetched while judging. Any thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "attest/intel_collateral.h"
#include "base/json.h"
#include "crypto/pkix.h"

namespace penstock::attest {

struct IntelFiles;

// One document of a bundle, for `penstock collateral show`.
struct CollateralItem {
  std::string
      kind;  // tcb_info, qe_identity, tcb_signing_chain, root_ca_crl, pck_crl, amd_crl, amd_chain
  std::string about;  // "TDX 90c06f000000", an issuer
  std::int64_t from_s = 0, to_s = 0;
  std::int64_t number = 0;  // evaluation number or CRL number; 0: none
};

class Collateral {
 public:
  // The bundle, a JSON document:
  //   {"penstock_collateral": 1, "items": [{"kind": KIND, "data": base64}, ...]}
  // invalid_argument: another form, or an item that is malformed; limit_exceeded.
  static Result<Collateral> parse(std::string_view bundle);

  const std::vector<CollateralItem>& items() const { return items_; }
  // The earliest end of anything in it; nullopt: empty.
  std::optional<std::int64_t> expires_s() const;

  // Puts in what a quote needs and did not bring.
  void complete(IntelFiles& files, bool tdx, std::string_view fmspc) const;
  const std::vector<crypto::Crl>& amd_crls() const { return amd_crls_; }
  const std::vector<crypto::PkixCertificate>& amd_chain() const { return amd_chain_; }

 private:
  Result<> take(const std::string& kind, const ByteBuffer& data);
  void remember(CollateralItem item) { items_.push_back(std::move(item)); }
  std::vector<CollateralItem> items_;
  std::vector<std::shared_ptr<const TcbInfo>> tcb_infos_;
  std::vector<std::shared_ptr<const QeIdentity>> qe_identities_;
  std::vector<crypto::PkixCertificate> signing_chain_, amd_chain_;
  std::vector<crypto::Crl> root_crls_, pck_crls_, amd_crls_;
};

}  // namespace penstock::attest
