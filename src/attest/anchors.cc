#include "attest/anchors.h"

#include <algorithm>

#include "attest/anchors_builtin.h"
#include "base/check.h"

namespace penstock::attest {
namespace {

std::vector<NamedAnchor> compiled() {
  std::vector<NamedAnchor> out;
  for (const BuiltinAnchor& each : builtin_anchors()) {
    auto subject = from_base64(each.subject), der = from_base64(each.key);
    CHECK(subject.has_value() && der.has_value());
    auto key = crypto::PublicKey::from_spki(*der);
    CHECK(key.has_value());
    const Trust trust = each.pki == Pki::tpm ? Trust::provider : Trust::hardware;
    crypto::Anchor anchor{std::string(each.name), key->id(), *key, std::move(*subject)};
    constexpr std::size_t kHexDigits = 2 * std::tuple_size_v<crypto::Sha256Digest>;
    for (std::size_t at = 0; at < each.certificates.size(); at += kHexDigits) {
      const auto digest = from_hex(each.certificates.substr(at, kHexDigits));
      CHECK(digest.has_value() && digest->size() == kHexDigits / 2);
      std::ranges::copy(*digest, anchor.certificates.emplace_back().begin());
    }
    out.push_back({each.pki, std::move(anchor), trust});
  }
  return out;
}

const std::vector<NamedAnchor>& compiled_anchors() {
  static const std::vector<NamedAnchor> kAnchors = compiled();
  return kAnchors;
}

}  // namespace

std::vector<crypto::Anchor> Anchors::of(Pki pki) const {
  if (replaced) return *replaced;
  std::vector<crypto::Anchor> out;
  for (const auto* list : {&compiled_anchors(), &named})
    for (const NamedAnchor& each : *list)
      if (each.pki == pki) out.push_back(each.anchor);
  return out;
}

Trust Anchors::trust_of(Pki pki, const crypto::PublicKey& anchor) const {
  for (const auto* list : {&compiled_anchors(), &named})
    for (const NamedAnchor& each : *list)
      if (each.pki == pki && each.anchor.id == anchor.id()) return each.trust;
  return Trust::none;
}

bool anchors_replaceable() {
#ifdef PENSTOCK_CRASH_POINTS
  return true;
#else
  return false;
#endif
}

crypto::Anchor anchor_of(const crypto::PkixCertificate& certificate) {
  CHECK(certificate.key().has_value());
  return {certificate.subject_text(), certificate.key()->id(), *certificate.key(),
          certificate.subject()};
}

Result<> replace_anchors(Anchors& anchors, std::span<const ByteBuffer> files) {
  if (!anchors_replaceable())
    return fail(ErrorCode::failed_precondition,
                "the trust anchors of a release cannot be replaced; use a test build "
                "(./dev test vectors)");
  anchors.replaced.emplace();
  for (const ByteBuffer& file : files) {
    const auto certificates = crypto::read_certificates(file);
    if (!certificates) continue;  // no certificate, no anchor
    for (const crypto::PkixCertificate& each : *certificates)
      if (each.key()) {
        anchors.replaced->push_back(anchor_of(each));
        anchors.replaced_certificates.push_back(each);
      }
  }
  return {};
}

}  // namespace penstock::attest
