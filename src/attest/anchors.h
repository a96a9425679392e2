// What judgements end at: keys of vendors (compiled in), and those that an owner adds by name.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attest/verdict.h"
#include "crypto/chain.h"
#include "crypto/ec.h"

namespace penstock::attest {

// Which PKI an anchor belongs to: it counts for no other.
enum class Pki : std::uint8_t {
  intel,
  amd_milan,
  amd_genoa,
  amd_turin,
  aws_nitro,
  nvidia,
  nvidia_rim,
  tpm
};

// An anchor that an owner has named (the EK root of a TPM maker, an operator's swtpm). With
// approval and audit, never out of evidence.
struct NamedAnchor {
  Pki pki = Pki::tpm;
  crypto::Anchor anchor;
  Trust trust = Trust::provider;  // what evidence that ends at it is worth
};

// Keys and roots that signatures are checked against. Vendors' roots are compiled in; the members
// are what an owner adds.
struct Anchors {
  // Platform keys of simulated TEEs. Empty unless the manager's store is a development one, which
  // makes the simulated verifier unreachable.
  std::vector<crypto::P256PublicKey> simulated_platforms = {};
  bool sample_allowed = false;  // unsigned evidence of public test clients; development stores only
  std::vector<NamedAnchor> named = {};
  // Instead of all compiled ones, for every PKI. Only test builds can set it: replace_anchors().
  std::optional<std::vector<crypto::Anchor>> replaced = std::nullopt;
  std::vector<crypto::PkixCertificate> replaced_certificates = {};  // those that they came in

  std::vector<crypto::Anchor> of(Pki pki) const;
  // What a chain that ended at the anchor with that key is worth.
  Trust trust_of(Pki pki, const crypto::PublicKey& anchor) const;
};

// Whether this build lets anchors be replaced: those with crash points, which nobody ships.
bool anchors_replaceable();
// From the certificates in `files`; what is no certificate is no anchor. failed_precondition in a
// build that does not allow it.
Result<> replace_anchors(Anchors& anchors, std::span<const ByteBuffer> files);

crypto::Anchor anchor_of(const crypto::PkixCertificate& certificate);  // CHECKs that it has a key

}  // namespace penstock::attest
