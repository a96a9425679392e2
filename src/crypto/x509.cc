#include "crypto/x509.h"

#include <algorithm>
#include <ctime>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/check.h"
#include "crypto/limits.h"
#include "crypto/pkey.h"

namespace penstock::crypto {
namespace {

using StorePtr = OpensslPtr<X509_STORE, X509_STORE_free>;
using StoreContextPtr = OpensslPtr<X509_STORE_CTX, X509_STORE_CTX_free>;

constexpr char kPemName[] = "CERTIFICATE";
constexpr int kSecurityLevel = 2;  // at least 112 bits: refuses SHA-1 and small keys

void free_stack(STACK_OF(X509) * stack) {
  sk_X509_free(stack);  // not what is in it
}
using StackPtr = OpensslPtr<STACK_OF(X509), free_stack>;

void free_openssl_memory(void* memory) {
  OPENSSL_free(memory);
}
template <typename T>
using MemoryPtr = OpensslPtr<T, free_openssl_memory>;

std::unexpected<Error> bad_certificate(std::string_view problem) {
  ERR_clear_error();
  return fail(ErrorCode::invalid_argument, fmt::format("certificate: {}", problem));
}

std::unexpected<Error> not_issued(std::string_view problem) {
  ERR_clear_error();
  return fail(ErrorCode::not_authentic, fmt::format("certificate: {}", problem));
}

ByteBuffer der_of(X509* x) {
  int size = i2d_X509(x, nullptr);
  if (size <= 0) return {};
  ByteBuffer out(static_cast<std::size_t>(size));
  std::uint8_t* end = out.data();
  CHECK(i2d_X509(x, &end) == size);
  return out;
}

Result<X509Ptr> parse(ByteView der) {
  if (der.size() > kCertificateBytesMax)
    return fail(ErrorCode::limit_exceeded,
                fmt::format("certificate: {} bytes, at most {} are taken", der.size(),
                            kCertificateBytesMax));
  const std::uint8_t* start = der.data();
  X509Ptr x(d2i_X509(nullptr, &start, static_cast<long>(der.size())));
  if (!x || start != der.data() + der.size())
    return bad_certificate("not one X.509 certificate in DER");
  return x;
}

Result<std::int64_t> seconds_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return bad_certificate("a time of it is malformed");
  return static_cast<std::int64_t>(::timegm(&parts));
}

// Empty: none. Several are refused, so that nobody has to choose.
Result<std::string> common_name_of(const X509* x) {
  const X509_NAME* subject = X509_get_subject_name(x);
  int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return std::string();
  if (X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0)
    return bad_certificate("it has several common names");
  std::uint8_t* text = nullptr;
  int size = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  MemoryPtr<std::uint8_t> owner(text);
  if (size < 0 || static_cast<std::size_t>(size) > kCommonNameBytesMax)
    return bad_certificate("its common name is malformed or too long");
  std::string name(as_text({text, static_cast<std::size_t>(size)}));
  for (char c : name)
    if (static_cast<std::uint8_t>(c) < 0x20 || c == 0x7f)
      return bad_certificate("its common name has control characters");
  return name;
}

// The key, which must stand in the one form that we write too, so that pins are those of the key.
Result<P256PublicKey> key_of(X509* x) {
  EVP_PKEY* pkey = X509_get0_pubkey(x);
  if (pkey == nullptr || !is_p256(pkey)) return bad_certificate("its key is not a P-256 key");
  P256PublicKey key = TRY_IN(p256_of(pkey), "certificate");
  PkeyPtr ours = TRY(make_pkey(key));
  std::uint8_t* as_it_came = nullptr;
  int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &as_it_came);
  MemoryPtr<std::uint8_t> owner(as_it_came);
  ByteBuffer expected = subject_public_key_info(ours.get());
  if (size < 0 || ByteBuffer(as_it_came, as_it_came + size) != expected)
    return bad_certificate("its key is not written as a named curve and an uncompressed point");
  return key;
}

Result<> check_chain(X509* x, X509* ca, std::int64_t now_s) {
  StorePtr store(X509_STORE_new());
  StoreContextPtr context(X509_STORE_CTX_new());
  StackPtr none(sk_X509_new_null());
  if (!store || !context || !none || X509_STORE_add_cert(store.get(), ca) != 1 ||
      X509_STORE_CTX_init(context.get(), store.get(), x, none.get()) != 1)
    return fail(openssl_error("verifying a certificate"));
  X509_VERIFY_PARAM* param = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(param, static_cast<std::time_t>(now_s));
  X509_VERIFY_PARAM_set_auth_level(param, kSecurityLevel);
  // The CA is the anchor, whether it signed itself or not.
  X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
  if (X509_verify_cert(context.get()) == 1) return {};
  int reason = X509_STORE_CTX_get_error(context.get());
  return not_issued(
      fmt::format("not issued by the expected CA ({})", X509_verify_cert_error_string(reason)));
}

Result<> check_time(const Certificate& certificate, const char* whose, std::int64_t now_s) {
  if (now_s < certificate.not_before_s())
    return not_issued(fmt::format("{} is valid only from {} s on, it is {} s now; check the clock",
                                  whose, certificate.not_before_s(), now_s));
  if (now_s > certificate.not_after_s())
    return not_issued(
        fmt::format("{} expired at {} s, it is {} s now; renew it, or check the clock", whose,
                    certificate.not_after_s(), now_s));
  return {};
}

}  // namespace

Result<Certificate> Certificate::from_der(ByteView der) {
  X509Ptr x = TRY(parse(der));
  // Outer lengths in a longer form than DER's would give one certificate several fingerprints.
  ByteBuffer own = der_of(x.get());
  if (!std::ranges::equal(own, der)) return bad_certificate("it is not strict DER");
  P256PublicKey key = TRY(key_of(x.get()));
  Certificate out(std::move(own), key);
  out.common_name_ = TRY(common_name_of(x.get()));
  const ASN1_INTEGER* serial = X509_get0_serialNumber(x.get());
  out.serial_ =
      to_hex({ASN1_STRING_get0_data(serial), static_cast<std::size_t>(ASN1_STRING_length(serial))});
  out.not_before_s_ = TRY(seconds_of(X509_get0_notBefore(x.get())));
  out.not_after_s_ = TRY(seconds_of(X509_get0_notAfter(x.get())));
  constexpr int kExplicitCa = 1;  // others are guesses for old certificates
  out.is_ca_ = X509_check_ca(x.get()) == kExplicitCa;
  if ((X509_get_extension_flags(x.get()) & EXFLAG_INVALID) != 0)
    return bad_certificate("an extension of it is malformed");
  ERR_clear_error();
  return out;
}

Result<Certificate> Certificate::from_pem(std::string_view pem) {
  if (pem.size() > kCertificatePemBytesMax)
    return fail(ErrorCode::limit_exceeded,
                fmt::format("certificate: PEM of {} bytes, at most {} are taken", pem.size(),
                            kCertificatePemBytesMax));
  BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (!bio) return fail(openssl_error("certificate"));
  char *name = nullptr, *header = nullptr;
  std::uint8_t* data = nullptr;
  long size = 0;
  if (PEM_read_bio(bio.get(), &name, &header, &data, &size) != 1)
    return bad_certificate("not a PEM certificate");
  MemoryPtr<char> name_owner(name), header_owner(header);
  MemoryPtr<std::uint8_t> data_owner(data);
  if (std::string_view(name) != kPemName || header[0] != '\0')
    return bad_certificate("the PEM holds something else");
  Certificate out = TRY(from_der({data, static_cast<std::size_t>(size)}));
  std::string_view rest = pem.substr(pem.find("-----END"));
  if (rest.find("-----BEGIN") != std::string_view::npos)
    return bad_certificate("the PEM holds more than one object, expected exactly one");
  return out;
}

Result<std::vector<Certificate>> Certificate::list_from_pem(std::string_view pem,
                                                            std::size_t most) {
  constexpr std::string_view kEnd = "-----END CERTIFICATE-----";
  std::vector<Certificate> out;
  while (true) {
    const std::size_t end = pem.find(kEnd);
    const bool last = end == std::string_view::npos;
    if (last && !out.empty() && pem.find("-----BEGIN") == std::string_view::npos) return out;
    if (out.size() == most)
      return bad_certificate(fmt::format("the PEM holds more than {} of them", most));
    const std::string_view one = last ? pem : pem.substr(0, end + kEnd.size());
    out.push_back(TRY(from_pem(one)));
    pem.remove_prefix(one.size());
  }
}

std::string Certificate::to_pem() const {
  BioPtr bio(BIO_new(BIO_s_mem()));
  CHECK(bio != nullptr);
  CHECK(PEM_write_bio(bio.get(), kPemName, "", der_.data(), static_cast<long>(der_.size())) > 0);
  return std::string(as_text(memory_of(bio.get())));
}

Sha256Digest Certificate::fingerprint() const {
  return sha256(der_);
}

Sha256Digest Certificate::key_pin() const {
  Result<PkeyPtr> key = make_pkey(key_);
  CHECK(key.has_value());
  return sha256(subject_public_key_info(key->get()));
}

Result<> Certificate::check_issued_by(const Certificate& ca, std::int64_t now_s) const {
  if (!ca.is_ca()) return not_issued("the issuer given is not a CA");
  TRY(check_time(ca, "the CA's certificate", now_s));
  TRY(check_time(*this, "it", now_s));
  X509Ptr own = TRY(parse(der_));
  X509Ptr issuer = TRY(parse(ca.der_));
  return check_chain(own.get(), issuer.get(), now_s);
}

}  // namespace penstock::crypto
