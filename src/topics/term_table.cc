#include "topics/term_table.h"

#include <utility>

#include "base/check.h"

namespace penstock::topics {
namespace {

constexpr std::size_t kSlotsFirst = 16;

}  // namespace

TermTable::Entry* TermTable::find(const Hash128& hash) {
  if (slots_.empty()) return nullptr;
  for (std::size_t at = place_of(hash); slots_[at].used; at = after(at))
    if (slots_[at].hash == hash) return &slots_[at];
  return nullptr;
}

bool TermTable::insert(const Hash128& hash, const Digest& term) {
  if (4 * (size_ + 1) > 3 * slots_.size()) grow();
  std::size_t at = place_of(hash);
  for (; slots_[at].used; at = after(at))
    if (slots_[at].hash == hash) return false;
  slots_[at] = {.hash = hash, .term = term, .used = true};
  ++size_;
  return true;
}

// Entries behind it that its place has pushed on move up, so that no search ends before them.
void TermTable::erase(const Hash128& hash) {
  Entry* found = find(hash);
  CHECK(found != nullptr);
  auto hole = static_cast<std::size_t>(found - slots_.data());
  for (std::size_t at = after(hole); slots_[at].used; at = after(at)) {
    const std::size_t mask = slots_.size() - 1;
    const std::size_t wanted = place_of(slots_[at].hash);
    if (((at - wanted) & mask) < ((at - hole) & mask)) continue;
    slots_[hole] = slots_[at];
    hole = at;
  }
  slots_[hole] = {};
  --size_;
}

void TermTable::grow() {
  Slots before = std::move(slots_);
  slots_ = Slots(before.empty() ? kSlotsFirst : 2 * before.size());
  for (const Entry& entry : before) {
    if (!entry.used) continue;
    std::size_t at = place_of(entry.hash);
    while (slots_[at].used) at = after(at);
    slots_[at] = entry;
  }
}

}  // namespace penstock::topics
