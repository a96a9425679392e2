// For tests of this module: a state key that mixes well enough to tell things apart and protects
// nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "topics/state_key.h"

namespace penstock::topics {

class TestStateKey final : public StateKey {
 public:
  explicit TestStateKey(std::uint64_t seed) : seed_(seed) {}
  Digest mac(ByteView message) const override { return mixed(1, message); }
  Digest prf(ByteView message) const override { return mixed(2, message); }
  Digest hash(ByteView message) const override { return TestStateKey(0).mixed(3, message); }
  bool is_public() const override { return true; }

 private:
  Digest mixed(std::uint64_t use, ByteView message) const {
    Digest out;
    for (std::size_t word = 0; word < 4; ++word) {
      std::uint64_t h = seed_ * 0x9E3779B97F4A7C15u + use * 31 + word;
      for (std::uint8_t byte : message) h = (h ^ byte) * 0x100000001B3u + (h >> 29);
      h = (h ^ (h >> 31)) * 0x94D049BB133111EBu;
      for (std::size_t i = 0; i < 8; ++i)
        out[8 * word + i] = static_cast<std::uint8_t>(h >> (8 * i));
    }
    return out;
  }
  std::uint64_t seed_;
};

inline StateIdentity test_identity(std::string service = "test", std::uint64_t seed = 1) {
  return {std::move(service), std::make_shared<TestStateKey>(seed)};
}

}  // namespace penstock::topics
