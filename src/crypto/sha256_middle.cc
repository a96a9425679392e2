#include "crypto/sha256_middle.h"

#include <array>
#include <bit>
#include <cstring>
#include <new>

#include <openssl/crypto.h>

#include "base/check.h"

// The low-level calls: copying an EVP context per message costs more than hashing it.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace penstock::crypto {
namespace {

// What a block holds beside the padding: a bit that ends the message and its length.
constexpr std::size_t kLastBlockBytes = SHA256_CBLOCK - 1 - sizeof(std::uint64_t);

Sha256Digest whole(SHA256_CTX& context, std::initializer_list<ByteView> parts) {
  Sha256Digest out;
  for (const ByteView part : parts) CHECK(SHA256_Update(&context, part.data(), part.size()) == 1);
  CHECK(SHA256_Final(out.data(), &context) == 1);  // wipes what it buffered
  return out;
}

// Pads by itself (FIPS 180-4, 5.1.1): most messages are that short, and libcrypto's own buffering
// costs as much as hashing them.
Sha256Digest last_block(SHA256_CTX& context, std::initializer_list<ByteView> parts,
                        std::size_t bytes) {
  std::array<std::uint8_t, SHA256_CBLOCK> block{};
  std::uint8_t* at = block.data();
  for (const ByteView part : parts) {
    if (!part.empty()) std::memcpy(at, part.data(), part.size());
    at += part.size();
  }
  *at = 0x80;
  const std::uint64_t bits = std::byteswap(std::uint64_t{8 * (SHA256_CBLOCK + bytes)});
  std::memcpy(&block[kLastBlockBytes + 1], &bits, sizeof bits);
  SHA256_Transform(&context, block.data());
  Sha256Digest out;
  for (std::size_t i = 0; i < out.size() / 4; ++i) {
    const std::uint32_t word = std::byteswap(std::uint32_t{context.h[i]});
    std::memcpy(&out[4 * i], &word, sizeof word);
  }
  OPENSSL_cleanse(block.data(), block.size());
  return out;
}

}  // namespace

Sha256Middle::Sha256Middle(Block block) {
  auto* context = new (memory_.span().data()) SHA256_CTX;
  CHECK(SHA256_Init(context) == 1);
  CHECK(SHA256_Update(context, block.data(), block.size()) == 1);
  context_ = context;
}

Sha256Digest Sha256Middle::operator()(std::initializer_list<ByteView> parts) const {
  std::size_t bytes = 0;
  for (const ByteView part : parts) bytes += part.size();
  SHA256_CTX context = *context_;
  const Sha256Digest out =
      bytes <= kLastBlockBytes ? last_block(context, parts, bytes) : whole(context, parts);
  OPENSSL_cleanse(&context, sizeof context);
  return out;
}

}  // namespace penstock::crypto
