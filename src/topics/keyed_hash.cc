#include "topics/keyed_hash.h"

#include <bit>
#include <cstring>

namespace penstock::topics {
namespace {

static_assert(std::endian::native == std::endian::little);

std::uint64_t word_at(const std::uint8_t* bytes) {
  std::uint64_t word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

struct SipState {
  std::uint64_t v0, v1, v2, v3;

  void round() {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }
  void take(std::uint64_t word) {
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  }
  std::uint64_t end() {
    for (int i = 0; i < 4; ++i) round();
    return v0 ^ v1 ^ v2 ^ v3;
  }
};

}  // namespace

KeyedHash::KeyedHash(const Key& key) : k0_(word_at(key.data())), k1_(word_at(key.data() + 8)) {}

Hash128 KeyedHash::operator()(ByteView message) const {
  SipState state{k0_ ^ 0x736f6d6570736575U, k1_ ^ 0x646f72616e646f6dU ^ 0xeeU,
                 k0_ ^ 0x6c7967656e657261U, k1_ ^ 0x7465646279746573U};
  const std::size_t words = message.size() / 8, rest = message.size() % 8;
  for (std::size_t i = 0; i < words; ++i) state.take(word_at(message.data() + 8 * i));
  std::uint64_t last = std::uint64_t{message.size()} << 56;
  for (std::size_t i = 0; i < rest; ++i) last |= std::uint64_t{message[8 * words + i]} << (8 * i);
  state.take(last);
  state.v2 ^= 0xee;
  const std::uint64_t low = state.end();
  state.v1 ^= 0xdd;
  return {low, state.end()};
}

}  // namespace penstock::topics
