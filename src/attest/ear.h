// Attestation results for other people's policies: what a verdict that affirms is as an AR4SI
// trustworthiness vector. The table is in docs/attestation.md. Pure.
#pragma once

#include <string_view>

#include "attest/verdict.h"

namespace penstock::attest {

enum class EarTier : std::uint8_t { none, affirming, warning, contraindicated };
std::string_view to_text(EarTier tier);       // "affirming"
EarTier ear_tier(std::int64_t vector_entry);  // of an 8-bit entry, by its range

// What the asked policy said of what runs, beside the evidence's own rules.
enum class PolicySaid : std::uint8_t {
  nothing,  // none was asked: releases ask one each time
  holds,    // builds and configuration are approved
};

struct EarAppraisal {
  EarTier tier = EarTier::contraindicated;  // of the worst entry
  Json vector = Json::object();             // {"hardware": 2, ...}
};
// Of claims whose every rule passed; what was refused has no result.
EarAppraisal ear_appraisal(Trust trust, const Claims& claims,
                           PolicySaid policy = PolicySaid::nothing);

}  // namespace penstock::attest
