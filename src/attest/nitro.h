// What TPM evidence of EC2 instances shares with the enclaves': the signed document. Private to
// attest.
#pragma once

#include "attest/evidence.h"
#include "attest/nitro_document.h"
#include "attest/rule_book.h"

namespace penstock::attest {

// Certificates, signature, algorithm and times of a document of either kind.
void check_nitro_envelope(RuleBook& book, const NitroDocument& document,
                          const EvidenceFiles& evidence);

}  // namespace penstock::attest
