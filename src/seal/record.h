// The bytes of one sealed record (COSE_Encrypt0): D0 83 53 <19 bytes> A0 <byte string>.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "seal/epoch.h"

namespace penstock::seal {

// First byte of every plaintext.
enum class Kind : std::uint8_t {
  body = 0,       // as the format wrote it
  tombstone = 1,  // a delete; no body
  padded = 2,     // body || 0x80 || zeros
  field = 3,      // the value of one field, as CBOR
};

// What became of a record that was to be opened. The list is closed; names are stable.
enum class OpenOutcome : std::uint8_t {
  ok,
  tombstone,      // opened: the record deletes its key
  bare_null,      // a null value on a sealed topic: anybody could have written it
  malformed,      // not a sealed record in its one allowed form
  too_large,      // passes a bound of limits.h
  unknown_epoch,  // no grant for its epoch (or not yet)
  not_authentic,  // key, timestamp, path, partition or bytes differ from what was sealed
  unknown_kind,   // authentic, but of a kind that is not taken here
  bad_padding,    // authentic, but its padding is broken
  replayed,       // authentic, but its sequence does not rise within its epoch and partition
  no_keys,  // the keys of its epoch could not be had now: the reader must stop, since it may be
            // authentic
  too_many_epochs,  // authentic, but its partition has more epochs than can be followed: the reader
                    // must stop, no authentic record is passed over
};
inline constexpr std::size_t kOpenOutcomes = 12;

// Stable name, for dead letters and metrics: "ok", "tombstone", "sealed_bare_null",
// "sealed_malformed", "sealed_not_authentic", ...
std::string_view reason_code(OpenOutcome outcome);
// One sentence for people, without any value.
std::string_view explain(OpenOutcome outcome);
inline bool is_opened(OpenOutcome o) {
  return o == OpenOutcome::ok || o == OpenOutcome::tombstone;
}

// What a record is bound to beside its bytes. The raw key, the record's own timestamp (Kafka's
// CreateTime, the embedded log's), for a field its path, and the partition that it is written to.
struct RecordContext {
  Slice key;                                 // null: the record has no key
  std::optional<std::int64_t> timestamp_ms;  // none: the transport has none
  std::optional<std::string_view> path;      // only for fields
  std::optional<std::int32_t> partition;     // from 0; none: the transport has none, and fields
};

// A record taken apart, by view.
struct SealedRecord {
  EpochId epoch;
  std::uint32_t sequence = 0;
  ByteView protected_header;  // 19 bytes
  ByteView ciphertext;        // with its tag; at least 17 bytes
};
// False unless `bytes` is exactly one record in its one allowed form with a kind byte inside.
[[nodiscard]] bool parse_record(ByteView bytes, SealedRecord& out);

// The epoch a sealed record names, for tools; none when malformed.
std::optional<EpochId> epoch_of(ByteView sealed);

// Bytes that sealing `body_bytes` adds at most.
inline constexpr std::size_t kSealedOverheadMax = 3 + 19 + 1 + 5 + 1 + 16;

}  // namespace penstock::seal
