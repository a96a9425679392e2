// A key epoch of a sealed topic: what all records sealed by one producer in one run share.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

#include "base/secret.h"
#include "base/strong.h"
#include "crypto/ec.h"
#include "seal/policy.h"

namespace penstock::seal {

// 8 random bytes; the value is their big-endian reading.
struct EpochIdTag;
using EpochId = Strong<EpochIdTag, std::uint64_t>;
inline constexpr std::size_t kEpochIdBytes = 8;
inline constexpr std::size_t kEpochSecretBytes = 32;
inline constexpr std::size_t kCommitBytes = 32;
using EpochIdBytes = std::array<std::uint8_t, kEpochIdBytes>;
EpochIdBytes to_bytes(EpochId id);
Result<EpochId> epoch_id_from(ByteView bytes);  // exactly 8

// An epoch's name, in guards, tables and grants: anybody may choose an id that another producer has
// chosen, nobody can sign for another producer.
struct EpochName {
  crypto::Thumbprint producer{};
  EpochId epoch{};
  // The thumbprints word by word: compilers call memcmp for as many bytes, and records ask.
  friend bool operator==(const EpochName& a, const EpochName& b) {
    std::uint64_t x[4], y[4];
    static_assert(sizeof x == sizeof a.producer);
    std::memcpy(x, a.producer.data(), sizeof x);
    std::memcpy(y, b.producer.data(), sizeof y);
    return a.epoch == b.epoch &&
           ((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3])) == 0;
  }
};
// epoch id || producer thumbprint: the key of the epoch's grant.
inline constexpr std::size_t kEpochNameBytes = kEpochIdBytes + 32;
using EpochNameBytes = std::array<std::uint8_t, kEpochNameBytes>;
EpochNameBytes to_bytes(const EpochName& name);
Result<EpochName> epoch_name_from(ByteView bytes);  // exactly 40
std::string to_text(const EpochName& name);         // hex of id, '/', hex of the thumbprint

// What the epoch's keys are bound to.
struct EpochContext {
  std::string topic;
  std::optional<std::string> schema_reference;  // as the schema registry names it
  crypto::Thumbprint producer{};
  std::string policy_id;
  PolicyDigest policy_digest{};
  friend bool operator==(const EpochContext&, const EpochContext&) = default;
};
ByteBuffer encode_context(const EpochContext& context);
Result<EpochContext> parse_context(ByteView cbor);

// key (32) || Base IV (12) || commit (32), derived by HKDF-SHA-512 from the epoch's secret.
class EpochKeys {
 public:
  // `context`: encoded. io: no memory for secrets.
  static Result<EpochKeys> derive(ByteView secret, EpochId id, ByteView context);
  ByteView key() const { return derived_.view().first(32); }
  ByteView base_iv() const { return derived_.view().subspan(32, 12); }
  ByteView commit() const { return derived_.view().last(kCommitBytes); }

 private:
  explicit EpochKeys(SecretBuffer derived) : derived_(std::move(derived)) {}
  SecretBuffer derived_;
};

}  // namespace penstock::seal
