// Sealing: plaintext records of one topic become PSR-1 records. Each class is owned by one task.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/aead.h"
#include "crypto/random.h"
#include "seal/epoch.h"
#include "seal/key_source.h"
#include "seal/limits.h"
#include "seal/record.h"

namespace penstock::seal {

enum class SealOutcome : std::uint8_t {
  ok,
  epoch_used_up,  // all sequences given out: prepare() a new epoch; nothing was written
  too_large,      // body, key or path passes limits.h; nothing was written
};

// One epoch: key schedule, Base IV and, in each partition, a sequence from 0 that rises by one with
// each record. Never copied, never rewound.
class EpochSealer {
 public:
  // Where an epoch stands that did not begin here: for known answers only.
  struct Position {
    std::optional<std::int32_t> partition = std::nullopt;
    std::uint32_t next_sequence = 0;  // as many records are taken as sealed
  };
  EpochSealer(EpochId id, crypto::Aes256Gcm aead, ByteView base_iv);
  // For tests and benchmarks: ends the process when there is no memory for the key schedule.
  EpochSealer(EpochId id, const EpochKeys& keys, crypto::AeadEngine engine)
      : EpochSealer(id, keys, engine, Position{}) {}
  EpochSealer(EpochId id, const EpochKeys& keys, crypto::AeadEngine engine, Position first);
  ~EpochSealer();

  EpochId id() const { return id_; }
  std::uint64_t records() const { return records_; }  // of all partitions
  std::uint64_t records_left() const { return kEpochRecordsMax - records_; }

  // Appends one sealed record to `out`. A tombstone's body must be empty, a partition not negative
  // (CHECKed). Whatever is sealed must be written where the context says, in this order; when it
  // is not, the next record needs a new epoch.
  SealOutcome seal(const RecordContext& context, Kind kind, ByteView body, ByteBuffer& out);

  // Records of one partition, in order.
  struct Rows {
    std::optional<PackedCells> keys;  // none: all are null
    PackedCells plaintexts;           // each a Kind::body and the body (CHECKed)
    std::span<const std::int64_t> timestamps_ms;
  };
  // Seals them one after the other at `out`, which has kSealedOverheadMax bytes of room for each
  // beside its plaintext; writes where in there each ends. CHECKs that all are within limits.h and
  // no more than records_left().
  void seal_rows(std::optional<std::int32_t> partition, const Rows& rows, std::uint8_t* out,
                 std::span<std::uint32_t> ends);

 private:
  struct Scratch;
  EpochId id_;
  crypto::Aes256Gcm aead_;
  std::unique_ptr<Scratch> scratch_;
  std::uint64_t records_ = 0;
};

struct SealerOptions {
  std::string topic;
  std::string policy_id;
  std::optional<std::string> schema_reference;
  std::int64_t epoch_lifetime_s = 24 * 3600;  // then a new epoch begins; how long a grant stays
                                              // good is the policy's not_after
  crypto::AeadEngine engine = crypto::AeadEngine::best;
};

// A record for `<topic>.grants`.
struct EpochGrant {
  EpochNameBytes key{};
  ByteBuffer value;
};

// Seals for one topic under one policy. Makes its epochs itself: the first at create(), the next
// when prepare() finds the present one used up or too old.
//
//   TRY(sealer.prepare(now_ms, rows));          // once per batch
//   for (EpochGrant& g : sealer.take_grants())  // into the same commit as the records
//     commit.append(grants topic, g.key, g.value);
//   sealer.seal(...) per record
//
// The caller chooses each record's partition before it is sealed. As soon as a sealed record is not
// written (its commit was aborted, it expired, it was refused), the sealer must be destroyed with
// its task, or begin a new epoch: else readers see a gap, and its grant may not have been
// committed.
class Sealer {
 public:
  // not_found: policy; permission_denied: topic not covered, or no producer key named by the
  // policy; failed_precondition: policy expired at now_ms, schema required. `keys` is not kept;
  // `random` must outlive the sealer.
  static Result<std::unique_ptr<Sealer>> create(SealerOptions options, const KeySource& keys,
                                                crypto::RandomSource& random, std::int64_t now_ms);

  // Makes sure that `records` can be sealed now, beginning a new epoch if need be.
  Result<> prepare(std::int64_t now_ms, std::uint64_t records);
  // On request, for instance after a key was compromised.
  Result<> begin_epoch(std::int64_t now_ms);

  // Grants of epochs begun since the last call.
  std::vector<EpochGrant> take_grants();

  // One record; `context` without a path (CHECKed). CHECKs that no grant waits to be taken.
  SealOutcome seal(const RecordContext& context, ByteView body, ByteBuffer& out);
  // Many; see EpochSealer. prepare() has made sure of them.
  using Rows = EpochSealer::Rows;
  void seal_rows(std::optional<std::int32_t> partition, const Rows& rows, std::uint8_t* out,
                 std::span<std::uint32_t> ends);
  // A delete. The sealed form of a null value.
  SealOutcome seal_tombstone(const RecordContext& context, ByteBuffer& out);
  // Body padded to a multiple of `block_bytes` (at least 1), which hides its exact size.
  SealOutcome seal_padded(const RecordContext& context, ByteView body, std::uint32_t block_bytes,
                          ByteBuffer& out);
  // One field's value, as CBOR. Appends the text form to `out`: ps1:<base64url>. `context.path` is
  // mandatory (CHECKed), its partition is none (CHECKed).
  SealOutcome seal_field(const RecordContext& context, ByteView cbor, std::string& out);

  const std::string& topic() const { return options_.topic; }
  const Policy& policy() const { return policy_; }
  EpochId epoch() const { return epoch_->id(); }

 private:
  Sealer(SealerOptions options, Policy policy, crypto::P256PrivateKey producer,
         crypto::RandomSource& random);

  SealerOptions options_;
  Policy policy_;
  crypto::P256PrivateKey producer_;
  crypto::RandomSource& random_;
  std::unique_ptr<EpochSealer> epoch_;
  std::int64_t epoch_ends_s_ = 0;
  std::vector<EpochGrant> grants_;
  ByteBuffer scratch_;  // wiped after use
};

}  // namespace penstock::seal
