#include "engine/group_table.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace penstock::engine {
namespace {

constexpr std::size_t kFirstSlots = 1024;

std::uint64_t hash_of(ByteView key) {
  std::uint64_t hash = key.size();
  const auto mix = [&](std::uint64_t word) {
    hash = (hash ^ word) * 0x9E3779B97F4A7C15U;
    hash ^= hash >> 29;
  };
  while (key.size() >= 8) {
    std::uint64_t word;
    std::memcpy(&word, key.data(), 8);
    mix(word);
    key = key.subspan(8);
  }
  std::uint64_t rest = 0;
  if (!key.empty()) std::memcpy(&rest, key.data(), key.size());
  mix(rest);
  return hash;
}

}  // namespace

GroupTable::GroupTable() : slots_(kFirstSlots) {}

std::uint32_t GroupTable::find_or_add(ByteView wanted) {
  if (2 * (size() + 1) > slots_.size()) grow();
  const std::uint64_t hash = hash_of(wanted);
  const auto upper = static_cast<std::uint32_t>(hash >> 32);
  std::size_t at = hash & (slots_.size() - 1);
  for (; slots_[at].group != kFree; at = (at + 1) & (slots_.size() - 1))
    if (slots_[at].hash == upper && std::ranges::equal(key(slots_[at].group), wanted))
      return slots_[at].group;
  CHECK(size() < kFree);
  const auto group = static_cast<std::uint32_t>(size());
  slots_[at] = {upper, group};
  keys_.insert(keys_.end(), wanted.begin(), wanted.end());
  ends_.push_back(keys_.size());
  return group;
}

void GroupTable::grow() {
  std::vector<Slot> larger(2 * slots_.size());
  for (std::uint32_t group = 0; group < size(); ++group) {
    const std::uint64_t hash = hash_of(key(group));
    std::size_t at = hash & (larger.size() - 1);
    while (larger[at].group != kFree) at = (at + 1) & (larger.size() - 1);
    larger[at] = {static_cast<std::uint32_t>(hash >> 32), group};
  }
  slots_ = std::move(larger);
}

}  // namespace penstock::engine
