#include "attest/ear.h"

#include <algorithm>
#include <array>

namespace penstock::attest {
namespace {

constexpr int kAffirmed = 2, kUnsafe = 32, kContraindicated = 96, kUnknownHardware = 97;

// Genuine and free of known weaknesses; a status that a policy tolerates, or collateral past its
// end, is a weakness that somebody has accepted.
int hardware_entry(Trust trust, const Claims& claims) {
  if (trust == Trust::none) return kUnknownHardware;
  const auto status = claims.find("tcb_status");
  const bool current = status == claims.end() || *status == "UpToDate";
  return trust != Trust::operator_ && current && !claims.contains("waived") ? kAffirmed : kUnsafe;
}

// Whether memory is closed to everybody outside: a vTPM without a TEE leaves it open to its host.
int opaque_entry(Trust trust, const Claims& claims) {
  const auto debug = claims.find("debug");
  if (trust == Trust::none || (debug != claims.end() && *debug != false)) return kContraindicated;
  return trust == Trust::hardware ? kAffirmed : kUnsafe;
}

}  // namespace

std::string_view to_text(EarTier tier) {
  constexpr std::array<std::string_view, 4> kNames = {"none", "affirming", "warning",
                                                      "contraindicated"};
  return kNames.at(static_cast<std::size_t>(tier));
}

EarTier ear_tier(std::int64_t vector_entry) {
  if (vector_entry >= -1 && vector_entry <= 1) return EarTier::none;
  if (vector_entry >= -32 && vector_entry <= 31) return EarTier::affirming;
  if (vector_entry >= -96 && vector_entry <= 95) return EarTier::warning;
  return EarTier::contraindicated;
}

EarAppraisal ear_appraisal(Trust trust, const Claims& claims, PolicySaid policy) {
  EarAppraisal out;
  out.vector["hardware"] = hardware_entry(trust, claims);
  out.vector["runtime-opaque"] = opaque_entry(trust, claims);
  if (policy == PolicySaid::holds) {
    out.vector["executables"] = kAffirmed;
    out.vector["configuration"] = kAffirmed;
  }
  out.tier = EarTier::affirming;
  for (const auto& [name, entry] : out.vector.items())
    out.tier = std::max(out.tier, ear_tier(entry.get<std::int64_t>()));
  return out;
}

}  // namespace penstock::attest
