// The key under which a service binds its tasks' checkpoints and states together. An interface:
// this module knows no cryptography; engine implements it over crypto, and app wires it in.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "base/bytes.h"

namespace penstock::topics {

using Digest = std::array<std::uint8_t, 32>;

// A pseudo-random function of two byte strings. Its values are never stored, shown or sent: sums of
// them could be solved for. Thread-safe, immutable.
class Prf {
 public:
  virtual ~Prf() = default;
  virtual Digest operator()(ByteView first, ByteView second) const = 0;
};

// Thread-safe, immutable. Messages are of any length; whoever makes them keeps different meanings
// apart by a label in front and by the lengths of their parts.
class StateKey {
 public:
  virtual ~StateKey() = default;
  // A message authentication code (HMAC-SHA-256). It may be stored where the host sees it.
  virtual Digest mac(ByteView message) const = 0;
  // A function of its own for each label, under another key than that of mac().
  virtual std::unique_ptr<const Prf> prf(ByteView label) const = 0;
  // SHA-256, without a key.
  virtual Digest hash(ByteView message) const = 0;
  // A key that everybody knows (no keys are loaded): notices accidents, not a hostile host.
  virtual bool is_public() const = 0;
};

// Whose checkpoints they are. All logs ask for it: there is no way to write state without one.
struct StateIdentity {
  std::string service;
  std::shared_ptr<const StateKey> key;  // never null
};

// Equal in constant time.
inline bool equal_digests(const Digest& a, const Digest& b) {
  std::uint8_t differs = 0;
  for (std::size_t i = 0; i < a.size(); ++i) differs |= static_cast<std::uint8_t>(a[i] ^ b[i]);
  return differs == 0;
}

}  // namespace penstock::topics
