// All verifiers. A new TEE is one file and one line here.
#include <algorithm>
#include <array>

#include "attest/evidence.h"
#include "attest/guest_evidence.h"
#include "attest/sample.h"
#include "attest/simulated.h"
#include "attest/tpm_enrolment.h"
#include "attest/verifier.h"

namespace penstock::attest {
namespace {

using MakeChallenge = Result<ChallengeExtra> (*)(const Json&, crypto::RandomSource&);

// A TPM without a certificate for its attestation key is enrolled.
Result<ChallengeExtra> tpm_challenge(const Json& extra_params, crypto::RandomSource& random) {
  if (!extra_params.is_object() || !extra_params.contains("tpm")) return ChallengeExtra{};
  TpmChallenge made = TRY(make_tpm_challenge(extra_params.at("tpm"), random));
  return ChallengeExtra{.extra_params = std::move(made.extra_params), .tpm = std::move(made.asked)};
}

template <auto appraise>
Verifier guest_verifier(std::string_view tee, ParsedEvidence (*parse)(std::string_view),
                        MakeChallenge challenge = no_challenge) {
  return {.tee = tee,
          .challenge = challenge,
          .parse = parse,
          .appraise = [](const Parsed& parsed, const JudgeContext& context) {
            return appraise(static_cast<const EvidenceFiles&>(parsed), context);
          }};
}

}  // namespace

std::span<const Verifier> builtin_verifiers() {
  static const std::array kVerifiers = {
      simulated_verifier(),
      sample_verifier(),
      guest_verifier<appraise_sgx>("sgx", parse_sgx_guest),
      guest_verifier<appraise_tdx>("tdx", parse_tdx_guest),
      guest_verifier<appraise_snp>("snp", parse_snp_guest),
      guest_verifier<appraise_nitro>("nitro", parse_nitro_guest),
      guest_verifier<appraise_tpm>("tpm", parse_tpm_guest, tpm_challenge),
      guest_verifier<appraise_azure>("az-snp-vtpm", parse_azure_snp_guest),
      guest_verifier<appraise_azure>("az-tdx-vtpm", parse_azure_tdx_guest),
  };
  return kVerifiers;
}

std::span<const EvidenceKind> builtin_evidence_kinds() {
  static constexpr EvidenceKind kKinds[] = {
      {"sgx-quote", "Intel SGX DCAP quote, version 3 to 5", appraise_sgx},
      {"tdx-quote", "Intel TDX quote, version 4 and 5", appraise_tdx},
      {"snp-report", "AMD SEV-SNP report, version 2 to 5", appraise_snp},
      {"nitro-document", "AWS Nitro attestation document", appraise_nitro},
      {"tpm-quote", "TPM 2.0 quote with its attestation key, registers and log", appraise_tpm},
      {"azure-vtpm", "vTPM of an Azure confidential VM, bound to SNP or TDX", appraise_azure},
      {"ratls-certificate", "certificate that carries an SGX or TDX quote", appraise_ratls},
      {"nvidia-gpu", "measurement report of an NVIDIA GPU", appraise_nvidia},
      {"nvidia-rim", "reference manifest of an NVIDIA driver or VBIOS", appraise_nvidia_rim},
      {"ear-token", "attestation result of another verifier", appraise_ear},
      {"x509-path", "certificate path by RFC 5280", appraise_path},
      {"tcg-eventlog", "TCG event log", appraise_tcg_log},
      {"ccel", "event log of a TD", appraise_ccel},
      {"intel-collateral", "TCB info or QE identity", appraise_intel_collateral},
  };
  return kKinds;
}

const EvidenceKind* find_evidence_kind(std::string_view type) {
  const auto kinds = builtin_evidence_kinds();
  const auto found = std::ranges::find(kinds, type, &EvidenceKind::type);
  return found == kinds.end() ? nullptr : &*found;
}

}  // namespace penstock::attest
