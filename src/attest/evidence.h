// Evidence as files by role, whatever way it came: out of a guest's message or out of a folder.
// Roles: evidence, quote, signature, pcrs, ak ... as docs/attestation.md lists them.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "attest/verifier.h"

namespace penstock::attest {

struct EvidenceFiles final : Parsed {
  std::map<std::string, std::vector<ByteBuffer>, std::less<>> files;
  // How a role's file is written, where there are several ways ("signature" -> "tpmt").
  std::map<std::string, std::string, std::less<>> formats;

  // null: that role is absent. The first file where there are several.
  const ByteBuffer* file(std::string_view role) const {
    const auto found = files.find(role);
    return found == files.end() || found->second.empty() ? nullptr : &found->second.front();
  }
  std::string_view format(std::string_view role) const {
    const auto found = formats.find(role);
    return found == formats.end() ? std::string_view() : std::string_view(found->second);
  }
};

// A kind of evidence and its appraisal, by the names of the evidence folders.
struct EvidenceKind {
  std::string_view type;  // "snp-report"
  std::string_view summary;
  Appraisal (*appraise)(const EvidenceFiles& evidence, const JudgeContext& context);
};
std::span<const EvidenceKind> builtin_evidence_kinds();
const EvidenceKind* find_evidence_kind(std::string_view type);

Appraisal appraise_nitro(const EvidenceFiles& evidence, const JudgeContext& context);
Appraisal appraise_snp(const EvidenceFiles& evidence, const JudgeContext& context);
Appraisal appraise_sgx(const EvidenceFiles& evidence, const JudgeContext& context);
Appraisal appraise_tdx(const EvidenceFiles& evidence, const JudgeContext& context);
Appraisal appraise_tpm(const EvidenceFiles& evidence, const JudgeContext& context);
Appraisal appraise_azure(const EvidenceFiles& evidence, const JudgeContext& context);
Appraisal appraise_nvidia(const EvidenceFiles& evidence, const JudgeContext& context);
Appraisal appraise_nvidia_rim(const EvidenceFiles& evidence, const JudgeContext& context);
Appraisal appraise_ratls(const EvidenceFiles& evidence, const JudgeContext& context);
Appraisal appraise_ear(const EvidenceFiles& evidence, const JudgeContext& context);
Appraisal appraise_path(const EvidenceFiles& evidence, const JudgeContext& context);
Appraisal appraise_intel_collateral(const EvidenceFiles& evidence, const JudgeContext& context);
Appraisal appraise_tcg_log(const EvidenceFiles& evidence, const JudgeContext& context);
Appraisal appraise_ccel(const EvidenceFiles& evidence, const JudgeContext& context);

}  // namespace penstock::attest
