#include <algorithm>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "crypto/limits.h"
#include "crypto/pkix.h"
#include "crypto/pkix_parts.h"

namespace penstock::crypto {
namespace {

std::unexpected<Error> bad_crl(std::string_view problem) {
  ERR_clear_error();
  return fail(ErrorCode::invalid_argument, fmt::format("CRL: {}", problem));
}

bool unknown_critical(X509_CRL* crl) {
  for (int i = 0; i < X509_CRL_get_ext_count(crl); ++i) {
    X509_EXTENSION* extension = X509_CRL_get_ext(crl, i);
    if (X509_EXTENSION_get_critical(extension) != 1) continue;
    const int nid = OBJ_obj2nid(X509_EXTENSION_get_object(extension));
    if (nid != NID_authority_key_identifier && nid != NID_crl_number) return true;
  }
  return false;
}

std::optional<std::int64_t> number_of(X509_CRL* crl) {
  int critical = 0;
  OpensslPtr<ASN1_INTEGER, ASN1_INTEGER_free> number(
      static_cast<ASN1_INTEGER*>(X509_CRL_get_ext_d2i(crl, NID_crl_number, &critical, nullptr)));
  std::int64_t value = 0;
  if (!number || ASN1_INTEGER_get_int64(&value, number.get()) != 1 || value < 0)
    return std::nullopt;
  return value;
}

}  // namespace

Result<Crl> Crl::from_der(ByteView der) {
  if (der.size() > kCrlBytesMax) return fail(ErrorCode::limit_exceeded, "CRL: too long");
  const std::uint8_t* start = der.data();
  std::shared_ptr<X509_CRL> crl(d2i_X509_CRL(nullptr, &start, static_cast<long>(der.size())),
                                X509_CRL_free);
  if (!crl || start != der.data() + der.size()) return bad_crl("not one CRL in DER");
  auto data = std::make_shared<Data>();
  data->crl = crl;
  data->der = to_buffer(der);
  data->fingerprint = sha256(der);
  data->issuer = name_der(X509_CRL_get_issuer(crl.get()));
  data->this_update_s = TRY(asn1_seconds(X509_CRL_get0_lastUpdate(crl.get())));
  if (const ASN1_TIME* next = X509_CRL_get0_nextUpdate(crl.get()); next != nullptr)
    data->next_update_s = TRY(asn1_seconds(next));
  const X509_ALGOR* algorithm = nullptr;
  X509_CRL_get0_signature(crl.get(), nullptr, &algorithm);
  data->algorithm = algorithm_of(algorithm);
  data->number = number_of(crl.get());
  data->has_unknown_critical = unknown_critical(crl.get());
  ERR_clear_error();
  return Crl(std::move(data));
}

Result<Crl> Crl::read(ByteView file) {
  if (file.size() > 2 * kCrlBytesMax) return fail(ErrorCode::limit_exceeded, "CRL: too long");
  std::string_view text = as_text(file);
  if (text.find("-----BEGIN X509 CRL-----") != std::string_view::npos) {
    BioPtr bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    if (!bio) return fail(openssl_error("CRL"));
    OpensslPtr<X509_CRL, X509_CRL_free> crl(
        PEM_read_bio_X509_CRL(bio.get(), nullptr, nullptr, nullptr));
    if (!crl) return bad_crl("the PEM is malformed");
    std::uint8_t* der = nullptr;
    const int size = i2d_X509_CRL(crl.get(), &der);
    OpensslMemory<std::uint8_t> owner(der);
    if (size <= 0) return bad_crl("the PEM is malformed");
    return from_der({der, static_cast<std::size_t>(size)});
  }
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
    text.remove_suffix(1);
  const bool hex = !text.empty() && text[0] == '3' && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  });
  if (hex) return from_der(TRY(from_hex(text)));
  return from_der(file);
}

std::string Crl::issuer_text() const {
  return name_text(X509_CRL_get_issuer(data_->crl.get()));
}

bool Crl::signed_by(const PublicKey& key) const {
  if (!data_->algorithm) return false;
  const bool rsa = data_->algorithm->form != SignatureForm::ecdsa_der;
  if (rsa != (key.kind() == KeyKind::rsa)) return false;
  const bool good = X509_CRL_verify(data_->crl.get(), key.key_.get()) == 1;
  if (!good) ERR_clear_error();
  return good;
}

bool Crl::lists(const PkixCertificate& certificate) const {
  X509_REVOKED* entry = nullptr;
  const ASN1_INTEGER* serial = X509_get0_serialNumber(certificate.data_->x.get());
  const int found = X509_CRL_get0_by_serial(data_->crl.get(), &entry, serial);
  ERR_clear_error();
  return found == 1;  // 2: removed from the list again, by a delta
}

}  // namespace penstock::crypto
