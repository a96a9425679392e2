// The rules that SGX and TDX quotes share. Private to attest.
#pragma once

#include "attest/dcap_quote.h"
#include "attest/evidence.h"
#include "attest/rule_book.h"

namespace penstock::attest {

// Everything but what the workload is: chains, CRLs, collateral, quoting enclave, signatures, TCB.
void check_dcap_quote(RuleBook& book, const DcapQuote& quote, const EvidenceFiles& evidence);

// A quote out of its role's file, whatever wraps it. nullopt: the rule parse has failed.
std::optional<DcapQuote> read_dcap_quote(RuleBook& book, const EvidenceFiles& evidence,
                                         std::string_view role);
Claims dcap_claims(const DcapQuote& quote);
void sgx_body_claims(Claims& claims, const SgxBody& body);

// Workload rules. `report_data`: whether the quote itself is bound to the session.
void check_sgx_workload(RuleBook& book, const SgxBody& body);
void check_td_workload(RuleBook& book, const TdBody& body);
void td_body_claims(Claims& claims, const TdBody& body);

}  // namespace penstock::attest
