// Finds records that are played again: within an (epoch, partition) sequences must rise.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "seal/epoch.h"
#include "seal/record.h"

namespace penstock::seal {

// The last sequence seen, per epoch, of one partition. Owned by the partition's task, which stores
// it with its positions: else a restart would take old records for new ones.
class SequenceGuard {
 public:
  // An epoch's entry in stored state: key 8 bytes (epoch id), value 4 bytes (sequence, big endian).
  struct Entry {
    EpochId epoch;
    std::uint32_t last_sequence = 0;
    friend bool operator==(const Entry&, const Entry&) = default;
  };

  SequenceGuard() = default;
  SequenceGuard(SequenceGuard&& other) noexcept;  // a moved-from guard is empty
  SequenceGuard& operator=(SequenceGuard&& other) noexcept;

  // ok, replayed, or too_many_epochs; takes the sequence over only when ok. Call it only for
  // records that have proved authentic.
  OpenOutcome admit(EpochId epoch, std::uint32_t sequence) {
    if (last_ != nullptr && epoch == last_epoch_) [[likely]] {
      if (sequence <= last_->last_sequence) return OpenOutcome::replayed;
      last_->last_sequence = sequence;
      if (!last_->changed) mark_changed(epoch, *last_);
      return OpenOutcome::ok;
    }
    return admit_other(epoch, sequence);
  }

  // Entries that changed since the last call, for the state that is written with a commit.
  std::vector<Entry> take_changes();
  // Puts one stored entry back; before the first admit(). limit_exceeded.
  Result<> restore(Entry entry);
  // An epoch whose grant has expired need not be followed: its records do not open any more.
  void forget(EpochId epoch);
  std::size_t size() const { return epochs_.size(); }

  // All entries in one value (12 bytes each, sorted) and back; corrupt when malformed.
  ByteBuffer serialize() const;
  static Result<SequenceGuard> parse(ByteView bytes);

 private:
  struct State {
    std::uint32_t last_sequence = 0;
    bool changed = false;
  };
  OpenOutcome admit_other(EpochId epoch, std::uint32_t sequence);
  void mark_changed(EpochId epoch, State& state);

  std::unordered_map<EpochId, State> epochs_;
  std::vector<EpochId> changed_;
  EpochId last_epoch_{};
  State* last_ = nullptr;  // into epochs_, whose nodes stay put
};

}  // namespace penstock::seal
