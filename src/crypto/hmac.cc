#include "crypto/hmac.h"

#include <algorithm>
#include <array>
#include <climits>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/check.h"

namespace penstock::crypto {
namespace {

template <typename Digest>
Digest hmac(const EVP_MD* hash, ByteView key, ByteView data) {
  CHECK(key.size() <= INT_MAX);
  // A null key would mean "the key of the last call".
  static constexpr std::uint8_t kNoKey = 0;
  const void* key_data = key.empty() ? &kNoKey : key.data();
  Digest out;
  unsigned int size = 0;
  CHECK(HMAC(hash, key_data, static_cast<int>(key.size()), data.data(), data.size(), out.data(),
             &size) != nullptr);
  CHECK(size == out.size());
  return out;
}

// The key's bytes and zeros, each combined with the pad; wiped when the hash has taken it.
struct PaddedKey {
  std::array<std::uint8_t, SHA256_CBLOCK> bytes{};

  PaddedKey(ByteView key, std::uint8_t pad) {
    CHECK(key.size() <= bytes.size());
    std::ranges::copy(key, bytes.begin());
    for (std::uint8_t& byte : bytes) byte ^= pad;
  }
  PaddedKey(const PaddedKey&) = delete;
  PaddedKey& operator=(const PaddedKey&) = delete;
  ~PaddedKey() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
};

}  // namespace

HmacSha256::HmacSha256(ByteView key)
    : inner_(PaddedKey(key, 0x36).bytes), outer_(PaddedKey(key, 0x5c).bytes) {}

Sha256Digest hmac_sha256(ByteView key, ByteView data) {
  return hmac<Sha256Digest>(EVP_sha256(), key, data);
}

Sha384Digest hmac_sha384(ByteView key, ByteView data) {
  return hmac<Sha384Digest>(EVP_sha384(), key, data);
}

Sha512Digest hmac_sha512(ByteView key, ByteView data) {
  return hmac<Sha512Digest>(EVP_sha512(), key, data);
}

}  // namespace penstock::crypto
