// For tests of this module: a state key that mixes well enough to tell things apart and protects
// nothing.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

#include "topics/state_key.h"

namespace penstock::topics {

inline Digest mixed_for_test(std::uint64_t seed, std::uint64_t use, ByteView message) {
  Digest out;
  for (std::size_t word = 0; word < 4; ++word) {
    std::uint64_t h = seed * 0x9E3779B97F4A7C15u + use * 31 + word;
    for (std::uint8_t byte : message) h = (h ^ byte) * 0x100000001B3u + (h >> 29);
    h = (h ^ (h >> 31)) * 0x94D049BB133111EBu;
    for (std::size_t i = 0; i < 8; ++i) out[8 * word + i] = static_cast<std::uint8_t>(h >> (8 * i));
  }
  return out;
}

class TestPrf final : public Prf {
 public:
  explicit TestPrf(std::uint64_t seed) : seed_(seed) {}
  Digest operator()(ByteView first, ByteView second) const override {
    ByteBuffer message = to_buffer(first);
    message.insert(message.end(), second.begin(), second.end());
    return mixed_for_test(seed_, 4 + first.size(), message);
  }

 private:
  std::uint64_t seed_;
};

class TestStateKey final : public StateKey {
 public:
  explicit TestStateKey(std::uint64_t seed) : seed_(seed) {}
  Digest mac(ByteView message) const override { return mixed_for_test(seed_, 1, message); }
  std::unique_ptr<const Prf> prf(ByteView label) const override {
    std::uint64_t seed;
    std::memcpy(&seed, mixed_for_test(seed_, 2, label).data(), sizeof seed);
    return std::make_unique<TestPrf>(seed);
  }
  Digest hash(ByteView message) const override { return mixed_for_test(0, 3, message); }
  bool is_public() const override { return true; }

 private:
  std::uint64_t seed_;
};

inline StateIdentity test_identity(std::string service = "test", std::uint64_t seed = 1) {
  return {std::move(service), std::make_shared<TestStateKey>(seed)};
}

}  // namespace penstock::topics
