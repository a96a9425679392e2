#include "engine/group_table.h"

#include <algorithm>

#include "base/byte_hash.h"
#include "base/check.h"

namespace penstock::engine {
namespace {

constexpr std::size_t kFirstSlots = 1024;
constexpr std::size_t kDeadBytesMin = 1 << 20;  // below, keys of groups that went stay

std::uint32_t upper_half(std::uint64_t hash) {
  return static_cast<std::uint32_t>(hash >> 32);
}

}  // namespace

GroupTable::GroupTable() : slots_(kFirstSlots) {}

std::size_t GroupTable::slot_of(ByteView wanted) const {
  const std::uint64_t hash = hash_bytes(wanted);
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = hash & mask;
  for (; slots_[at].group != kFree; at = (at + 1) & mask)
    if (slots_[at].hash == upper_half(hash) && std::ranges::equal(key(slots_[at].group), wanted))
      break;
  return at;
}

std::uint32_t GroupTable::find_or_add(ByteView wanted) {
  if (2 * (size() + 1) > slots_.size()) grow();
  const std::size_t at = slot_of(wanted);
  if (slots_[at].group != kFree) return slots_[at].group;
  std::uint32_t group = 0;
  if (free_.empty()) {
    CHECK(places_.size() < kFree);
    group = static_cast<std::uint32_t>(places_.size());
    places_.emplace_back();
  } else {
    group = free_.back();
    free_.pop_back();
  }
  places_[group] = {keys_.size(), static_cast<std::uint32_t>(wanted.size()), true};
  keys_.insert(keys_.end(), wanted.begin(), wanted.end());
  slots_[at] = {upper_half(hash_bytes(wanted)), group};
  return group;
}

void GroupTable::erase(std::uint32_t group) {
  CHECK(places_[group].there);
  const std::size_t mask = slots_.size() - 1;
  std::size_t hole = slot_of(key(group));
  CHECK(slots_[hole].group == group);
  slots_[hole] = {};
  // Those behind it that would not be found any more move up.
  for (std::size_t at = (hole + 1) & mask; slots_[at].group != kFree; at = (at + 1) & mask) {
    const std::size_t home = hash_bytes(key(slots_[at].group)) & mask;
    if (((at - home) & mask) < ((at - hole) & mask)) continue;
    slots_[hole] = slots_[at];
    slots_[at] = {};
    hole = at;
  }
  dead_bytes_ += places_[group].size;
  places_[group] = {};
  free_.push_back(group);
  if (dead_bytes_ > kDeadBytesMin && 2 * dead_bytes_ > keys_.size()) drop_dead_keys();
}

void GroupTable::drop_dead_keys() {
  ByteBuffer kept;
  kept.reserve(keys_.size() - dead_bytes_);
  for (Place& place : places_) {
    if (!place.there) continue;
    const auto begin = keys_.begin() + static_cast<std::ptrdiff_t>(place.begin);
    place.begin = kept.size();
    kept.insert(kept.end(), begin, begin + place.size);
  }
  keys_ = std::move(kept);
  dead_bytes_ = 0;
}

void GroupTable::put(std::vector<Slot>& slots, std::uint32_t group) const {
  const std::uint64_t hash = hash_bytes(key(group));
  std::size_t at = hash & (slots.size() - 1);
  while (slots[at].group != kFree) at = (at + 1) & (slots.size() - 1);
  slots[at] = {upper_half(hash), group};
}

void GroupTable::grow() {
  std::vector<Slot> larger(2 * slots_.size());
  for (std::uint32_t group = 0; group < places_.size(); ++group)
    if (places_[group].there) put(larger, group);
  slots_ = std::move(larger);
}

}  // namespace penstock::engine
