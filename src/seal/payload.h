// PSR-1 in the payloads of transports that have neither partitions nor timestamps: MQTT. What a
// publisher sends is either a sealed record or an epoch's grant, which comes first and now and then
// again, in the same channel (MQTT topic), so that it is there before its records are.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "seal/epoch.h"
#include "seal/record.h"
#include "seal/sealer.h"

namespace penstock::seal {

// What a record in a payload is bound to: the channel's name is its key, so that what was copied to
// another channel does not open; no timestamp, no partition. The view must outlive the context.
RecordContext payload_context(std::string_view channel);

// CBOR [epoch's name (40 bytes), grant]: what the grants topic has as key and value.
ByteBuffer encode_grant_payload(const EpochGrant& grant);

enum class PayloadKind : std::uint8_t { record, grant, other };
struct SealedPayload {
  PayloadKind kind = PayloadKind::other;
  ByteView key;    // of a grant: the epoch's name
  ByteView value;  // the record, or the grant
};
// Takes bytes, or their base64url text without padding (of publishers that send lines). Views are
// into `payload` or `scratch`. A record is not looked into, a grant not verified. other: neither of
// them, or more than limits.h takes.
SealedPayload read_payload(ByteView payload, ByteBuffer& scratch);

// What becomes of sequences where order is not the transport's to keep: per epoch each one counts
// once, gaps are not judged, and what lies kWindow or more behind the highest is refused, since it
// cannot be told from a replay. State of the reader, which stores it with what it has read: else a
// restart would take old payloads for new ones. Nothing ever drops an entry.
class PayloadGuard {
 public:
  static constexpr std::uint32_t kWindow = 1024;

  // An epoch's entry in stored state: key to_bytes(epoch), value encode_value().
  struct Entry {
    EpochName epoch;
    std::uint32_t highest = 0;
    // Sequence s of the last kWindow was seen when bit s % kWindow is set.
    std::array<std::uint64_t, kWindow / 64> seen{};
    friend bool operator==(const Entry&, const Entry&) = default;
  };
  // A version byte, the highest sequence and the words of `seen`, big endian.
  static constexpr std::size_t kValueBytes = 1 + 4 + kWindow / 8;
  static std::array<std::uint8_t, kValueBytes> encode_value(const Entry& entry);
  // corrupt: malformed, or of another version.
  static Result<Entry> parse_entry(ByteView key, ByteView value);

  // ok, replayed, or too_many_epochs (its caller must stop). Call it for every record that has
  // proved authentic and for no other.
  OpenOutcome admit(const EpochName& epoch, std::uint32_t sequence);

  // Entries that changed since the last call, for the state that is written with a commit.
  std::vector<Entry> take_changes();
  // Puts one stored entry back; before the first admit(). limit_exceeded.
  Result<> restore(const Entry& entry);
  std::size_t size() const { return windows_.size(); }

 private:
  struct Window {
    std::uint32_t highest = 0;
    bool changed = false;
    std::array<std::uint64_t, kWindow / 64> seen{};
  };
  struct Hash {
    std::size_t operator()(const EpochName& epoch) const;
  };
  std::unordered_map<EpochName, Window, Hash> windows_;
  std::vector<EpochName> changed_;
};

}  // namespace penstock::seal
