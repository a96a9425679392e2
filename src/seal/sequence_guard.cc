#include "seal/sequence_guard.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "seal/limits.h"
#include "seal/record_codec.h"

namespace penstock::seal {
namespace {

constexpr std::size_t kEntryBytes = kEpochIdBytes + 4;

}  // namespace

SequenceGuard::SequenceGuard(SequenceGuard&& other) noexcept {
  *this = std::move(other);
}

SequenceGuard& SequenceGuard::operator=(SequenceGuard&& other) noexcept {
  if (this == &other) return *this;
  epochs_ = std::exchange(other.epochs_, {});
  changed_ = std::exchange(other.changed_, {});
  last_ = nullptr;  // found again at the next record
  other.last_ = nullptr;
  return *this;
}

OpenOutcome SequenceGuard::admit_other(EpochId epoch, std::uint32_t sequence) {
  auto found = epochs_.find(epoch);
  if (found == epochs_.end()) {
    // Dropping an old epoch would let its records be played again, so new ones are refused.
    if (epochs_.size() >= kGuardEpochsMax) return OpenOutcome::too_many_epochs;
    found = epochs_.emplace(epoch, State{.last_sequence = sequence, .changed = false}).first;
  } else {
    if (sequence <= found->second.last_sequence) return OpenOutcome::replayed;
    found->second.last_sequence = sequence;
  }
  last_epoch_ = epoch;
  last_ = &found->second;
  if (!last_->changed) mark_changed(epoch, *last_);
  return OpenOutcome::ok;
}

void SequenceGuard::mark_changed(EpochId epoch, State& state) {
  state.changed = true;
  changed_.push_back(epoch);
}

std::vector<SequenceGuard::Entry> SequenceGuard::take_changes() {
  std::vector<Entry> out;
  out.reserve(changed_.size());
  for (EpochId epoch : changed_) {
    auto found = epochs_.find(epoch);
    if (found == epochs_.end() || !found->second.changed) continue;  // forgotten, maybe seen again
    found->second.changed = false;
    out.push_back({.epoch = epoch, .last_sequence = found->second.last_sequence});
  }
  changed_.clear();
  return out;
}

Result<> SequenceGuard::restore(Entry entry) {
  if (epochs_.size() >= kGuardEpochsMax)
    return fail(
        ErrorCode::limit_exceeded,
        fmt::format("sequence guard: more than {} epochs in its stored state", kGuardEpochsMax));
  epochs_[entry.epoch] = {.last_sequence = entry.last_sequence, .changed = false};
  return {};
}

void SequenceGuard::forget(EpochId epoch) {
  if (last_ != nullptr && last_epoch_ == epoch) last_ = nullptr;
  epochs_.erase(epoch);
}

ByteBuffer SequenceGuard::serialize() const {
  std::vector<Entry> entries;
  entries.reserve(epochs_.size());
  for (const auto& [epoch, state] : epochs_)
    entries.push_back({.epoch = epoch, .last_sequence = state.last_sequence});
  std::ranges::sort(entries, {}, &Entry::epoch);
  ByteBuffer out(entries.size() * kEntryBytes);
  std::uint8_t* at = out.data();
  for (const Entry& entry : entries) {
    store_u64(at, entry.epoch.value());
    store_u32(at + kEpochIdBytes, entry.last_sequence);
    at += kEntryBytes;
  }
  return out;
}

Result<SequenceGuard> SequenceGuard::parse(ByteView bytes) {
  if (bytes.size() % kEntryBytes != 0)
    return fail(ErrorCode::corrupt, fmt::format("sequence guard: {} stored bytes, expected a "
                                                "multiple of {}",
                                                bytes.size(), kEntryBytes));
  SequenceGuard guard;
  EpochId before{};
  for (std::size_t at = 0; at < bytes.size(); at += kEntryBytes) {
    Entry entry{.epoch = EpochId(load_u64(bytes.data() + at)),
                .last_sequence = load_u32(bytes.data() + at + kEpochIdBytes)};
    if (at > 0 && entry.epoch <= before)
      return fail(ErrorCode::corrupt, "sequence guard: stored entries are out of order");
    before = entry.epoch;
    TRY(guard.restore(entry));
  }
  return guard;
}

}  // namespace penstock::seal
