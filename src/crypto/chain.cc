#include "crypto/chain.h"

#include <algorithm>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "crypto/limits.h"
#include "crypto/openssl.h"

namespace penstock::crypto {

class ChainBuilder {
 public:
  ChainBuilder(std::span<const PkixCertificate> candidates, std::span<const Anchor> anchors,
               const ChainRules& rules, const SignedBy& signed_by)
      : candidates_(candidates), anchors_(anchors), rules_(rules), signed_by_(signed_by) {}

  Chain build(const PkixCertificate& leaf) && {
    out_.certificates.push_back(leaf);
    while (!ended()) {
      const PkixCertificate& below = out_.certificates.back();
      const PkixCertificate* issuer = issuer_of(below);
      if (issuer == nullptr) {
        end_at_anchor(below);
        break;
      }
      if (out_.certificates.size() == rules_.length_max) {
        fault("chain", fmt::format("more than {} certificates", rules_.length_max));
        break;
      }
      out_.certificates.push_back(*issuer);
    }
    for (std::size_t i = 0; i < out_.certificates.size(); ++i) check(i);
    if (!out_.anchor && !out_.has("root"))
      fault("root", fmt::format("'{}' is not a root that is trusted",
                                out_.certificates.back().subject_text()));
    return std::move(out_);
  }

 private:
  void fault(std::string code, std::string text) {
    out_.faults.push_back({std::move(code), std::move(text)});
  }

  // At a certificate that has an anchor's key (never the leaf itself), or at a self-signed one.
  bool ended() {
    const PkixCertificate& top = out_.certificates.back();
    if (out_.certificates.size() > 1 && top.key()) {
      const auto anchor = std::ranges::find(anchors_, top.key()->id(), &Anchor::id);
      if (anchor != anchors_.end()) {
        take(*anchor);
        return true;
      }
    }
    return top.self_issued() && out_.certificates.size() > 1 && top.key() &&
           is_signed(top, *top.key());
  }

  // Building asks while it looks for issuers, and again when it checks: the answer is the same.
  bool is_signed(const PkixCertificate& certificate, const PublicKey& key) const {
    for (const Answer& each : answers_)
      if (each.certificate == certificate.fingerprint() && each.key == key.id()) return each.good;
    const bool good = signed_by_ ? signed_by_(certificate, key) : certificate.signed_by(key);
    answers_.push_back({certificate.fingerprint(), key.id(), good});
    return good;
  }

  bool is_pinned(const PkixCertificate& certificate) const {
    return std::ranges::any_of(anchors_, [&](const Anchor& anchor) {
      return std::ranges::find(anchor.certificates, certificate.fingerprint()) !=
             anchor.certificates.end();
    });
  }

  void take(const Anchor& anchor) {
    out_.anchor = anchor.name;
    out_.anchor_key = anchor.key;
  }

  // The anchor's certificate may be missing: its name and key are known.
  void end_at_anchor(const PkixCertificate& below) {
    for (const Anchor& anchor : anchors_)
      if (!anchor.subject.empty() && anchor.subject == below.issuer() &&
          is_signed(below, anchor.key))
        return take(anchor);
    if (!below.self_issued())
      fault("chain", fmt::format("no certificate of the issuer '{}' of '{}'", below.issuer_text(),
                                 below.subject_text()));
  }

  // By name, and among those of one name the one that signed. A wrong signature is told by check().
  const PkixCertificate* issuer_of(const PkixCertificate& below) const {
    const PkixCertificate* named = nullptr;
    for (const PkixCertificate& each : candidates_) {
      if (each.subject() != below.issuer() || used(each)) continue;
      if (each.key() && is_signed(below, *each.key())) return &each;
      if (named == nullptr) named = &each;
    }
    return named;
  }

  bool used(const PkixCertificate& certificate) const {
    return std::ranges::any_of(out_.certificates, [&](const PkixCertificate& each) {
      return each.fingerprint() == certificate.fingerprint();
    });
  }

  void check(std::size_t i) {
    const PkixCertificate& certificate = out_.certificates[i];
    for (const std::string& oid : certificate.unknown_critical())
      if (std::ranges::find(rules_.known_critical, oid) == rules_.known_critical.end())
        fault("chain", fmt::format("'{}' has the critical extension {}, which is unknown",
                                   certificate.subject_text(), oid));
    if (!certificate.key())
      fault("algorithm", fmt::format("'{}' has a key of another kind", certificate.subject_text()));
    if (i > 0) check_issuer(i);
    const bool is_anchor = i > 0 && i + 1 == out_.certificates.size() && out_.anchor.has_value();
    if (is_anchor && !certificate.self_issued()) return;  // an anchor in the middle of a PKI
    if (!certificate.algorithm() ||
        std::ranges::find(rules_.algorithms, *certificate.algorithm()) == rules_.algorithms.end())
      fault("algorithm", fmt::format("'{}' is signed with {}", certificate.subject_text(),
                                     certificate.algorithm() ? to_text(*certificate.algorithm())
                                                             : "an algorithm that is not taken"));
    const PublicKey* key = out_.issuer_key(i);
    if (key != nullptr && !(is_anchor && is_pinned(certificate)) && !is_signed(certificate, *key))
      fault("chain",
            fmt::format("the signature of '{}' is not its issuer's", certificate.subject_text()));
  }

  void check_issuer(std::size_t i) {
    const PkixCertificate& certificate = out_.certificates[i];
    if (!certificate.is_ca())
      fault("chain", fmt::format("'{}' is not a CA", certificate.subject_text()));
    if (!certificate.may_sign_certificates())
      fault("chain", fmt::format("'{}' may not sign certificates", certificate.subject_text()));
    int below = 0;
    for (std::size_t k = 1; k < i; ++k) below += out_.certificates[k].self_issued() ? 0 : 1;
    if (certificate.path_length() && below > *certificate.path_length())
      fault("chain", fmt::format("'{}' allows {} CAs below it, there are {}",
                                 certificate.subject_text(), *certificate.path_length(), below));
    check_names(i);
  }

  void check_names(std::size_t i) {
    int critical = 0;
    OpensslPtr<NAME_CONSTRAINTS, NAME_CONSTRAINTS_free> names(
        static_cast<NAME_CONSTRAINTS*>(X509_get_ext_d2i(out_.certificates[i].data_->x.get(),
                                                        NID_name_constraints, &critical, nullptr)));
    if (!names) {
      if (critical != -1)
        fault("chain", fmt::format("'{}' has malformed or repeated name constraints",
                                   out_.certificates[i].subject_text()));
      ERR_clear_error();
      return;
    }
    for (std::size_t k = 0; k < i; ++k) {
      if (k > 0 && out_.certificates[k].self_issued()) continue;
      X509* below = out_.certificates[k].data_->x.get();
      if (NAME_CONSTRAINTS_check(below, names.get()) != X509_V_OK)
        fault("chain", fmt::format("'{}' may not be issued under the names of '{}'",
                                   out_.certificates[k].subject_text(),
                                   out_.certificates[i].subject_text()));
    }
    ERR_clear_error();
  }

  std::span<const PkixCertificate> candidates_;
  std::span<const Anchor> anchors_;
  const ChainRules& rules_;
  const SignedBy& signed_by_;
  struct Answer {
    Sha256Digest certificate, key;
    bool good;
  };
  mutable std::vector<Answer> answers_;
  Chain out_;
};

const PublicKey* Chain::issuer_key(std::size_t i) const {
  const auto key_at = [this](std::size_t k) -> const PublicKey* {
    return certificates[k].key() ? &*certificates[k].key() : nullptr;
  };
  if (i + 1 < certificates.size()) return key_at(i + 1);
  if (i >= certificates.size()) return nullptr;
  if (certificates[i].self_issued() && i > 0) return key_at(i);
  if (anchor_key && !(certificates[i].key() && certificates[i].key()->id() == anchor_key->id()))
    return &*anchor_key;
  return nullptr;
}

bool Chain::has(std::string_view code) const {
  return std::ranges::any_of(faults, [&](const ChainFault& fault) { return fault.code == code; });
}

Chain build_chain(const PkixCertificate& leaf, std::span<const PkixCertificate> candidates,
                  std::span<const Anchor> anchors, const ChainRules& rules,
                  const SignedBy& signed_by) {
  return ChainBuilder(candidates, anchors, rules, signed_by).build(leaf);
}

std::vector<ChainFault> check_windows(const Chain& chain, std::int64_t now_s) {
  std::vector<ChainFault> out;
  for (const PkixCertificate& each : chain.certificates) {
    if (now_s < each.not_before_s())
      out.push_back({"not-yet-valid", fmt::format("'{}' is not valid yet", each.subject_text())});
    if (now_s > each.not_after_s())
      out.push_back({"expired", fmt::format("'{}' has expired", each.subject_text())});
  }
  return out;
}

}  // namespace penstock::crypto
