// A certificate's way to an anchor, by the strict rules of a vendor's PKI: one algorithm, few
// certificates, an anchor that is known by its key. General RFC 5280 paths: path.h.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "crypto/pkix.h"

namespace penstock::crypto {

// A root that is trusted. Its key is known, so evidence need not carry its certificate.
struct Anchor {
  std::string name;   // "AWS Nitro G1"
  Sha256Digest id{};  // SHA-256 of its SubjectPublicKeyInfo
  PublicKey key;
  ByteBuffer subject;  // DER; empty: unknown, then only a certificate with this key will do
  // SHA-256 of certificates of it that are known by every byte: they need no signature of their
  // own.
  std::vector<Sha256Digest> certificates = {};
};

struct ChainFault {
  std::string code;  // chain, root, algorithm, expired, not-yet-valid
  std::string text;
};

struct ChainRules {
  std::vector<SignatureAlgorithm> algorithms;    // of every signature in it
  std::size_t length_max = 5;                    // certificates, leaf and root among them
  std::vector<std::string> known_critical = {};  // object ids that the caller checks itself
};

// What linking found, without looking at times: content and anchors alone decide, so that it can be
// kept. Candidates may stand in any order and hold more than the path.
struct Chain {
  std::vector<PkixCertificate> certificates;  // leaf first; the anchor's last, where it was there
  std::optional<std::string> anchor;          // name of the one that it ends at
  std::optional<PublicKey> anchor_key;
  std::vector<ChainFault> faults;

  const PkixCertificate& leaf() const { return certificates.front(); }
  // The key that signed certificates[i], as far as there is one.
  const PublicKey* issuer_key(std::size_t i) const;
  bool has(std::string_view code) const;  // a fault of that code
};
// Whether that key signed that certificate. Who keeps what was verified once answers from there.
using SignedBy = std::function<bool(const PkixCertificate&, const PublicKey&)>;

// Each signature is asked for once. No `signed_by`: PkixCertificate::signed_by.
Chain build_chain(const PkixCertificate& leaf, std::span<const PkixCertificate> candidates,
                  std::span<const Anchor> anchors, const ChainRules& rules,
                  const SignedBy& signed_by = {});

// Certificates of the chain that do not hold at that time.
std::vector<ChainFault> check_windows(const Chain& chain, std::int64_t now_s);

}  // namespace penstock::crypto
