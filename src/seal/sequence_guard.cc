#include "seal/sequence_guard.h"

#include <algorithm>
#include <bit>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "crypto/random.h"
#include "seal/limits.h"
#include "seal/record_codec.h"

namespace penstock::seal {
namespace {

constexpr std::uint8_t kEntryVersion = 1, kTotalsVersion = 1;
constexpr std::size_t kTotalsBytes = 1 + 4 * 8;
constexpr std::size_t kSlotsFirst = 16;
constexpr std::size_t kProducersMax = 0xffff;

// Producers choose epoch ids, so where they land in a table must not be theirs to know.
std::uint64_t table_secret() {
  static const std::uint64_t secret = [] {
    std::array<std::uint8_t, 8> bytes{};
    CHECK(crypto::system_random().fill(bytes));
    return load_u64(bytes.data());
  }();
  return secret;
}

// The finisher of SplitMix64.
std::uint64_t mixed(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

}  // namespace

ByteBuffer encode_gap_totals(const GapTotals& totals) {
  ByteBuffer out(kTotalsBytes);
  out[0] = kTotalsVersion;
  std::uint8_t* at = out.data() + 1;
  for (std::uint64_t number :
       {totals.gaps, totals.missing, totals.head_gaps, totals.head_missing}) {
    store_u64(at, number);
    at += 8;
  }
  return out;
}

Result<GapTotals> parse_gap_totals(ByteView bytes) {
  if (bytes.size() != kTotalsBytes || bytes[0] != kTotalsVersion)
    return fail(
        ErrorCode::corrupt,
        fmt::format("stored counts of missing records: expected {} bytes of version {}, "
                    "found {} bytes of version {}",
                    kTotalsBytes, kTotalsVersion, bytes.size(), bytes.empty() ? 0 : bytes[0]));
  const std::uint8_t* at = bytes.data() + 1;
  return GapTotals{.gaps = load_u64(at),
                   .missing = load_u64(at + 8),
                   .head_gaps = load_u64(at + 16),
                   .head_missing = load_u64(at + 24)};
}

std::array<std::uint8_t, SequenceGuard::kValueBytes> SequenceGuard::encode_value(
    const Entry& entry) {
  std::array<std::uint8_t, kValueBytes> out;
  out[0] = kEntryVersion;
  store_u32(out.data() + 1, entry.last_sequence);
  return out;
}

Result<SequenceGuard::Entry> SequenceGuard::parse_entry(ByteView key, ByteView value) {
  Result<EpochName> epoch = epoch_name_from(key);
  if (!epoch) return fail(ErrorCode::corrupt, "stored sequence: " + epoch.error().text());
  if (value.size() != kValueBytes || value[0] != kEntryVersion)
    return fail(
        ErrorCode::corrupt,
        fmt::format("stored sequence: expected {} bytes of version {}, found {} bytes of "
                    "version {}",
                    kValueBytes, kEntryVersion, value.size(), value.empty() ? 0 : value[0]));
  return Entry{.epoch = *epoch, .last_sequence = load_u32(value.data() + 1)};
}

SequenceGuard::SequenceGuard(SequenceGuard&& other) noexcept : order_(other.order_) {
  *this = std::move(other);
}

SequenceGuard& SequenceGuard::operator=(SequenceGuard&& other) noexcept {
  if (this == &other) return *this;
  order_ = other.order_;
  slots_ = std::exchange(other.slots_, {});
  size_ = std::exchange(other.size_, 0);
  producers_ = std::exchange(other.producers_, {});
  changed_ = std::exchange(other.changed_, {});
  last_epoch_ = other.last_epoch_;
  last_ = std::exchange(other.last_, kNone);
  totals_ = std::exchange(other.totals_, {});
  gaps_ = std::exchange(other.gaps_, {});
  return *this;
}

OpenOutcome SequenceGuard::admit_other(const EpochName& epoch, std::uint32_t sequence) {
  std::uint32_t at = select(epoch);
  if (at == kNone) return OpenOutcome::too_many_epochs;
  Slot& slot = slots_[at];
  if (slot.used) return follow(sequence);
  slot.used = true;
  ++size_;
  slot.last_sequence = sequence;
  if (sequence > 0) note_gap(sequence, true);
  mark_changed();
  return OpenOutcome::ok;
}

std::uint32_t SequenceGuard::select(const EpochName& epoch) {
  if (slots_.empty() || (size_ + 1) * 8 > slots_.size() * 7) grow();
  std::uint32_t producer = producer_index(epoch.producer);
  if (producer == kNone) return kNone;
  std::uint32_t at = probe(epoch.epoch.value(), static_cast<std::uint16_t>(producer));
  if (!slots_[at].used) {
    // Dropping an old epoch would let its records be played again, so new ones are refused.
    if (size_ >= kGuardEpochsMax) return kNone;
    slots_[at].epoch = epoch.epoch.value();
    slots_[at].producer = static_cast<std::uint16_t>(producer);
  }
  last_ = at;
  last_epoch_ = epoch;
  return at;
}

std::uint32_t SequenceGuard::producer_index(const crypto::Thumbprint& producer) {
  auto found = std::ranges::find(producers_, producer);
  auto index = static_cast<std::uint32_t>(found - producers_.begin());
  if (found != producers_.end()) return index;
  if (producers_.size() >= kProducersMax) return kNone;
  producers_.push_back(producer);
  return index;
}

std::uint32_t SequenceGuard::probe(std::uint64_t epoch, std::uint16_t producer) const {
  std::size_t mask = slots_.size() - 1;
  std::size_t at = mixed(mixed(epoch ^ table_secret()) + producer) & mask;
  while (slots_[at].used && (slots_[at].epoch != epoch || slots_[at].producer != producer))
    at = (at + 1) & mask;
  return static_cast<std::uint32_t>(at);
}

void SequenceGuard::grow() {
  std::vector<Slot> old =
      std::exchange(slots_, std::vector<Slot>(std::max(kSlotsFirst, slots_.size() * 2)));
  changed_.clear();
  last_ = kNone;
  for (const Slot& slot : old) {
    if (!slot.used) continue;
    std::uint32_t at = probe(slot.epoch, slot.producer);
    slots_[at] = slot;
    if (slot.changed) changed_.push_back(at);
  }
}

void SequenceGuard::note_gap(std::uint32_t missing, bool head) {
  if (order_ == Order::compacted) return;
  (head ? totals_.head_gaps : totals_.gaps) += 1;
  (head ? totals_.head_missing : totals_.missing) += missing;
  if (!gaps_.empty() && gaps_.back().epoch == last_epoch_ && gaps_.back().head == head)
    gaps_.back().missing += missing;
  else if (gaps_.size() < kGapsKeptMax)
    gaps_.push_back({.epoch = last_epoch_, .missing = missing, .head = head});
}

void SequenceGuard::mark_changed() {
  slots_[last_].changed = true;
  changed_.push_back(last_);
}

std::vector<SequenceGuard::Entry> SequenceGuard::take_changes() {
  std::vector<Entry> out;
  out.reserve(changed_.size());
  for (std::uint32_t at : changed_) {
    Slot& slot = slots_[at];
    slot.changed = false;
    out.push_back({.epoch = {.producer = producers_[slot.producer], .epoch = EpochId(slot.epoch)},
                   .last_sequence = slot.last_sequence});
  }
  changed_.clear();
  return out;
}

Result<> SequenceGuard::restore(const Entry& entry) {
  std::uint32_t at = select(entry.epoch);
  if (at == kNone)
    return fail(
        ErrorCode::limit_exceeded,
        fmt::format("sequence guard: more than {} epochs in its stored state", kGuardEpochsMax));
  if (!slots_[at].used) ++size_;
  slots_[at].used = true;
  slots_[at].last_sequence = entry.last_sequence;
  return {};
}

std::size_t SequenceGuard::memory_bytes() const {
  return slots_.capacity() * sizeof(Slot) + producers_.capacity() * sizeof(crypto::Thumbprint) +
         changed_.capacity() * sizeof(std::uint32_t) + gaps_.capacity() * sizeof(Gap);
}

std::vector<SequenceGuard::Gap> SequenceGuard::take_gaps() {
  return std::exchange(gaps_, {});
}

}  // namespace penstock::seal
