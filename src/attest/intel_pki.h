// Intel's certificates, CRLs and signed documents as rules. Private to attest.
#pragma once

#include <memory>
#include <vector>

#include "attest/evidence.h"
#include "attest/intel_collateral.h"
#include "attest/rule_book.h"

namespace penstock::attest {

// Collateral that a quote is judged with: out of the evidence's roles, or else of the snapshot.
struct IntelFiles {
  std::shared_ptr<const TcbInfo> tcb_info;
  std::shared_ptr<const QeIdentity> qe_identity;
  std::vector<crypto::PkixCertificate> signing_chain;  // of both documents
  std::vector<crypto::Crl> root_crls, pck_crls;
  bool has_tcb_info = false, has_qe_identity = false, has_signing_chain = false;
  bool has_root_crl = false, has_pck_crl = false;
};
// `fmspc`: of the PCK certificate, to choose from the snapshot; empty: none.
IntelFiles read_intel_files(RuleBook& book, const EvidenceFiles& evidence, bool tdx,
                            std::string_view fmspc);

crypto::ChainRules intel_chain_rules();

// The chain of the TCB signing certificate, once for both documents; null: absent or unreadable.
std::shared_ptr<const crypto::Chain> check_signing_chain(RuleBook& book, const IntelFiles& files);
// Signature, window and evaluation number of a document.
void check_document(RuleBook& book, std::string_view name, const SignedCollateral& document,
                    const crypto::Chain* signing_chain);
// The rule for certificates[i]: by the root's CRL or the PCK CA's.
void check_intel_crl(RuleBook& book, std::string_view name, std::string_view role, bool there,
                     const crypto::Chain& chain, std::size_t i,
                     const std::vector<crypto::Crl>& crls);

}  // namespace penstock::attest
