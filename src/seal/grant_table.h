// Where the grants of a topic lie, by epoch id. Places only: nothing here has been verified.
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <vector>

#include "base/error.h"
#include "seal/epoch.h"

namespace penstock::seal {

// Of a record in the grants topic.
struct GrantPlace {
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  friend bool operator==(const GrantPlace&, const GrantPlace&) = default;
};

// At most 40 bytes per grant: 24 for itself, the rest for its look-up. Not thread-safe.
class GrantTable {
 public:
  using Index = std::uint32_t;
  static constexpr Index kNone = UINT32_MAX;
  static constexpr std::int32_t kPartitionsMax = 1 << 16;

  struct Grant {
    std::uint64_t epoch = 0;
    std::int64_t offset = 0;
    Index next = kNone;               // with the same epoch id
    std::uint16_t partition = 0;      // of the grants topic
    std::uint16_t producer : 15 = 0;  // number of the policy's
    std::uint16_t verified : 1 = 0;   // once at least
    GrantPlace place() const { return {partition, offset}; }
    bool is(const Grant& other) const {
      return epoch == other.epoch && place() == other.place() && producer == other.producer;
    }
  };
  static_assert(sizeof(Grant) == 24);

  // seed: unknown to whoever chooses epoch ids, so that they cannot be made to collide.
  GrantTable(std::size_t grants_max, std::uint64_t seed) : grants_max_(grants_max), seed_(seed) {}

  // limit_exceeded: the table is full; never dropped in silence.
  Result<> add(EpochId epoch, std::uint16_t producer, GrantPlace place);
  // First grant with this id, kNone when there is none; the others follow as `next`.
  Index first(EpochId epoch) const;
  const Grant& operator[](Index index) const { return grants_[index]; }
  void set_verified(Index index) { grants_[index].verified = 1; }
  void set_place(Index index, GrantPlace place);
  void remove(Index index);

  std::size_t size() const { return size_; }
  std::size_t memory_bytes() const;

 private:
  std::size_t home(std::uint64_t epoch) const;
  std::size_t slot_of(std::uint64_t epoch) const;  // its slot, or the free one where it would go
  void grow();
  void free_slot(std::size_t slot);

  std::size_t grants_max_;
  std::uint64_t seed_;
  std::size_t size_ = 0;
  std::deque<Grant> grants_;
  Index free_ = kNone;        // removed grants, linked by `next`
  std::vector<Index> slots_;  // first grants; open addressing, a power of two, at most 4/5 full
  std::size_t slots_used_ = 0;
};

}  // namespace penstock::seal
