// The rules over a TPM quote, which Azure's evidence uses too, and those of its key. Private to
// attest.
#pragma once

#include <optional>
#include <string_view>

#include "attest/event_log.h"
#include "attest/evidence.h"
#include "attest/tpm_quote.h"

namespace penstock::attest {

// Signature, structure, nonce, PCRs and log, with a key whose trust the caller has judged.
void check_tpm_quote(RuleBook& book, const EvidenceFiles& evidence, const crypto::PublicKey& ak);

// tpm_keys.cc: the attestation key by itself, by its certificate, by a NitroTPM's document, and by
// enrolment; nullopt: that kind is not there, or does not hold. `trust`: what the anchor is worth.
std::optional<crypto::PublicKey> read_ak(RuleBook& book, const EvidenceFiles& evidence);
std::optional<crypto::PublicKey> check_ak_chain(RuleBook& book, const EvidenceFiles& evidence,
                                                Trust& trust);
std::optional<crypto::PublicKey> check_nitrotpm(RuleBook& book, const EvidenceFiles& evidence,
                                                Trust& trust);
std::optional<crypto::PublicKey> check_enrolment(RuleBook& book, const EvidenceFiles& evidence,
                                                 const TpmPublic* area, Trust& trust);
void same_key(RuleBook& book, std::string_view name, const crypto::PublicKey& a,
              const crypto::PublicKey& b);
void check_public_area(RuleBook& book, const TpmPublic& area);
void check_ak_name(RuleBook& book, const EvidenceFiles& evidence, const TpmPublic& area);

}  // namespace penstock::attest
