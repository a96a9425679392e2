// Opening: PSR-1 records of one topic become plaintext again. Owned by one task.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "crypto/aead.h"
#include "seal/epoch.h"
#include "seal/epoch_store.h"
#include "seal/key_source.h"
#include "seal/payload.h"
#include "seal/plaintext_memory.h"
#include "seal/record.h"
#include "seal/sequence_guard.h"

namespace penstock::seal {

class NoncePlace;  // record_codec.h

struct OpenerOptions {
  std::string topic;
  std::string policy_id;
  crypto::AeadEngine engine = crypto::AeadEngine::best;
};

// Where a record's plaintext lies in the buffer of its batch.
struct Opened {
  std::uint32_t offset = 0;
  std::uint32_t size = 0;  // without kind byte and padding
  OpenOutcome outcome = OpenOutcome::malformed;
  std::uint16_t epoch = UINT16_MAX;  // see OpenedBatch::epoch_of()
};

// Readable bytes that a batch buffer must have behind the last plaintext, for scanners.
inline constexpr std::size_t kOpenPadding = 64;

// Plaintexts of a batch, one after the other, each followed by a newline: "\n" body "\n" body "\n".
// Records that did not open take no space. The caller owns the memory, uses it again for the next
// batch, and wipes it when none follows.
class OpenedBatch {
 public:
  // Makes room for a batch whose sealed values have `sealed_bytes` in all and whose rows are
  // `rows`. Allocates only when the memory is too small; wipes what it gives up.
  void reset(std::size_t sealed_bytes, std::size_t rows);
  void forget();  // the rows: the next batch takes the place of the plaintexts, or wipe() comes
  void wipe();    // the plaintexts of all batches so far; rows are forgotten

  std::span<const Opened> rows() const { return rows_; }
  ByteView bytes_of(std::size_t row) const {
    return {memory_.data() + rows_[row].offset, rows_[row].size};
  }
  // All plaintexts with their newlines; kOpenPadding zero bytes follow.
  ByteView text() const { return {memory_.data(), end_}; }
  std::size_t refused() const { return refused_; }  // rows that are not is_opened()
  // Under which the row's record is authentic, opened or not; null: under none that is known.
  const EpochName* epoch_of(std::size_t row) const {
    return rows_[row].epoch != UINT16_MAX ? &epochs_[rows_[row].epoch] : nullptr;
  }

  OpenedBatch() = default;
  ~OpenedBatch() { wipe(); }
  OpenedBatch(OpenedBatch&&) = default;
  OpenedBatch& operator=(OpenedBatch&&) = delete;

 private:
  friend class Opener;
  void finish();
  std::uint16_t note_epoch(const EpochName& epoch) {
    if (epochs_.empty() || epochs_.back() != epoch) [[unlikely]]
      epochs_.push_back(epoch);
    return static_cast<std::uint16_t>(std::min<std::size_t>(epochs_.size() - 1, UINT16_MAX));
  }

  PlaintextMemory memory_;
  std::vector<Opened> rows_;
  std::vector<EpochName> epochs_;  // one per run of rows; those beyond 65,535 runs are not named
  std::size_t end_ = 0;
  std::size_t used_ = 0;  // bytes that may hold plaintexts of batches before
  std::size_t refused_ = 0;
};

class Opener {
 public:
  // With epochs of its own, which add_grant() brings. not_found: policy; permission_denied: topic
  // not covered, or no reader key. `keys` is not kept.
  static Result<std::unique_ptr<Opener>> create(OpenerOptions options, const KeySource& keys);
  // With those of its process. now_ms as set_time().
  static Result<std::unique_ptr<Opener>> create(std::shared_ptr<EpochStore> epochs,
                                                std::int64_t now_ms);
  ~Opener();

  // Takes a record of `<topic>.grants`: `key` must be its epoch's name. It is verified at once.
  // Errors as of open_grant(); a refused grant changes nothing and its records stay unknown_epoch.
  // The same grant again is taken without effect; another for a known epoch is already_exists.
  // Returns the epoch. Only with epochs of its own (CHECKed).
  Result<EpochName> add_grant(ByteView key, ByteView grant, std::int64_t now_ms);
  const EpochStore& epochs() const { return *epochs_; }

  // Epochs whose grant has ended open nothing from now on; once in a while, not per record. Guards
  // keep them: the clock may be wrong.
  void set_time(std::int64_t now_ms);
  // What is opened from now on was written before `fetched`, and its grants too: the first record
  // that does not open has the grants read up to there.
  void fetched_at(std::chrono::steady_clock::time_point fetched) { grants_since_ = fetched; }
  // Why a record was no_keys; the reader must stop.
  const std::optional<Error>& trouble() const { return trouble_; }

  // A batch of one partition in log order. Keys, values and timestamps are parallel.
  struct Batch {
    std::span<const Slice> keys, values;
    std::span<const std::int64_t> timestamps_ms;
    std::optional<std::int32_t> partition;
  };
  // Opens a batch; `out` is reset first.
  void open_batch(const Batch& batch, SequenceGuard& guard, OpenedBatch& out);
  // Whether a grant that is not known yet may open records that did not open.
  static bool may_open_later(OpenOutcome outcome) {
    return outcome == OpenOutcome::unknown_epoch || outcome == OpenOutcome::not_authentic;
  }

  // Opens one record of a partition; appends its body to `out`.
  OpenOutcome open(const RecordContext& context, ByteView sealed, SequenceGuard& guard,
                   ByteBuffer& out);
  // A record out of a payload (payload.h), with the guard of its reader.
  OpenOutcome open(const RecordContext& context, ByteView sealed, PayloadGuard& guard,
                   ByteBuffer& out);
  // The same where records do not come in the order of their partition: dead letters, look-ups,
  // tools that start in the middle. Replays are not found.
  OpenOutcome open_in_any_order(const RecordContext& context, ByteView sealed, ByteBuffer& out);
  // Appends a field's CBOR; `text` is ps1:<base64url>; `context.path` is mandatory (CHECKed).
  OpenOutcome open_field(const RecordContext& context, std::string_view text, ByteBuffer& out);

  const std::string& topic() const { return epochs_->topic(); }
  const Policy& policy() const { return epochs_->policy(); }

 private:
  class KeptGrants;
  struct Pending;  // a record taken apart, its epoch found, its AAD written
  // What decrypt() wrote: a kind byte, the body, and for padded records what padded it.
  struct Plain {
    std::size_t size = 0;  // of the body
    std::size_t written = 0;
    const OpenEpoch* epoch = nullptr;  // under which it is authentic; else null
  };
  // An epoch used lately, held while the store may drop it.
  struct Slot {
    EpochId id;
    OpenEpochPtr epoch;
  };
  Opener(std::unique_ptr<KeptGrants> kept, std::shared_ptr<EpochStore> epochs,
         crypto::GcmScratch scratch, std::int64_t now_s);

  // An epoch with this id; there may be others. Null: none is known now.
  const OpenEpoch* find(EpochId id);
  void remember(EpochId id, OpenEpochPtr epoch);
  // Tries all epochs with the record's id, then those whose grants have come since. ok,
  // unknown_epoch, not_authentic or no_keys.
  OpenOutcome open_otherwise(Pending& record, ByteSpan plaintext);
  // Opening is in two steps, so that a batch can take the first for the next record before the
  // second for this one: the cipher then never waits for bytes that were just written. The first:
  void take_apart(const RecordContext& context, ByteView sealed, Pending& out);
  // All of it but the AAD; returns the record's protected header, null when it can't be opened.
  const std::uint8_t* parse(ByteView sealed, std::size_t key_bytes, NoncePlace place, Pending& out);
  // Writes kind || body at `at`, which has room for the ciphertext. When it is not opened, nothing
  // of the plaintext stays there. Fields open only where fields are expected.
  // Whatever the outcome, `plain.epoch` is set when the record is authentic.
  OpenOutcome decrypt(Pending& record, std::uint8_t* at, Plain& plain);
  static OpenOutcome after_guard(OpenOutcome opened, OpenOutcome admitted);
  // Guard: SequenceGuard or PayloadGuard; null: none.
  template <typename Guard>
  OpenOutcome open_apart(const RecordContext& context, ByteView sealed, Guard* guard,
                         ByteBuffer& out);
  // The second, for a batch's row whose plaintext comes behind `newline`. Returns how far the next
  // row's is from there.
  std::size_t end_row(Pending& record, std::uint8_t* newline, SequenceGuard& guard,
                      OpenedBatch& out, Opened& row);
  // The guard's answer to an authentic record whose epoch may differ from that of the row before.
  OpenOutcome begin_run(const Pending& record, const Plain& plain, OpenOutcome opened,
                        SequenceGuard& guard, OpenedBatch& out);

  std::unique_ptr<KeptGrants> kept_;  // null: the epochs are the process's
  std::shared_ptr<EpochStore> epochs_;
  crypto::GcmScratch scratch_;
  std::int64_t now_s_;
  std::optional<std::chrono::steady_clock::time_point> grants_since_;  // none: they are current
  std::optional<Error> trouble_;
  std::array<Slot, 16> slots_;
  Slot* last_ = nullptr;
  // The last few that left their slots: records that were taken apart may still point to them.
  std::array<OpenEpochPtr, 8> retired_;
  std::size_t retirements_ = 0;
  std::unique_ptr<std::array<Pending, 2>> pending_;
  // The epoch of a batch's last authentic row, which is its guard's last too; it is held while it
  // stands here.
  struct Run {
    const OpenEpoch* epoch = nullptr;
    std::uint16_t name = UINT16_MAX;  // as Opened::epoch
  };
  Run run_;
};

}  // namespace penstock::seal
