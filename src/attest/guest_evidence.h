// Evidence as guests send it through the key broker protocol, per TEE, into files by role.
#pragma once

#include <memory>
#include <string_view>

#include "attest/evidence.h"

namespace penstock::attest {

using ParsedEvidence = Result<std::unique_ptr<Parsed>>;

// {"quote": BYTES}
ParsedEvidence parse_sgx_guest(std::string_view json);
// {"quote": BYTES, "cc_eventlog": BYTES or null}
ParsedEvidence parse_tdx_guest(std::string_view json);
// {"attestation_report": BYTES, "cert_chain": null or [BYTES or {"data": BYTES}, ...]}
ParsedEvidence parse_snp_guest(std::string_view json);
// {"document": BYTES}
ParsedEvidence parse_nitro_guest(std::string_view json);
// {"ak_public": BYTES (SubjectPublicKeyInfo), "ak_tpmt": BYTES, "ak_cert": BYTES or "ak_chain":
// PEM,
//  "tpm_quote": {"signature": BYTES, "message": BYTES, "pcrs": [24 hex texts]}, "event_log": BYTES}
ParsedEvidence parse_tpm_guest(std::string_view json);
// {"tpm_quote": as above, "hcl_report": BYTES, "vcek": PEM or BYTES} or "td_quote" for the last
ParsedEvidence parse_azure_snp_guest(std::string_view json);
ParsedEvidence parse_azure_tdx_guest(std::string_view json);
// BYTES: base64 of either alphabet, a PEM text, or a list of numbers.

}  // namespace penstock::attest
