#include "crypto/concat_kdf.h"

#include <cstring>

#include "base/check.h"
#include "crypto/sha.h"

namespace penstock::crypto {
namespace {

// Writes front to back into memory of exactly the right size.
class Filler {
 public:
  explicit Filler(ByteSpan out) : rest_(out) {}
  void number(std::size_t value) {  // 32 bits, big endian
    for (int shift = 24; shift >= 0; shift -= 8) {
      rest_[0] = static_cast<std::uint8_t>(value >> shift);
      rest_ = rest_.subspan(1);
    }
  }
  void bytes(ByteView data) {
    if (data.empty()) return;
    std::memcpy(rest_.data(), data.data(), data.size());
    rest_ = rest_.subspan(data.size());
  }
  void counted(ByteView data) {
    number(data.size());
    bytes(data);
  }
  bool full() const { return rest_.empty(); }

 private:
  ByteSpan rest_;
};

}  // namespace

Result<SecretBuffer> concat_kdf_sha256(const ConcatKdfInput& input, std::size_t key_bytes) {
  CHECK(key_bytes >= 1);
  CHECK(key_bytes <= sizeof(Sha256Digest));  // one round of the hash
  constexpr std::size_t kNumbers = 5;
  SecretBuffer message =
      TRY(SecretBuffer::create(kNumbers * 4 + input.shared_secret.size() + input.algorithm.size() +
                               input.party_u.size() + input.party_v.size()));
  Filler filler(message.span());
  filler.number(1);  // the round
  filler.bytes(input.shared_secret);
  filler.counted(as_bytes(input.algorithm));
  filler.counted(input.party_u);
  filler.counted(input.party_v);
  filler.number(8 * key_bytes);
  CHECK(filler.full());
  Sha256Digest digest = sha256(message.view());
  Result<SecretBuffer> key = SecretBuffer::create_copy(ByteView(digest).first(key_bytes));
  wipe(digest);
  return key;
}

}  // namespace penstock::crypto
