#include "crypto/key_wrap.h"

#include <fmt/format.h>
#include <openssl/err.h>

#include "crypto/limits.h"
#include "crypto/openssl.h"

namespace penstock::crypto {
namespace {

constexpr std::size_t kKekBytes = 32;
constexpr std::size_t kBlockBytes = 8;

Result<> check_sizes(ByteView kek, ByteView data, std::size_t bytes_min) {
  if (kek.size() != kKekBytes)
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("key wrap: the wrapping key has {} bytes, expected {}", kek.size(), kKekBytes));
  if (data.size() < bytes_min || data.size() % kBlockBytes != 0 ||
      data.size() > kKeyWrapBytesMax + kBlockBytes)
    return fail(ErrorCode::invalid_argument,
                fmt::format("key wrap: {} bytes; expected a multiple of {} from {} to {}",
                            data.size(), kBlockBytes, bytes_min, kKeyWrapBytesMax));
  return {};
}

Result<CipherContextPtr> context_for(ByteView kek, int encrypt) {
  CipherContextPtr context(EVP_CIPHER_CTX_new());
  if (!context) return fail(openssl_error("key wrap"));
  EVP_CIPHER_CTX_set_flags(context.get(), EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  if (EVP_CipherInit_ex(context.get(), EVP_aes_256_wrap(), nullptr, kek.data(), nullptr, encrypt) !=
      1)
    return fail(openssl_error("key wrap"));
  return context;
}

}  // namespace

Result<ByteBuffer> wrap_key(ByteView kek, ByteView key) {
  TRY(check_sizes(kek, key, 2 * kBlockBytes));
  CipherContextPtr context = TRY(context_for(kek, 1));
  ByteBuffer out(key.size() + 2 * kBlockBytes);
  int size = 0;
  if (EVP_CipherUpdate(context.get(), out.data(), &size, key.data(),
                       static_cast<int>(key.size())) != 1)
    return fail(openssl_error("key wrap"));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

Result<SecretBuffer> unwrap_key(ByteView kek, ByteView wrapped) {
  TRY(check_sizes(kek, wrapped, 3 * kBlockBytes));
  CipherContextPtr context = TRY(context_for(kek, 0));
  SecretBuffer work = TRY(SecretBuffer::create(wrapped.size() + kBlockBytes));
  int size = 0;
  int status = EVP_CipherUpdate(context.get(), work.span().data(), &size, wrapped.data(),
                                static_cast<int>(wrapped.size()));
  if (status != 1 || static_cast<std::size_t>(size) != wrapped.size() - kBlockBytes) {
    ERR_clear_error();
    return fail(ErrorCode::not_authentic,
                "key unwrap: the integrity check failed; wrong key or changed bytes");
  }
  return SecretBuffer::create_copy(work.view().first(static_cast<std::size_t>(size)));
}

}  // namespace penstock::crypto
