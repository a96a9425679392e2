// Making certificates; reading and verifying them is in x509.cc.
#include <algorithm>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/check.h"
#include "crypto/certificate_names.h"
#include "crypto/limits.h"
#include "crypto/pkey.h"
#include "crypto/x509.h"

namespace penstock::crypto {
namespace {

using X509ExtensionPtr = OpensslPtr<X509_EXTENSION, X509_EXTENSION_free>;

constexpr long kVersion3 = 2;
constexpr std::size_t kSerialBytes = 16;
constexpr std::int64_t kTimeMax_s = 253402300799;  // the last second of the year 9999

std::unexpected<Error> bad_request(std::string_view problem) {
  return fail(ErrorCode::invalid_argument, fmt::format("issuing a certificate: {}", problem));
}
std::unexpected<Error> refused() {
  return fail(openssl_error("issuing a certificate"));
}

Result<> add_extension(X509* x, X509* issuer, int kind, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, x, nullptr, nullptr, 0);
  X509ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value));
  if (!extension || X509_add_ext(x, extension.get(), -1) != 1) return refused();
  return {};
}

Result<> set_serial(X509* x, RandomSource& random) {
  // A leading 1 keeps the number positive and above zero whatever is drawn.
  std::uint8_t bytes[1 + kSerialBytes] = {1};
  TRY(random.fill(ByteSpan(bytes).subspan(1)));
  BignumPtr number(BN_bin2bn(bytes, sizeof bytes, nullptr));
  if (!number || BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(x)) == nullptr)
    return refused();
  return {};
}

Result<> set_validity(X509* x, Validity validity) {
  if (validity.not_before_s < 0 || validity.not_after_s > kTimeMax_s ||
      validity.not_before_s > validity.not_after_s)
    return bad_request(fmt::format("its validity, from {} s to {} s, is not a span of time",
                                   validity.not_before_s, validity.not_after_s));
  if (ASN1_TIME_set(X509_getm_notBefore(x), validity.not_before_s) == nullptr ||
      ASN1_TIME_set(X509_getm_notAfter(x), validity.not_after_s) == nullptr)
    return refused();
  return {};
}

Result<> set_common_name(X509* x, std::string_view name) {
  bool printable = std::ranges::none_of(
      name, [](char c) { return static_cast<std::uint8_t>(c) < 0x20 || c == 0x7f; });
  if (name.size() > kCommonNameBytesMax || !printable)
    return bad_request(fmt::format("a common name has at most {} bytes and no control characters",
                                   kCommonNameBytesMax));
  if (name.empty()) return {};
  auto* bytes = reinterpret_cast<const std::uint8_t*>(name.data());
  if (X509_NAME_add_entry_by_NID(X509_get_subject_name(x), NID_commonName, MBSTRING_UTF8, bytes,
                                 static_cast<int>(name.size()), -1, 0) != 1) {
    ERR_clear_error();
    return bad_request("the common name is not UTF-8");
  }
  return {};
}

struct Subject {
  std::string_view common_name;
  const P256PublicKey& key;
  Validity validity;
};
// Everything but issuer, extensions and signature.
Result<X509Ptr> begin_certificate(const Subject& subject, RandomSource& random) {
  X509Ptr x(X509_new());
  if (!x || X509_set_version(x.get(), kVersion3) != 1) return refused();
  PkeyPtr key = TRY(make_pkey(subject.key));
  if (X509_set_pubkey(x.get(), key.get()) != 1) return refused();
  TRY(set_serial(x.get(), random));
  TRY(set_validity(x.get(), subject.validity));
  TRY(set_common_name(x.get(), subject.common_name));
  return x;
}

Result<Certificate> finish_certificate(X509* x, const P256PrivateKey& key) {
  PkeyPtr pkey = TRY(make_pkey(key));
  if (X509_sign(x, pkey.get(), EVP_sha256()) <= 0) return refused();
  int size = i2d_X509(x, nullptr);
  if (size <= 0) return refused();
  ByteBuffer der(static_cast<std::size_t>(size));
  std::uint8_t* end = der.data();
  CHECK(i2d_X509(x, &end) == size);
  return TRY_IN(Certificate::from_der(der), "issuing a certificate");
}

Result<> add_names(X509* x, const LeafSpec& leaf) {
  if (leaf.names.size() > kCertificateNamesMax)
    return fail(ErrorCode::limit_exceeded,
                fmt::format("issuing a certificate: {} names, at most {} are taken",
                            leaf.names.size(), kCertificateNamesMax));
  if (leaf.names.empty()) return {};
  GeneralNamesPtr names = TRY(general_names(leaf.names));
  int critical = leaf.common_name.empty() ? 1 : 0;  // RFC 5280, 4.2.1.6
  if (X509_add1_ext_i2d(x, NID_subject_alt_name, names.get(), critical, X509V3_ADD_DEFAULT) != 1)
    return refused();
  return {};
}

}  // namespace

Result<Certificate> make_ca(std::string_view common_name, const P256PrivateKey& key,
                            Validity validity, RandomSource& random,
                            const std::vector<std::string>& permitted) {
  if (common_name.empty()) return bad_request("a CA needs a common name");
  X509Ptr x = TRY(begin_certificate({common_name, key.public_key(), validity}, random));
  if (X509_set_issuer_name(x.get(), X509_get_subject_name(x.get())) != 1) return refused();
  TRY(add_extension(x.get(), x.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0"));
  TRY(add_extension(x.get(), x.get(), NID_key_usage, "critical,keyCertSign,cRLSign"));
  TRY(add_extension(x.get(), x.get(), NID_subject_key_identifier, "hash"));
  if (!permitted.empty()) {
    const std::string constraints = TRY(name_constraints_text(permitted));
    TRY(add_extension(x.get(), x.get(), NID_name_constraints, constraints.c_str()));
  }
  return finish_certificate(x.get(), key);
}

Result<Certificate> issue_leaf(const LeafSpec& leaf, const P256PublicKey& key,
                               const Certificate& ca, const P256PrivateKey& ca_key,
                               RandomSource& random) {
  if (!ca.is_ca() || ca.key() != ca_key.public_key())
    return fail(ErrorCode::failed_precondition,
                "issuing a certificate: the signing key does not belong to the CA given");
  if (leaf.common_name.empty() && leaf.names.empty())
    return bad_request("it needs a common name or other names");
  const std::uint8_t* start = ca.der().data();
  X509Ptr issuer(d2i_X509(nullptr, &start, static_cast<long>(ca.der().size())));
  X509Ptr x = TRY(begin_certificate({leaf.common_name, key, leaf.validity}, random));
  if (!issuer || X509_set_issuer_name(x.get(), X509_get_subject_name(issuer.get())) != 1)
    return refused();
  TRY(add_extension(x.get(), issuer.get(), NID_basic_constraints, "critical,CA:FALSE"));
  TRY(add_extension(x.get(), issuer.get(), NID_key_usage, "critical,digitalSignature"));
  const char* role = leaf.server ? "serverAuth" : "clientAuth";
  TRY(add_extension(x.get(), issuer.get(), NID_ext_key_usage,
                    leaf.usage.empty() ? role : leaf.usage.c_str()));
  TRY(add_extension(x.get(), issuer.get(), NID_subject_key_identifier, "hash"));
  TRY(add_extension(x.get(), issuer.get(), NID_authority_key_identifier, "keyid"));
  TRY(add_names(x.get(), leaf));
  return finish_certificate(x.get(), ca_key);
}

}  // namespace penstock::crypto
