// The rules over an SNP report, which Azure's evidence uses too. Private to attest.
#pragma once

#include "attest/evidence.h"
#include "attest/rule_book.h"
#include "attest/snp_report.h"

namespace penstock::attest {

// Certificates (roles vcek, vlek, ask, asvk, ark, cert_chain, crl), signature, TCB and policy.
void check_snp_report(RuleBook& book, const SnpReport& report, const EvidenceFiles& evidence);
Claims snp_claims(const SnpReport& report);

}  // namespace penstock::attest
