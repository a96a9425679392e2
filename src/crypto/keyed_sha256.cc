#include "crypto/keyed_sha256.h"

#include <array>
#include <new>

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "base/check.h"
#include "base/secret.h"

// The low-level calls: copying an EVP context per message costs more than hashing it.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace penstock::crypto {

// SHA-256 after its first block. As good as the key, so it lies where keys lie.
struct KeyedSha256::Middle {
  SecretBuffer memory{sizeof(SHA256_CTX)};
  const SHA256_CTX* context = nullptr;
};

KeyedSha256::KeyedSha256(ByteView key) {
  CHECK(key.size() == sizeof(Sha256Digest));
  static constexpr std::array<std::uint8_t, SHA256_CBLOCK - sizeof(Sha256Digest)> kZeros{};
  auto middle = std::make_unique<Middle>();
  auto* context = new (middle->memory.span().data()) SHA256_CTX;
  CHECK(SHA256_Init(context) == 1);
  CHECK(SHA256_Update(context, key.data(), key.size()) == 1);
  CHECK(SHA256_Update(context, kZeros.data(), kZeros.size()) == 1);
  middle->context = context;
  middle_ = std::move(middle);
}

KeyedSha256::~KeyedSha256() = default;

Sha256Digest KeyedSha256::operator()(ByteView message) const {
  SHA256_CTX context = *middle_->context;
  std::array<std::uint8_t, 8> length;
  for (std::size_t i = 0; i < length.size(); ++i)
    length[i] = static_cast<std::uint8_t>(message.size() >> (8 * i));
  Sha256Digest out;
  CHECK(SHA256_Update(&context, length.data(), length.size()) == 1);
  CHECK(SHA256_Update(&context, message.data(), message.size()) == 1);
  CHECK(SHA256_Final(out.data(), &context) == 1);  // wipes what it buffered
  OPENSSL_cleanse(&context, sizeof context);
  return out;
}

}  // namespace penstock::crypto
