// Evidence in files: what is asked of it, and the answer. docs/attestation.md describes the folder.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "attest/evidence.h"
#include "base/json.h"

namespace penstock::cli {

struct EvidenceQuestion {
  std::string type;
  attest::Ask ask = attest::Ask::verdict;
  std::optional<std::int64_t> at_s;  // none: now
  bool any_time = false;             // the folder says that the time is irrelevant
  attest::EvidenceFiles files;
  std::vector<ByteBuffer> anchors;  // instead of the compiled ones
  bool replaces_anchors = false;
  std::optional<ByteBuffer> nonce;
  std::vector<std::string> tolerated_tcb;
  std::vector<std::string> absent;  // roles that may be missing
  std::vector<std::string> ear_profiles;
  std::vector<std::string> outcomes;  // expected ones; empty: a good one
};

// DIR/expected.json and the files that it names. invalid_argument.
Result<EvidenceQuestion> read_evidence_set(const std::filesystem::path& folder);
// ROLE=FILE...
Result<EvidenceQuestion> evidence_of_files(const std::string& type,
                                           const std::vector<std::string>& roles);

struct EvidenceAnswer {
  std::string outcome;  // accept, valid, compute, parse or reject
  std::optional<std::int64_t> at_s;
  attest::Appraisal appraisal;
  bool as_expected = false;
};
// unsupported: a type that nothing here judges. failed_precondition: anchors in a release.
Result<EvidenceAnswer> judge_evidence(const EvidenceQuestion& question, std::int64_t now_s);

OrderedJson to_json(const EvidenceAnswer& answer);
std::string to_text(const EvidenceAnswer& answer, std::size_t columns);

}  // namespace penstock::cli
