// What becomes of sequences: within an (epoch, partition) they begin at 0 and rise by one. A repeat
// or a fall is a replay; a gap means that records were taken out.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "seal/epoch.h"
#include "seal/record.h"

namespace penstock::seal {

// Records that are missing in one partition, of all its epochs. What is missing at an epoch's end
// cannot be seen.
struct GapTotals {
  std::uint64_t gaps = 0;          // places between two records where others were taken out
  std::uint64_t missing = 0;       // records that stood there
  std::uint64_t head_gaps = 0;     // epochs whose first record here was not their first
  std::uint64_t head_missing = 0;  // records before it: the log's claim that they were deleted
  friend bool operator==(const GapTotals&, const GapTotals&) = default;
};
// As stored: a version byte, then four numbers of 8 bytes, big endian. corrupt when malformed or of
// another version.
ByteBuffer encode_gap_totals(const GapTotals& totals);
Result<GapTotals> parse_gap_totals(ByteView bytes);

// The last sequence seen, per epoch, of one partition: 16 bytes each, in a table of its own. Owned
// by the partition's task, which stores it with its positions: else a restart would take old
// records for new ones. Nothing ever drops an entry: whoever could would play its records again.
class SequenceGuard {
 public:
  // dense: gaps are noted. compacted: the topic may lose records that newer ones of their key
  // replace, so only repeats and falls are.
  enum class Order : std::uint8_t { dense, compacted };

  // An epoch's entry in stored state: key to_bytes(epoch), value encode_value().
  struct Entry {
    EpochName epoch;
    std::uint32_t last_sequence = 0;
    friend bool operator==(const Entry&, const Entry&) = default;
  };
  // A version byte, then the sequence, big endian.
  static constexpr std::size_t kValueBytes = 5;
  static std::array<std::uint8_t, kValueBytes> encode_value(const Entry& entry);
  // corrupt: malformed, or of another version.
  static Result<Entry> parse_entry(ByteView key, ByteView value);

  // Gaps of one epoch since the last take_gaps().
  struct Gap {
    EpochName epoch;
    std::uint64_t missing = 0;  // records
    bool head = false;          // before the first record that was seen
    friend bool operator==(const Gap&, const Gap&) = default;
  };

  explicit SequenceGuard(Order order = Order::dense) : order_(order) {}
  SequenceGuard(SequenceGuard&& other) noexcept;  // a moved-from guard is empty
  SequenceGuard& operator=(SequenceGuard&& other) noexcept;

  // ok, replayed, or too_many_epochs (its caller must stop); takes the sequence over only when ok.
  // Call it for every record that has proved authentic and for no other.
  OpenOutcome admit(const EpochName& epoch, std::uint32_t sequence) {
    if (last_ != kNone && epoch == last_epoch_) [[likely]]
      return follow(sequence);
    return admit_other(epoch, sequence);
  }
  // The same for the epoch of the last call, which it must have followed (CHECKed).
  OpenOutcome admit_next(std::uint32_t sequence) {
    CHECK(last_ != kNone);
    return follow(sequence);
  }

  // Entries that changed since the last call, for the state that is written with a commit.
  std::vector<Entry> take_changes();
  // Puts one stored entry back; before the first admit(). limit_exceeded.
  Result<> restore(const Entry& entry);
  std::size_t size() const { return size_; }
  std::size_t memory_bytes() const;

  // What is missing so far; restored with the state.
  const GapTotals& totals() const { return totals_; }
  void restore_totals(const GapTotals& totals) { totals_ = totals; }
  // One entry per epoch in a row; at most kGapsKeptMax are kept, the totals count all.
  std::vector<Gap> take_gaps();

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;
  struct Slot {
    std::uint64_t epoch = 0;
    std::uint32_t last_sequence = 0;
    std::uint16_t producer = 0;  // index in producers_
    bool used = false;
    bool changed = false;
  };
  static_assert(sizeof(Slot) == 16);

  OpenOutcome follow(std::uint32_t sequence) {
    Slot& slot = slots_[last_];
    if (sequence <= slot.last_sequence) [[unlikely]]
      return OpenOutcome::replayed;
    if (sequence != slot.last_sequence + 1) [[unlikely]]
      note_gap(sequence - slot.last_sequence - 1, false);
    slot.last_sequence = sequence;
    if (!slot.changed) mark_changed();
    return OpenOutcome::ok;
  }
  OpenOutcome admit_other(const EpochName& epoch, std::uint32_t sequence);
  void note_gap(std::uint32_t missing, bool head);  // of last_epoch_
  void mark_changed();                              // the slot last_
  // The epoch's slot, a free one for it, or kNone when there is no room; last_ is it then.
  std::uint32_t select(const EpochName& epoch);
  std::uint32_t producer_index(const crypto::Thumbprint& producer);
  std::uint32_t probe(std::uint64_t epoch, std::uint16_t producer) const;
  void grow();

  Order order_;
  std::vector<Slot> slots_;  // open addressing; a power of two, at most 7/8 full
  std::size_t size_ = 0;
  std::vector<crypto::Thumbprint> producers_;
  std::vector<std::uint32_t> changed_;  // slots
  EpochName last_epoch_;
  std::uint32_t last_ = kNone;  // slot of last_epoch_
  GapTotals totals_;
  std::vector<Gap> gaps_;
};

}  // namespace penstock::seal
