// The rules over a TPM quote, which Azure's evidence uses too. Private to attest.
#pragma once

#include "attest/event_log.h"
#include "attest/evidence.h"
#include "attest/tpm_quote.h"

namespace penstock::attest {

// Signature, structure, nonce, PCRs and log, with a key whose trust the caller has judged.
void check_tpm_quote(RuleBook& book, const EvidenceFiles& evidence, const crypto::PublicKey& ak);

}  // namespace penstock::attest
