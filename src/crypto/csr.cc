#include "crypto/csr.h"

#include <algorithm>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/check.h"
#include "crypto/certificate_names.h"
#include "crypto/limits.h"
#include "crypto/pkey.h"

namespace penstock::crypto {
namespace {

using RequestPtr = OpensslPtr<X509_REQ, X509_REQ_free>;

void free_extensions(STACK_OF(X509_EXTENSION) * stack) {
  sk_X509_EXTENSION_pop_free(stack, X509_EXTENSION_free);
}
using ExtensionsPtr = OpensslPtr<STACK_OF(X509_EXTENSION), free_extensions>;

constexpr const char* kWhat = "certificate request";

std::unexpected<Error> bad_csr(std::string_view problem) {
  ERR_clear_error();
  return fail(ErrorCode::invalid_argument, fmt::format("{}: {}", kWhat, problem));
}

ByteBuffer der_of_request(X509_REQ* request) {
  const int size = i2d_X509_REQ(request, nullptr);
  if (size <= 0) return {};
  ByteBuffer out(static_cast<std::size_t>(size));
  std::uint8_t* end = out.data();
  CHECK(i2d_X509_REQ(request, &end) == size);
  return out;
}

Result<std::vector<std::string>> names_of(X509_REQ* request) {
  const ExtensionsPtr extensions(X509_REQ_get_extensions(request));
  if (!extensions) return std::vector<std::string>();
  int critical = 0;
  const GeneralNamesPtr names(static_cast<GENERAL_NAMES*>(
      X509V3_get_d2i(extensions.get(), NID_subject_alt_name, &critical, nullptr)));
  constexpr int kAbsent = -1;
  if (!names && critical != kAbsent) return bad_csr("its names are malformed or there twice");
  return texts_of(names.get(), kWhat);
}

}  // namespace

Result<ByteBuffer> make_certificate_request(const P256PrivateKey& key,
                                            const std::vector<std::string>& names) {
  const RequestPtr request(X509_REQ_new());
  const PkeyPtr pkey = TRY(make_pkey(key));
  if (!request || X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) != 1 ||
      X509_REQ_set_pubkey(request.get(), pkey.get()) != 1) {
    return fail(openssl_error(kWhat));
  }
  if (!names.empty()) {
    const GeneralNamesPtr list = TRY(general_names(names));
    STACK_OF(X509_EXTENSION)* raw = nullptr;
    const int added =
        X509V3_add1_i2d(&raw, NID_subject_alt_name, list.get(), 0, X509V3_ADD_DEFAULT);
    const ExtensionsPtr extensions(raw);
    if (added != 1 || X509_REQ_add_extensions(request.get(), extensions.get()) != 1)
      return fail(openssl_error(kWhat));
  }
  if (X509_REQ_sign(request.get(), pkey.get(), EVP_sha256()) <= 0)
    return fail(openssl_error(kWhat));
  return der_of_request(request.get());
}

Result<CertificateRequest> read_certificate_request(ByteView der) {
  if (der.size() > kCertificateRequestBytesMax) {
    return fail(ErrorCode::limit_exceeded, fmt::format("{}: {} bytes, at most {} are taken", kWhat,
                                                       der.size(), kCertificateRequestBytesMax));
  }
  const std::uint8_t* start = der.data();
  const RequestPtr request(d2i_X509_REQ(nullptr, &start, static_cast<long>(der.size())));
  if (!request || start != der.data() + der.size() ||
      !std::ranges::equal(der_of_request(request.get()), der)) {
    return bad_csr("not one PKCS #10 request in strict DER");
  }
  EVP_PKEY* pkey = X509_REQ_get0_pubkey(request.get());
  if (pkey == nullptr || !is_p256(pkey)) return bad_csr("its key is not a P-256 key");
  const P256PublicKey key = TRY_IN(p256_of(pkey), kWhat);
  if (X509_REQ_verify(request.get(), pkey) != 1) {
    ERR_clear_error();
    return fail(ErrorCode::not_authentic,
                fmt::format("{}: not signed by the key that it is for", kWhat));
  }
  auto names = TRY(names_of(request.get()));
  ERR_clear_error();
  return CertificateRequest{key, std::move(names)};
}

}  // namespace penstock::crypto
