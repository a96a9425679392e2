// What an owner holds of a service elsewhere, so that a whole folder put back is noticed: how far
// the service was, in a few bytes that tell nothing about what it stores (spine.md 1).
#pragma once

#include <compare>
#include <cstdint>

#include "topics/state_key.h"

namespace penstock::topics {

struct HeldCheckpoint {
  std::uint64_t lease_term = 0;  // of the lease under which it was written; 0: none
  std::uint64_t number = 0;  // rises with every change of the service; 0: nothing was stored yet
  Digest hash{};             // of the root with its MAC; zero when nothing was stored
  friend bool operator==(const HeldCheckpoint&, const HeldCheckpoint&) = default;
};

}  // namespace penstock::topics
