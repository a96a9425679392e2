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
  std::string kind;   // tcb_info, qe_identity, tcb_signing_chain, root_ca_crl, pck_crl, amd_crl,
                      // amd_chain, tpm_crl
  std::string about;  // "TDX 90c06f000000", an issuer
  std::int64_t from_s = 0, to_s = 0;
  std::int64_t number = 0;  // evaluation number or CRL number; 0: none
};

// How a snapshot stands at some time.
struct CollateralState {
  std::int64_t oldest_age_s = 0;            // since the oldest current item was made
  std::optional<std::int64_t> ends_in_s;    // of the first that ends, below 0: it has; none: empty
  std::vector<CollateralItem> alarms = {};  // current items that hold no longer, not yet, or not
                                            // for the days that were asked about
};

class Collateral {
 public:
  // The bundle, a JSON document:
  //   {"penstock_collateral": 1, "items": [{"kind": KIND, "data": base64}, ...]}
  // invalid_argument: another form, or an item that is malformed; limit_exceeded.
  static Result<Collateral> parse(std::string_view bundle);

  const std::vector<CollateralItem>& items() const { return items_; }
  // Without those that a newer one about the same stands in for.
  std::vector<CollateralItem> current() const;
  // The earliest end of anything that is current; nullopt: empty.
  std::optional<std::int64_t> expires_s() const;
  // For metrics, status and alarms.
  CollateralState state(std::int64_t now_s, std::int64_t alarm_days) const;
  // failed_precondition: something in `before` is missing here, or has a lower number (evaluation
  // number, CRL number): collateral from before a recovery would take the recovery back.
  Result<> check_follows(const Collateral& before) const;

  // Puts in what a quote needs and did not bring.
  void complete(IntelFiles& files, bool tdx, std::string_view fmspc) const;
  const std::vector<crypto::Crl>& amd_crls() const { return amd_crls_; }
  const std::vector<crypto::Crl>& tpm_crls() const { return tpm_crls_; }
  const std::vector<crypto::PkixCertificate>& amd_chain() const { return amd_chain_; }

 private:
  Result<> take(const std::string& kind, const ByteBuffer& data);
  void remember(CollateralItem item) { items_.push_back(std::move(item)); }
  std::vector<CollateralItem> items_;
  std::vector<std::shared_ptr<const TcbInfo>> tcb_infos_;
  std::vector<std::shared_ptr<const QeIdentity>> qe_identities_;
  std::vector<crypto::PkixCertificate> signing_chain_, amd_chain_;
  std::vector<crypto::Crl> root_crls_, pck_crls_, amd_crls_, tpm_crls_;
};

}  // namespace penstock::attest
