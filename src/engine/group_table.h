// Groups of an aggregation by their keys' bytes, numbered from 0. Open addressing, at most half
// full; keys lie one after the other.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace penstock::engine {

class GroupTable {
 public:
  GroupTable();
  std::size_t size() const { return ends_.size(); }
  // The group of this key; a new one has the number size() had before.
  std::uint32_t find_or_add(ByteView key);
  ByteView key(std::uint32_t group) const {
    const std::size_t begin = group == 0 ? 0 : ends_[group - 1];
    return ByteView(keys_).subspan(begin, ends_[group] - begin);
  }
  std::size_t memory_bytes() const {
    return slots_.capacity() * sizeof(Slot) + keys_.capacity() + ends_.capacity() * sizeof ends_[0];
  }

 private:
  static constexpr std::uint32_t kFree = ~0U;
  struct Slot {
    std::uint32_t hash = 0;  // its upper half
    std::uint32_t group = kFree;
  };
  void grow();

  std::vector<Slot> slots_;
  ByteBuffer keys_;
  std::vector<std::size_t> ends_;
};

}  // namespace penstock::engine
