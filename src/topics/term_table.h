// The terms of a state's entries (state_digest.h), in one flat table: a line of cache per entry.
#pragma once

#include <cstdint>
#include <vector>

#include "base/huge_pages.h"
#include "topics/keyed_hash.h"
#include "topics/state_key.h"

namespace penstock::topics {

// Open addressing, at most three quarters full. Entries are told apart by a keyed hash of their
// keys: of 2^32 entries two have the same one with a chance of 2^-65.
class TermTable {
 public:
  struct alignas(64) Entry {
    Hash128 hash{};
    Digest term{};
    std::uint32_t change = 0;  // its number in the update that is open; 0: none
    bool used = false;
  };
  // null: there is none. Pointers hold until the next insert() or erase().
  Entry* find(const Hash128& hash);
  // It is looked at soon, at the place where it belongs; where it lies behind that, the line after
  // it comes by itself. Always inlined: GCC takes calls of a function that only fetches ahead for
  // calls without effect.
  [[gnu::always_inline]] void prefetch(const Hash128& hash) const {
    if (slots_.empty()) return;
    __builtin_prefetch(&slots_[place_of(hash)], 1);
  }
  bool insert(const Hash128& hash, const Digest& term);  // false: there is one already
  void erase(const Hash128& hash);                       // there is one
  std::size_t size() const { return size_; }

 private:
  std::size_t place_of(const Hash128& hash) const { return hash[0] & (slots_.size() - 1); }
  std::size_t after(std::size_t place) const { return (place + 1) & (slots_.size() - 1); }
  void grow();

  using Slots = std::vector<Entry, HugePageAllocator<Entry>>;
  Slots slots_;  // a power of two, or none
  std::size_t size_ = 0;
};

}  // namespace penstock::topics
