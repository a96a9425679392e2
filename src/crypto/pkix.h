// Certificates and CRLs of other people's PKIs (RFC 5280), parsed once. Any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/public_key.h"

struct x509_st;
struct X509_crl_st;

namespace penstock::crypto {

// What a certificate or CRL is signed with, exactly.
struct SignatureAlgorithm {
  SignatureForm form = SignatureForm::ecdsa_der;
  Hash hash = Hash::sha256;
  friend bool operator==(const SignatureAlgorithm&, const SignatureAlgorithm&) = default;
};
std::string to_text(SignatureAlgorithm algorithm);  // "ECDSA sha256", "RSA-PSS sha384"

// A value; copies share what was parsed.
class PkixCertificate {
 public:
  // One certificate in strict DER. invalid_argument; limit_exceeded over kCertificateBytesMax.
  static Result<PkixCertificate> from_der(ByteView der);

  const ByteBuffer& der() const { return data_->der; }
  const Sha256Digest& fingerprint() const { return data_->fingerprint; }
  const ByteBuffer& subject() const { return data_->subject; }  // DER of the name
  const ByteBuffer& issuer() const { return data_->issuer; }
  std::string subject_text() const;  // RFC 4514, last part first
  std::string issuer_text() const;
  const std::string& common_name() const { return data_->common_name; }  // empty: none
  std::string serial() const;                                            // hex
  const std::optional<PublicKey>& key() const { return data_->key; }  // none: a kind we do not know
  // none: an algorithm that we do not take (SHA-1, other salts ...)
  const std::optional<SignatureAlgorithm>& algorithm() const { return data_->algorithm; }
  std::int64_t not_before_s() const { return data_->not_before_s; }
  std::int64_t not_after_s() const { return data_->not_after_s; }
  bool is_ca() const { return data_->is_ca; }  // basicConstraints CA
  std::optional<int> path_length() const { return data_->path_length; }
  bool has_key_usage() const { return data_->has_key_usage; }
  bool may_sign_certificates() const { return data_->may_sign_certificates; }
  bool may_sign_crls() const { return data_->may_sign_crls; }
  bool may_sign() const { return data_->may_sign; }  // digitalSignature, or no keyUsage at all
  // Object ids of critical extensions that the path rules do not process.
  const std::vector<std::string>& unknown_critical() const { return data_->unknown_critical; }
  bool self_issued() const { return data_->subject == data_->issuer; }

  // The content octets of the extension's value; nullopt: none. invalid_argument: several.
  Result<std::optional<ByteView>> extension(std::string_view oid) const;
  // Key and signature alone: names and times are the chain's.
  bool signed_by(const PublicKey& key) const;

 private:
  friend class Path;
  friend class Crl;
  friend class ChainBuilder;
  struct Extension {
    std::string oid;
    ByteBuffer value;
  };
  struct Data {
    std::shared_ptr<x509_st> x;
    ByteBuffer der, subject, issuer;
    Sha256Digest fingerprint{};
    std::string common_name;
    std::optional<PublicKey> key;
    std::optional<SignatureAlgorithm> algorithm;
    std::int64_t not_before_s = 0, not_after_s = 0;
    bool is_ca = false, has_key_usage = false, may_sign_certificates = false;
    bool may_sign_crls = false, may_sign = false;
    std::vector<std::string> unknown_critical;
    std::optional<int> path_length;
    std::vector<Extension> extensions;
  };
  explicit PkixCertificate(std::shared_ptr<const Data> data) : data_(std::move(data)) {}
  std::shared_ptr<const Data> data_;
};

// All certificates of a PEM text (comments between and a NUL at the end allowed), or of DER values
// one behind the other. At most kCertificatesMax.
Result<std::vector<PkixCertificate>> read_certificates(ByteView bundle);

class Crl {
 public:
  static Result<Crl> from_der(ByteView der);
  // DER, PEM, or the hex of DER, as collateral services hand them out.
  static Result<Crl> read(ByteView file);

  const ByteBuffer& der() const { return data_->der; }
  const Sha256Digest& fingerprint() const { return data_->fingerprint; }
  const ByteBuffer& issuer() const { return data_->issuer; }
  std::string issuer_text() const;
  std::int64_t this_update_s() const { return data_->this_update_s; }
  // none: it says nothing, and is then always too old
  std::optional<std::int64_t> next_update_s() const { return data_->next_update_s; }
  std::optional<std::int64_t> number() const { return data_->number; }
  const std::optional<SignatureAlgorithm>& algorithm() const { return data_->algorithm; }
  bool has_unknown_critical() const { return data_->has_unknown_critical; }
  bool signed_by(const PublicKey& key) const;
  // Whether it lists the certificate's serial; the caller has compared the issuers.
  bool lists(const PkixCertificate& certificate) const;

 private:
  friend class Path;
  struct Data {
    std::shared_ptr<X509_crl_st> crl;
    ByteBuffer der, issuer;
    Sha256Digest fingerprint{};
    std::int64_t this_update_s = 0;
    std::optional<std::int64_t> next_update_s, number;
    std::optional<SignatureAlgorithm> algorithm;
    bool has_unknown_critical = false;
  };
  explicit Crl(std::shared_ptr<const Data> data) : data_(std::move(data)) {}
  std::shared_ptr<const Data> data_;
};

}  // namespace penstock::crypto
