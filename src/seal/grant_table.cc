#include "seal/grant_table.h"

#include <utility>

#include <fmt/format.h>

namespace penstock::seal {
namespace {

constexpr std::size_t kFirstSlots = 16;

}  // namespace

std::size_t GrantTable::home(std::uint64_t epoch) const {
  std::uint64_t hash = epoch ^ seed_;  // then the finalizer of MurmurHash3
  hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccd;
  hash = (hash ^ hash >> 33) * 0xc4ceb9fe1a85ec53 + seed_;
  return (hash ^ hash >> 33) & (slots_.size() - 1);
}

std::size_t GrantTable::slot_of(std::uint64_t epoch) const {
  std::size_t slot = home(epoch);
  while (slots_[slot] != kNone && grants_[slots_[slot]].epoch != epoch)
    slot = (slot + 1) & (slots_.size() - 1);
  return slot;
}

void GrantTable::grow() {
  std::vector<Index> old = std::exchange(slots_, {});
  slots_.assign(old.empty() ? kFirstSlots : 2 * old.size(), kNone);
  for (Index first : old)
    if (first != kNone) slots_[slot_of(grants_[first].epoch)] = first;
}

Result<> GrantTable::add(EpochId epoch, std::uint16_t producer, GrantPlace place) {
  if (size_ >= grants_max_)
    return fail(
        ErrorCode::limit_exceeded,
        fmt::format("more than {} grants: no more can be followed, and without them records "
                    "would be lost, so reading stops here; remove grants of epochs whose "
                    "records are gone, or let producers start less often",
                    grants_max_));
  if (place.partition < 0 || place.partition >= kPartitionsMax)
    return fail(ErrorCode::limit_exceeded,
                fmt::format("grants in partition {}: at most {} partitions are followed",
                            place.partition, kPartitionsMax));
  if (slots_.empty() || (slots_used_ + 1) * 5 > slots_.size() * 4) grow();
  Index index = free_;
  if (index == kNone) {
    index = static_cast<Index>(grants_.size());
    grants_.emplace_back();
  } else {
    free_ = grants_[index].next;
  }
  Grant& grant = grants_[index];
  grant = {};
  grant.epoch = epoch.value();
  grant.offset = place.offset;
  grant.partition = static_cast<std::uint16_t>(place.partition);
  grant.producer = producer & 0x7fff;
  std::size_t slot = slot_of(grant.epoch);
  if (slots_[slot] == kNone) {
    slots_[slot] = index;
    ++slots_used_;
  } else {  // behind the first, whatever else there is: whoever adds many of one id gains nothing
    grant.next = std::exchange(grants_[slots_[slot]].next, index);
  }
  ++size_;
  return {};
}

void GrantTable::set_place(Index index, GrantPlace place) {
  grants_[index].partition = static_cast<std::uint16_t>(place.partition);
  grants_[index].offset = place.offset;
}

GrantTable::Index GrantTable::first(EpochId epoch) const {
  return slots_.empty() ? kNone : slots_[slot_of(epoch.value())];
}

void GrantTable::remove(Index index) {
  std::size_t slot = slot_of(grants_[index].epoch);
  if (slots_[slot] != index) {
    Index before = slots_[slot];
    while (grants_[before].next != index) before = grants_[before].next;
    grants_[before].next = grants_[index].next;
  } else if (grants_[index].next != kNone) {
    slots_[slot] = grants_[index].next;
  } else {
    free_slot(slot);
    --slots_used_;
  }
  grants_[index].next = std::exchange(free_, index);
  --size_;
}

// Moves those behind it forward, so that no search ends too early.
void GrantTable::free_slot(std::size_t slot) {
  std::size_t mask = slots_.size() - 1;
  slots_[slot] = kNone;
  for (std::size_t at = (slot + 1) & mask; slots_[at] != kNone; at = (at + 1) & mask) {
    std::size_t wanted = home(grants_[slots_[at]].epoch);
    if (((at - wanted) & mask) < ((at - slot) & mask)) continue;  // it is behind its home already
    slots_[slot] = std::exchange(slots_[at], kNone);
    slot = at;
  }
}

std::size_t GrantTable::memory_bytes() const {
  return grants_.size() * sizeof(Grant) + slots_.capacity() * sizeof(Index);
}

}  // namespace penstock::seal
