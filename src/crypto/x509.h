// X.509 certificates over P-256 keys (RFC 5280): what a small CA of our own needs. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/ec.h"

namespace penstock::crypto {

// One certificate. A value: its DER bytes, parsed once.
class Certificate {
 public:
  static Result<Certificate> from_der(ByteView der);      // at most kCertificateBytesMax
  static Result<Certificate> from_pem(std::string_view);  // exactly one
  // At least one and at most `most`, in their order: a CA and the one that will follow it.
  static Result<std::vector<Certificate>> list_from_pem(std::string_view pem, std::size_t most);

  const ByteBuffer& der() const { return der_; }
  std::string to_pem() const;
  const std::string& common_name() const { return common_name_; }  // empty: none
  const P256PublicKey& key() const { return key_; }      // other keys are refused when parsing
  Sha256Digest fingerprint() const;                      // SHA-256 of der()
  Sha256Digest key_pin() const;                          // SHA-256 of its SubjectPublicKeyInfo
  const std::string& serial() const { return serial_; }  // lower-case hex
  std::int64_t not_before_s() const { return not_before_s_; }
  std::int64_t not_after_s() const { return not_after_s_; }
  bool is_ca() const { return is_ca_; }

  // Signed by this CA's key, in its name, at a time when both hold. not_authentic otherwise.
  Result<> check_issued_by(const Certificate& ca, std::int64_t now_s) const;

 private:
  Certificate(ByteBuffer der, P256PublicKey key) : der_(std::move(der)), key_(key) {}
  ByteBuffer der_;
  P256PublicKey key_;
  std::string common_name_, serial_;
  std::int64_t not_before_s_ = 0, not_after_s_ = 0;
  bool is_ca_ = false;
};

struct Validity {
  std::int64_t not_before_s = 0;  // Unix seconds
  std::int64_t not_after_s = 0;
};

// Self-signed, basicConstraints CA with path length 0, keyCertSign and cRLSign. `permitted`: DNS
// names ("streams.example", and all below it) and ranges of addresses ("10.0.0.0/8", "::1") that it
// may certify (nameConstraints, critical), nothing else; empty: any name.
Result<Certificate> make_ca(std::string_view common_name, const P256PrivateKey& key, Validity,
                            RandomSource& random, const std::vector<std::string>& permitted = {});

// A DNS name in lower case, or an address as the system writes it; two that are equal certify the
// same. invalid_argument: it is neither (wildcards are not taken).
Result<std::string> canonical_certificate_name(const std::string& name);

struct LeafSpec {
  std::string common_name;
  std::vector<std::string> names;  // DNS names and IP addresses, into subjectAltName
  Validity validity;
  bool server = true;      // extendedKeyUsage serverAuth, else clientAuth
  std::string usage = {};  // an OID of another use, instead of both
};
// Random serial of 128 bits; digitalSignature. invalid_argument: a name that is neither a DNS name
// nor an IP address; failed_precondition: `ca_key` is not the CA's.
Result<Certificate> issue_leaf(const LeafSpec& leaf, const P256PublicKey& key,
                               const Certificate& ca, const P256PrivateKey& ca_key,
                               RandomSource& random);

}  // namespace penstock::crypto
