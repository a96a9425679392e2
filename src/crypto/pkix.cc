#include "crypto/pkix.h"

#include <algorithm>
#include <ctime>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/check.h"
#include "crypto/limits.h"
#include "crypto/openssl.h"
#include "crypto/pkix_parts.h"

namespace penstock::crypto {
namespace {

std::unexpected<Error> bad_pkix(std::string_view problem) {
  ERR_clear_error();
  return fail(ErrorCode::invalid_argument, fmt::format("certificate: {}", problem));
}

std::string common_name_in(const X509_NAME* name) {
  const int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (at < 0) return {};
  return asn1_text(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
}

// The SubjectPublicKeyInfo as it stands in the certificate.
ByteBuffer spki_of(const X509* x) {
  std::uint8_t* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
  OpensslMemory<std::uint8_t> owner(der);
  return size <= 0 ? ByteBuffer() : ByteBuffer(der, der + size);
}

constexpr std::string_view kPemBegin = "-----BEGIN ";

Result<std::vector<PkixCertificate>> read_pem(std::string_view text) {
  std::vector<PkixCertificate> out;
  BioPtr bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  if (!bio) return fail(openssl_error("certificate"));
  while (true) {
    char *name = nullptr, *header = nullptr;
    std::uint8_t* data = nullptr;
    long size = 0;
    if (PEM_read_bio(bio.get(), &name, &header, &data, &size) != 1) {
      const bool end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
      ERR_clear_error();
      if (!end || out.empty()) return bad_pkix("the PEM is malformed");
      return out;
    }
    OpensslMemory<char> name_owner(name), header_owner(header);
    OpensslMemory<std::uint8_t> data_owner(data);
    if (std::string_view(name) != "CERTIFICATE" || header[0] != '\0')
      return bad_pkix("the PEM holds something else");
    if (out.size() == kCertificatesMax) return bad_pkix("a bundle of too many certificates");
    out.push_back(TRY(PkixCertificate::from_der({data, static_cast<std::size_t>(size)})));
  }
}

}  // namespace

std::string asn1_text(const ASN1_STRING* value) {
  std::uint8_t* text = nullptr;
  const int size = ASN1_STRING_to_UTF8(&text, value);
  OpensslMemory<std::uint8_t> owner(text);
  if (size < 0 || static_cast<std::size_t>(size) > kCommonNameBytesMax * 4) return {};
  std::string out(as_text({text, static_cast<std::size_t>(size)}));
  for (char& c : out)
    if (static_cast<std::uint8_t>(c) < 0x20 || c == 0x7f) c = '?';
  return out;
}

std::string name_text(const X509_NAME* name) {
  std::string out;
  for (int i = X509_NAME_entry_count(name) - 1; i >= 0; --i) {
    const X509_NAME_ENTRY* entry = X509_NAME_get_entry(name, i);
    const ASN1_OBJECT* object = X509_NAME_ENTRY_get_object(entry);
    const int nid = OBJ_obj2nid(object);
    std::string label;
    for (const int known :
         {NID_commonName, NID_localityName, NID_stateOrProvinceName, NID_organizationName,
          NID_organizationalUnitName, NID_countryName, NID_domainComponent})
      if (nid == known) label = OBJ_nid2sn(nid);
    if (label.empty()) label = oid_text(object);
    std::string value = asn1_text(X509_NAME_ENTRY_get_data(entry)), escaped;
    for (const char c : value) {
      if (std::string_view(",+\"\\<>;").find(c) != std::string_view::npos) escaped += '\\';
      escaped += c;
    }
    out += fmt::format("{}{}={}", out.empty() ? "" : ",", label, escaped);
  }
  return out;
}

std::string oid_text(const ASN1_OBJECT* object) {
  char text[128];
  const int size = OBJ_obj2txt(text, sizeof text, object, 1);
  return size > 0 && size < static_cast<int>(sizeof text) ? text : "";
}

ByteBuffer name_der(const X509_NAME* name) {
  const std::uint8_t* data = nullptr;
  std::size_t size = 0;
  // The cached encoding, as it came.
  if (X509_NAME_get0_der(name, &data, &size) != 1) return {};
  return ByteBuffer(data, data + size);
}

Result<std::int64_t> asn1_seconds(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return bad_pkix("a time of it is malformed");
  return static_cast<std::int64_t>(::timegm(&parts));
}

std::optional<SignatureAlgorithm> algorithm_of(const X509_ALGOR* algorithm) {
  const ASN1_OBJECT* object = nullptr;
  int type = 0;
  const void* parameters = nullptr;
  X509_ALGOR_get0(&object, &type, &parameters, algorithm);
  // Some issuers write NULL where RFC 5758 wants nothing; it says no more.
  const bool none_or_null = type == V_ASN1_UNDEF || type == V_ASN1_NULL;
  switch (OBJ_obj2nid(object)) {
    case NID_ecdsa_with_SHA256:
      if (none_or_null) return SignatureAlgorithm{SignatureForm::ecdsa_der, Hash::sha256};
      return std::nullopt;
    case NID_ecdsa_with_SHA384:
      if (none_or_null) return SignatureAlgorithm{SignatureForm::ecdsa_der, Hash::sha384};
      return std::nullopt;
    case NID_ecdsa_with_SHA512:
      if (none_or_null) return SignatureAlgorithm{SignatureForm::ecdsa_der, Hash::sha512};
      return std::nullopt;
    case NID_sha256WithRSAEncryption:
      if (none_or_null) return SignatureAlgorithm{SignatureForm::rsa_pkcs1, Hash::sha256};
      return std::nullopt;
    case NID_sha384WithRSAEncryption:
      if (none_or_null) return SignatureAlgorithm{SignatureForm::rsa_pkcs1, Hash::sha384};
      return std::nullopt;
    case NID_sha512WithRSAEncryption:
      if (none_or_null) return SignatureAlgorithm{SignatureForm::rsa_pkcs1, Hash::sha512};
      return std::nullopt;
    case NID_rsassaPss:
      return pss_algorithm(type, parameters);
    default:
      return std::nullopt;
  }
}

// Hash, the same hash in MGF1, a salt of its length.
std::optional<SignatureAlgorithm> pss_algorithm(int type, const void* parameters) {
  if (type != V_ASN1_SEQUENCE) return std::nullopt;
  const auto* sequence = static_cast<const ASN1_STRING*>(parameters);
  const std::uint8_t* start = ASN1_STRING_get0_data(sequence);
  OpensslPtr<RSA_PSS_PARAMS, RSA_PSS_PARAMS_free> pss(
      d2i_RSA_PSS_PARAMS(nullptr, &start, ASN1_STRING_length(sequence)));
  if (!pss || pss->hashAlgorithm == nullptr || pss->maskGenAlgorithm == nullptr ||
      pss->saltLength == nullptr)
    return std::nullopt;
  const auto hash_of = [](const X509_ALGOR* of) -> std::optional<Hash> {
    switch (OBJ_obj2nid(of->algorithm)) {
      case NID_sha256:
        return Hash::sha256;
      case NID_sha384:
        return Hash::sha384;
      case NID_sha512:
        return Hash::sha512;
      default:
        return std::nullopt;
    }
  };
  const auto hash = hash_of(pss->hashAlgorithm);
  const X509_ALGOR* mask = pss->maskGenAlgorithm;
  if (!hash || OBJ_obj2nid(mask->algorithm) != NID_mgf1 || mask->parameter == nullptr ||
      mask->parameter->type != V_ASN1_SEQUENCE)
    return std::nullopt;
  const ASN1_STRING* inner = mask->parameter->value.sequence;
  const std::uint8_t* from = ASN1_STRING_get0_data(inner);
  OpensslPtr<X509_ALGOR, X509_ALGOR_free> mask_hash(
      d2i_X509_ALGOR(nullptr, &from, ASN1_STRING_length(inner)));
  if (!mask_hash || hash_of(mask_hash.get()) != hash ||
      ASN1_INTEGER_get(pss->saltLength) != static_cast<long>(size_of(*hash)) ||
      (pss->trailerField != nullptr && ASN1_INTEGER_get(pss->trailerField) != 1))
    return std::nullopt;
  return SignatureAlgorithm{SignatureForm::rsa_pss, *hash};
}

std::string to_text(SignatureAlgorithm algorithm) {
  const char* form = algorithm.form == SignatureForm::rsa_pss     ? "RSA-PSS"
                     : algorithm.form == SignatureForm::rsa_pkcs1 ? "RSA"
                                                                  : "ECDSA";
  return fmt::format("{} {}", form, to_text(algorithm.hash));
}

Result<PkixCertificate> PkixCertificate::from_der(ByteView der) {
  if (der.size() > kCertificateBytesMax)
    return fail(ErrorCode::limit_exceeded,
                fmt::format("certificate: {} bytes, at most {} are taken", der.size(),
                            kCertificateBytesMax));
  const std::uint8_t* start = der.data();
  std::shared_ptr<X509> x(d2i_X509(nullptr, &start, static_cast<long>(der.size())), X509_free);
  if (!x || start != der.data() + der.size()) return bad_pkix("not one X.509 certificate in DER");
  auto data = std::make_shared<Data>();
  data->x = x;
  data->der = to_buffer(der);
  data->fingerprint = sha256(der);
  data->subject = name_der(X509_get_subject_name(x.get()));
  data->issuer = name_der(X509_get_issuer_name(x.get()));
  data->common_name = common_name_in(X509_get_subject_name(x.get()));
  data->not_before_s = TRY(asn1_seconds(X509_get0_notBefore(x.get())));
  data->not_after_s = TRY(asn1_seconds(X509_get0_notAfter(x.get())));
  if (EVP_PKEY* key = X509_get0_pubkey(x.get()); key != nullptr) {
    EVP_PKEY_up_ref(key);
    if (auto known = PublicKey::own({key, EVP_PKEY_free}, spki_of(x.get())))
      data->key = std::move(*known);
  }
  const X509_ALGOR *outer = nullptr, *inner = X509_get0_tbs_sigalg(x.get());
  X509_get0_signature(nullptr, &outer, x.get());
  if (X509_ALGOR_cmp(outer, inner) != 0) return bad_pkix("it names two signature algorithms");
  data->algorithm = algorithm_of(outer);
  const std::uint32_t flags = X509_get_extension_flags(x.get());
  if ((flags & (EXFLAG_INVALID | EXFLAG_INVALID_POLICY)) != 0)
    return bad_pkix("an extension of it is malformed");
  data->is_ca = (flags & EXFLAG_BCONS) != 0 && (flags & EXFLAG_CA) != 0;
  if (const long length = X509_get_pathlen(x.get()); data->is_ca && length >= 0)
    data->path_length = static_cast<int>(std::min(length, 1000L));
  data->has_key_usage = (flags & EXFLAG_KUSAGE) != 0;
  const std::uint32_t usage = X509_get_key_usage(x.get());
  data->may_sign_certificates = data->has_key_usage && (usage & KU_KEY_CERT_SIGN) != 0;
  data->may_sign_crls = data->has_key_usage && (usage & KU_CRL_SIGN) != 0;
  data->may_sign = !data->has_key_usage || (usage & KU_DIGITAL_SIGNATURE) != 0;
  for (int i = 0; i < X509_get_ext_count(x.get()); ++i) {
    X509_EXTENSION* extension = X509_get_ext(x.get(), i);
    const ASN1_OCTET_STRING* value = X509_EXTENSION_get_data(extension);
    const std::uint8_t* bytes = ASN1_STRING_get0_data(value);
    if (X509_EXTENSION_get_critical(extension) == 1 && X509_supported_extension(extension) != 1)
      data->unknown_critical.push_back(oid_text(X509_EXTENSION_get_object(extension)));
    data->extensions.push_back({oid_text(X509_EXTENSION_get_object(extension)),
                                ByteBuffer(bytes, bytes + ASN1_STRING_length(value))});
  }
  ERR_clear_error();
  return PkixCertificate(std::move(data));
}

std::string PkixCertificate::subject_text() const {
  return name_text(X509_get_subject_name(data_->x.get()));
}
std::string PkixCertificate::issuer_text() const {
  return name_text(X509_get_issuer_name(data_->x.get()));
}

std::string PkixCertificate::serial() const {
  const ASN1_INTEGER* number = X509_get0_serialNumber(data_->x.get());
  const std::uint8_t* bytes = ASN1_STRING_get0_data(number);
  return to_hex({bytes, static_cast<std::size_t>(ASN1_STRING_length(number))});
}

Result<std::optional<ByteView>> PkixCertificate::extension(std::string_view oid) const {
  std::optional<ByteView> out;
  for (const Extension& each : data_->extensions) {
    if (each.oid != oid) continue;
    if (out) return bad_pkix(fmt::format("the extension {} is there twice", oid));
    out = ByteView(each.value);
  }
  return out;
}

bool PkixCertificate::signed_by(const PublicKey& key) const {
  if (!data_->algorithm) return false;
  const bool rsa = data_->algorithm->form != SignatureForm::ecdsa_der;
  if (rsa != (key.kind() == KeyKind::rsa)) return false;
  const bool good = X509_verify(data_->x.get(), key.key_.get()) == 1;
  if (!good) ERR_clear_error();
  return good;
}

Result<std::vector<PkixCertificate>> read_certificates(ByteView bundle) {
  if (bundle.size() > kBundleBytesMax)
    return fail(ErrorCode::limit_exceeded, "certificate: a bundle that is too long");
  std::string_view text = as_text(bundle);
  if (text.find(kPemBegin) != std::string_view::npos) return read_pem(text);
  std::vector<PkixCertificate> out;
  while (!bundle.empty()) {
    const std::uint8_t* at = bundle.data();
    long size = 0;
    int tag = 0, kind = 0;
    const int read = ASN1_get_object(&at, &size, &tag, &kind, static_cast<long>(bundle.size()));
    if ((read & 0x80) != 0 || read == (V_ASN1_CONSTRUCTED | 1) || tag != V_ASN1_SEQUENCE)
      return bad_pkix("neither PEM nor DER");
    const auto whole =
        static_cast<std::size_t>(at - bundle.data()) + static_cast<std::size_t>(size);
    if (whole > bundle.size() || out.size() == kCertificatesMax)
      return bad_pkix("neither PEM nor DER");
    out.push_back(TRY(PkixCertificate::from_der(bundle.first(whole))));
    bundle = bundle.subspan(whole);
  }
  if (out.empty()) return bad_pkix("an empty file");
  return out;
}

}  // namespace penstock::crypto
