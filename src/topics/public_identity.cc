#include "topics/public_identity.h"

#include <algorithm>
#include <cstring>

namespace penstock::topics {
namespace {

std::uint64_t folded(std::uint64_t a, std::uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

// Four lanes of multiplications: whoever knows the key can make any value anyway, so all it has to
// do is to tell different bytes apart.
class Mixer {
 public:
  explicit Mixer(std::uint64_t use) {
    for (std::size_t i = 0; i < 4; ++i) lanes_[i] = kOdd[i] ^ use;
  }
  void take(ByteView bytes) {
    for (std::size_t i = 0; i < 4; ++i) lanes_[i] = folded(lanes_[i], bytes.size() + kOdd[3]);
    for (std::size_t at = 0; at < bytes.size(); at += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, bytes.data() + at, std::min<std::size_t>(8, bytes.size() - at));
      for (std::size_t i = 0; i < 4; ++i) lanes_[i] = folded(lanes_[i] ^ word, kOdd[i]) + word;
    }
  }
  Digest end() const {
    Digest out;
    for (std::size_t i = 0; i < 4; ++i) {
      const std::uint64_t word = folded(lanes_[i] ^ kOdd[(i + 1) % 4], lanes_[(i + 1) % 4] | 1);
      std::memcpy(out.data() + 8 * i, &word, 8);
    }
    return out;
  }

 private:
  static constexpr std::uint64_t kOdd[4] = {0xA0761D6478BD642Fu, 0xE7037ED1A0B428DBu,
                                            0x8EBC6AF09C88C6E3u, 0x589965CC75374CC3u};
  std::uint64_t lanes_[4];
};

class PublicStateKey final : public StateKey {
 public:
  Digest mac(ByteView message) const override { return mixed(1, message); }
  std::unique_ptr<const Prf> prf(ByteView label) const override {
    return std::make_unique<MixedPrf>(mixed(2, label));
  }
  Digest hash(ByteView message) const override { return mixed(3, message); }
  bool is_public() const override { return true; }

 private:
  static Digest mixed(std::uint64_t use, ByteView message) {
    Mixer mixer(use);
    mixer.take(message);
    return mixer.end();
  }

  struct MixedPrf final : Prf {
    explicit MixedPrf(const Digest& label) { std::memcpy(&use, label.data(), sizeof use); }
    Digest operator()(ByteView first, ByteView second) const override {
      Mixer mixer(use);
      mixer.take(first);
      mixer.take(second);
      return mixer.end();
    }
    std::uint64_t use;
  };
};

}  // namespace

StateIdentity public_identity(std::string service) {
  static const auto key = std::make_shared<const PublicStateKey>();
  return {std::move(service), key};
}

StateIdentity clients_identity() {
  return public_identity(std::string(kClientsService));
}

}  // namespace penstock::topics
