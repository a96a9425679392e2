#include "crypto/pkey.h"

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/check.h"
#include "crypto/limits.h"

namespace penstock::crypto {
namespace {

constexpr char kGroupName[] = "prime256v1";  // libcrypto's name of P-256

// Private only when `scalar` is given.
Result<PkeyPtr> pkey_of_point(ByteView point, ByteView scalar) {
  ParamBuilderPtr builder(OSSL_PARAM_BLD_new());
  BignumPtr number;
  bool built = builder != nullptr &&
               OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME,
                                               kGroupName, 0) == 1 &&
               OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY,
                                                point.data(), point.size()) == 1;
  if (built && !scalar.empty()) {
    number.reset(BN_secure_new());
    built = number != nullptr &&
            BN_bin2bn(scalar.data(), static_cast<int>(scalar.size()), number.get()) != nullptr &&
            OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, number.get()) == 1;
  }
  ParamsPtr params(built ? OSSL_PARAM_BLD_to_param(builder.get()) : nullptr);
  if (!params) return fail(openssl_error("P-256 key"));
  int selection = scalar.empty() ? EVP_PKEY_PUBLIC_KEY : EVP_PKEY_KEYPAIR;
  return pkey_from_params("EC", selection, params.get());
}

// A number parameter of a key as 32 big-endian bytes.
bool coordinate(const EVP_PKEY* key, const char* name, ByteSpan out) {
  BIGNUM* number = nullptr;
  bool found = EVP_PKEY_get_bn_param(key, name, &number) == 1;
  BignumPtr owner(number);
  return found && BN_bn2binpad(number, out.data(), static_cast<int>(out.size())) ==
                      static_cast<int>(out.size());
}

int no_passphrase(char*, int, int, void*) {
  return -1;
}

}  // namespace

Result<PkeyPtr> pkey_from_params(const char* kind, int selection, OSSL_PARAM* params) {
  PkeyContextPtr context(EVP_PKEY_CTX_new_from_name(nullptr, kind, nullptr));
  EVP_PKEY* key = nullptr;
  if (!context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, selection, params) != 1)
    return fail(openssl_error(fmt::format("making an {} key", kind)));
  return PkeyPtr(key);
}

Result<PkeyPtr> make_pkey(const P256PublicKey& key) {
  return pkey_of_point(key.to_point(), {});
}

Result<PkeyPtr> make_pkey(const P256PrivateKey& key) {
  return pkey_of_point(key.public_key().to_point(), key.scalar());
}

bool is_p256(const EVP_PKEY* key) {
  char name[32] = {};
  std::size_t size = 0;
  return EVP_PKEY_get_group_name(key, name, sizeof name, &size) == 1 &&
         std::string_view(name) == kGroupName;
}

Result<P256PublicKey> p256_of(const EVP_PKEY* key) {
  std::array<std::uint8_t, 2 * kP256CoordinateBytes> xy;
  ByteSpan halves(xy);
  bool point = is_p256(key) &&
               coordinate(key, OSSL_PKEY_PARAM_EC_PUB_X, halves.first(kP256CoordinateBytes)) &&
               coordinate(key, OSSL_PKEY_PARAM_EC_PUB_Y, halves.last(kP256CoordinateBytes));
  ERR_clear_error();
  if (!point) return fail(ErrorCode::invalid_argument, "P-256 key: this is a key of another kind");
  return P256PublicKey::from_coordinates(halves.first(kP256CoordinateBytes),
                                         halves.last(kP256CoordinateBytes));
}

ByteBuffer subject_public_key_info(const EVP_PKEY* key) {
  int size = i2d_PUBKEY(key, nullptr);
  CHECK(size > 0);
  ByteBuffer out(static_cast<std::size_t>(size));
  std::uint8_t* end = out.data();
  CHECK(i2d_PUBKEY(key, &end) == size);
  return out;
}

std::string public_pem_of(EVP_PKEY* key) {
  BioPtr bio(BIO_new(BIO_s_mem()));
  CHECK(bio != nullptr);
  CHECK(PEM_write_bio_PUBKEY(bio.get(), key) == 1);
  return std::string(as_text(memory_of(bio.get())));
}

Result<SecretBuffer> private_pem_of(EVP_PKEY* key) {
  BioPtr bio(BIO_new(BIO_s_secmem()));
  if (!bio ||
      PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return fail(openssl_error("private key"));
  return SecretBuffer::create_copy(memory_of(bio.get()));
}

Result<BioPtr> bio_over(std::string_view pem, std::string_view what) {
  if (pem.size() > kPemBytesMax)
    return fail(ErrorCode::limit_exceeded, fmt::format("{}: PEM of {} bytes, at most {} are taken",
                                                       what, pem.size(), kPemBytesMax));
  BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (!bio) return fail(openssl_error(what));
  return bio;
}

PkeyPtr read_public_pem(BIO* bio) {
  PkeyPtr key(PEM_read_bio_PUBKEY(bio, nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  return key;
}

PkeyPtr read_private_pem(BIO* bio) {
  PkeyPtr key(PEM_read_bio_PrivateKey(bio, nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  return key;
}

ByteView memory_of(BIO* bio) {
  char* data = nullptr;
  long size = BIO_get_mem_data(bio, &data);
  CHECK(size >= 0);
  return {reinterpret_cast<const std::uint8_t*>(data), static_cast<std::size_t>(size)};
}

}  // namespace penstock::crypto
