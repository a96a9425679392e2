// A PKI that tests make: certificates, CRLs and signatures of any kind, good and bad. Tests only.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/check.h"
#include "crypto/chain.h"
#include "crypto/openssl.h"

namespace penstock::crypto {

using TestKey = std::shared_ptr<EVP_PKEY>;

inline TestKey test_ec_key(const char* curve) {
  EVP_PKEY* key = EVP_EC_gen(curve);
  CHECK(key != nullptr);
  return {key, EVP_PKEY_free};
}
inline TestKey test_rsa_key(unsigned bits = 2048) {
  EVP_PKEY* key = EVP_RSA_gen(bits);
  CHECK(key != nullptr);
  return {key, EVP_PKEY_free};
}

inline ByteBuffer test_spki(const TestKey& key) {
  const int size = i2d_PUBKEY(key.get(), nullptr);
  ByteBuffer out(static_cast<std::size_t>(size));
  std::uint8_t* end = out.data();
  CHECK(i2d_PUBKEY(key.get(), &end) == size);
  return out;
}
// x || y of an elliptic key.
inline ByteBuffer test_point(const TestKey& key, std::size_t half) {
  const ByteBuffer spki = test_spki(key);
  return ByteBuffer(spki.end() - static_cast<std::ptrdiff_t>(2 * half), spki.end());
}

// DER signature over the message.
inline ByteBuffer test_sign_der(const TestKey& key, const EVP_MD* md, ByteView message) {
  DigestContextPtr context(EVP_MD_CTX_new());
  std::size_t size = 1024;
  ByteBuffer out(size);
  CHECK(EVP_DigestSignInit(context.get(), nullptr, md, nullptr, key.get()) == 1);
  CHECK(EVP_DigestSign(context.get(), out.data(), &size, message.data(), message.size()) == 1);
  out.resize(size);
  return out;
}
// r || s.
inline ByteBuffer test_sign_raw(const TestKey& key, const EVP_MD* md, ByteView message,
                                std::size_t half) {
  const ByteBuffer der = test_sign_der(key, md, message);
  const std::uint8_t* start = der.data();
  EcdsaSignaturePtr parts(d2i_ECDSA_SIG(nullptr, &start, static_cast<long>(der.size())));
  CHECK(parts != nullptr);
  ByteBuffer out(2 * half);
  CHECK(BN_bn2binpad(ECDSA_SIG_get0_r(parts.get()), out.data(), static_cast<int>(half)) > 0);
  CHECK(BN_bn2binpad(ECDSA_SIG_get0_s(parts.get()), out.data() + half, static_cast<int>(half)) > 0);
  return out;
}

struct TestExtension {
  std::string oid;
  ByteBuffer value;
  bool critical = false;
};

struct TestCertificate {
  std::string name = "leaf";
  std::string issuer = "root";
  bool ca = false;
  int path_length = -1;
  std::string key_usage = "critical,digitalSignature";  // empty: none
  std::int64_t from_s = 1'000'000'000, to_s = 2'000'000'000;
  long serial = 7;
  std::string name_constraints = {};
  std::vector<TestExtension> extensions = {};
  const EVP_MD* md = EVP_sha256();
  bool pss = false;
};

inline TestCertificate test_ca(std::string name, std::string issuer, int path_length = -1) {
  TestCertificate out;
  out.name = std::move(name);
  out.issuer = std::move(issuer);
  out.ca = true;
  out.path_length = path_length;
  out.key_usage = "critical,keyCertSign,cRLSign";
  return out;
}

inline void test_set_name(X509_NAME* name, const std::string& text) {
  CHECK(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()), -1, 0) == 1);
}

inline void test_add_standard(X509* x, int nid, const std::string& value) {
  X509V3_CTX context{};
  X509V3_set_ctx_nodb(&context);
  OpensslPtr<X509_EXTENSION, X509_EXTENSION_free> extension(
      X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  CHECK(extension != nullptr && X509_add_ext(x, extension.get(), -1) == 1);
}

template <typename Object, typename Sign>
void test_sign_object(Object* object, const TestKey& key, const EVP_MD* md, bool pss, Sign sign) {
  DigestContextPtr context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* inner = nullptr;
  CHECK(EVP_DigestSignInit(context.get(), &inner, md, nullptr, key.get()) == 1);
  if (pss) {
    CHECK(EVP_PKEY_CTX_set_rsa_padding(inner, RSA_PKCS1_PSS_PADDING) == 1);
    CHECK(EVP_PKEY_CTX_set_rsa_pss_saltlen(inner, RSA_PSS_SALTLEN_DIGEST) == 1);
  }
  CHECK(sign(object, context.get()) > 0);
}

inline PkixCertificate test_issue(const TestCertificate& spec, const TestKey& key,
                                  const TestKey& issuer_key) {
  X509Ptr x(X509_new());
  CHECK(x != nullptr && X509_set_version(x.get(), X509_VERSION_3) == 1);
  ASN1_INTEGER_set(X509_get_serialNumber(x.get()), spec.serial);
  test_set_name(X509_get_subject_name(x.get()), spec.name);
  test_set_name(X509_get_issuer_name(x.get()), spec.issuer);
  ASN1_TIME_set(X509_getm_notBefore(x.get()), spec.from_s);
  ASN1_TIME_set(X509_getm_notAfter(x.get()), spec.to_s);
  CHECK(X509_set_pubkey(x.get(), key.get()) == 1);
  if (spec.ca) {
    std::string value = "critical,CA:TRUE";
    if (spec.path_length >= 0) value += ",pathlen:" + std::to_string(spec.path_length);
    test_add_standard(x.get(), NID_basic_constraints, value);
  }
  if (!spec.key_usage.empty()) test_add_standard(x.get(), NID_key_usage, spec.key_usage);
  if (!spec.name_constraints.empty())
    test_add_standard(x.get(), NID_name_constraints, spec.name_constraints);
  for (const TestExtension& each : spec.extensions) {
    OpensslPtr<ASN1_OBJECT, ASN1_OBJECT_free> object(OBJ_txt2obj(each.oid.c_str(), 1));
    OpensslPtr<ASN1_OCTET_STRING, ASN1_OCTET_STRING_free> value(ASN1_OCTET_STRING_new());
    CHECK(ASN1_OCTET_STRING_set(value.get(), each.value.data(),
                                static_cast<int>(each.value.size())) == 1);
    OpensslPtr<X509_EXTENSION, X509_EXTENSION_free> extension(
        X509_EXTENSION_create_by_OBJ(nullptr, object.get(), each.critical ? 1 : 0, value.get()));
    CHECK(extension != nullptr && X509_add_ext(x.get(), extension.get(), -1) == 1);
  }
  test_sign_object(x.get(), issuer_key, spec.md, spec.pss, X509_sign_ctx);
  const int size = i2d_X509(x.get(), nullptr);
  ByteBuffer der(static_cast<std::size_t>(size));
  std::uint8_t* end = der.data();
  CHECK(i2d_X509(x.get(), &end) == size);
  auto out = PkixCertificate::from_der(der);
  CHECK(out.has_value());
  return *out;
}

struct TestCrl {
  std::string issuer = "root";
  std::vector<long> serials = {};
  std::int64_t from_s = 1'000'000'000, to_s = 2'000'000'000;
  const EVP_MD* md = EVP_sha256();
  bool pss = false;
};
inline ByteBuffer test_crl(const TestCrl& spec, const TestKey& key) {
  OpensslPtr<X509_CRL, X509_CRL_free> crl(X509_CRL_new());
  OpensslPtr<X509_NAME, X509_NAME_free> name(X509_NAME_new());
  test_set_name(name.get(), spec.issuer);
  CHECK(X509_CRL_set_version(crl.get(), X509_CRL_VERSION_2) == 1);
  CHECK(X509_CRL_set_issuer_name(crl.get(), name.get()) == 1);
  OpensslPtr<ASN1_TIME, ASN1_TIME_free> from(ASN1_TIME_set(nullptr, spec.from_s)),
      to(ASN1_TIME_set(nullptr, spec.to_s));
  X509_CRL_set1_lastUpdate(crl.get(), from.get());
  X509_CRL_set1_nextUpdate(crl.get(), to.get());
  for (const long serial : spec.serials) {
    OpensslPtr<X509_REVOKED, X509_REVOKED_free> entry(X509_REVOKED_new());
    OpensslPtr<ASN1_INTEGER, ASN1_INTEGER_free> number(ASN1_INTEGER_new());
    ASN1_INTEGER_set(number.get(), serial);
    X509_REVOKED_set_serialNumber(entry.get(), number.get());
    X509_REVOKED_set_revocationDate(entry.get(), from.get());
    CHECK(X509_CRL_add0_revoked(crl.get(), entry.release()) == 1);
  }
  X509_CRL_sort(crl.get());
  test_sign_object(crl.get(), key, spec.md, spec.pss, X509_CRL_sign_ctx);
  const int size = i2d_X509_CRL(crl.get(), nullptr);
  ByteBuffer der(static_cast<std::size_t>(size));
  std::uint8_t* end = der.data();
  CHECK(i2d_X509_CRL(crl.get(), &end) == size);
  return der;
}

inline Anchor test_anchor(const PkixCertificate& certificate) {
  return {certificate.subject_text(), certificate.key()->id(), *certificate.key(),
          certificate.subject()};
}

}  // namespace penstock::crypto
