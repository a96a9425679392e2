// Groups of an aggregation by their keys' bytes, numbered from 0; numbers of groups that went are
// given again. Open addressing, at most half full; keys lie one after the other.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace penstock::engine {

class GroupTable {
 public:
  GroupTable();
  std::size_t size() const { return places_.size() - free_.size(); }  // groups that are there
  std::size_t numbers() const { return places_.size(); }  // all are below: for what stands beside
  // The group of this key, a new one if there is none.
  std::uint32_t find_or_add(ByteView key);
  ByteView key(std::uint32_t group) const {
    return ByteView(keys_).subspan(places_[group].begin, places_[group].size);
  }
  void erase(std::uint32_t group);  // one that is there
  std::size_t memory_bytes() const {
    return slots_.capacity() * sizeof(Slot) + keys_.capacity() +
           places_.capacity() * sizeof(Place) + free_.capacity() * sizeof(std::uint32_t);
  }

 private:
  static constexpr std::uint32_t kFree = ~0U;
  struct Slot {
    std::uint32_t hash = 0;  // its upper half
    std::uint32_t group = kFree;
  };
  struct Place {
    std::size_t begin = 0;
    std::uint32_t size = 0;
    bool there = false;
  };
  std::size_t slot_of(ByteView key) const;  // where the key is, or would be put
  void put(std::vector<Slot>& slots, std::uint32_t group) const;
  void grow();
  void drop_dead_keys();

  std::vector<Slot> slots_;
  ByteBuffer keys_;
  std::size_t dead_bytes_ = 0;  // of keys_
  std::vector<Place> places_;   // by group
  std::vector<std::uint32_t> free_;
};

}  // namespace penstock::engine
