#include "crypto/keyed_sha256.h"

#include <algorithm>
#include <array>

#include <openssl/crypto.h>

#include "base/check.h"

namespace penstock::crypto {
namespace {

// A block that holds a key; wiped when the hash has taken it.
struct KeyBlock {
  std::array<std::uint8_t, SHA256_CBLOCK> bytes{};

  explicit KeyBlock(ByteView key) {
    CHECK(key.size() == sizeof(Sha256Digest));
    std::ranges::copy(key, bytes.begin());
  }
  KeyBlock(const KeyBlock&) = delete;
  KeyBlock& operator=(const KeyBlock&) = delete;
  ~KeyBlock() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
};

// Two lengths, each of at most ten bytes.
struct LengthPrefix {
  std::array<std::uint8_t, 20> bytes;
  std::size_t size = 0;

  void add(std::size_t length) {
    for (; length >= 0x80; length >>= 7) bytes[size++] = static_cast<std::uint8_t>(length | 0x80);
    bytes[size++] = static_cast<std::uint8_t>(length);
  }
  ByteView view() const { return {bytes.data(), size}; }
};

}  // namespace

KeyedSha256::KeyedSha256(ByteView key) : middle_(KeyBlock(key).bytes) {}

Sha256Digest KeyedSha256::operator()(ByteView first, ByteView second) const {
  LengthPrefix lengths;
  lengths.add(first.size());
  lengths.add(second.size());
  return middle_({lengths.view(), first, second});
}

}  // namespace penstock::crypto
