// The bytes of a record: its head, what is authenticated beside its plaintext, its nonce. Inside
// this module only: the hot path of sealing and opening.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>

#include "base/bytes.h"
#include "crypto/aead.h"
#include "seal/record.h"

namespace penstock::seal {

inline constexpr std::size_t kProtectedBytes = 19;
inline constexpr std::string_view kFieldPrefix = "ps1:";  // of a field's text
inline constexpr std::int64_t kMsPerS = 1000;
// ["Encrypt0", protected, ...]: array of 3, text of 8, byte string of 19.
inline constexpr std::array<std::uint8_t, 11> kAadStart = {0x83, 0x68, 'E', 'n', 'c', 'r',
                                                           'y',  'p',  't', '0', 0x53};
// Start, protected header, and heads at their longest.
inline constexpr std::size_t kAadOverheadMax =
    kAadStart.size() + kProtectedBytes + 9 + 1 + 9 + 9 + 9 + 5;

inline std::uint32_t load_u32(const std::uint8_t* at) {
  std::uint32_t value;
  std::memcpy(&value, at, sizeof value);
  return std::byteswap(value);
}
inline std::uint64_t load_u64(const std::uint8_t* at) {
  std::uint64_t value;
  std::memcpy(&value, at, sizeof value);
  return std::byteswap(value);
}
inline void store_u32(std::uint8_t* at, std::uint32_t value) {
  value = std::byteswap(value);
  std::memcpy(at, &value, sizeof value);
}
inline void store_u64(std::uint8_t* at, std::uint64_t value) {
  value = std::byteswap(value);
  std::memcpy(at, &value, sizeof value);
}

inline std::size_t cbor_head_bytes(std::uint64_t argument) {
  return argument < 24             ? 1
         : argument <= 0xff        ? 2
         : argument <= 0xffff      ? 3
         : argument <= 0xffff'ffff ? 5
                                   : 9;
}
// Writes a CBOR head; returns where the next byte goes.
inline std::uint8_t* put_cbor_head(std::uint8_t* at, std::uint8_t major, std::uint64_t argument) {
  auto first = static_cast<std::uint8_t>(major << 5);
  if (argument < 24) {
    *at = first | static_cast<std::uint8_t>(argument);
    return at + 1;
  }
  if (argument <= 0xff) [[likely]] {
    at[0] = first | 24;
    at[1] = static_cast<std::uint8_t>(argument);
    return at + 2;
  }
  std::size_t more = cbor_head_bytes(argument) - 1;
  *at++ = first | static_cast<std::uint8_t>(24 + std::countr_zero(more));
  for (std::size_t i = more; i > 0; --i)
    *at++ = static_cast<std::uint8_t>(argument >> (8 * (i - 1)));
  return at;
}

inline std::size_t aad_bytes_max(const RecordContext& context) {
  return kAadOverheadMax + context.key.size + (context.path ? context.path->size() : 0);
}

// Writes the structure for `protected_header` (19 bytes) and returns its size.
inline std::size_t write_aad(const RecordContext& context, const std::uint8_t* protected_header,
                             std::uint8_t* out) {
  constexpr std::uint8_t kArrayOf4 = 0x84, kNull = 0xf6;
  constexpr std::uint8_t kUnsigned = 0, kNegative = 1, kBytes = 2, kText = 3;
  bool has_key = context.key.data != nullptr;
  bool negative = context.timestamp_ms && *context.timestamp_ms < 0;
  std::uint64_t time = 0;
  if (context.timestamp_ms)
    time = negative ? ~static_cast<std::uint64_t>(*context.timestamp_ms)
                    : static_cast<std::uint64_t>(*context.timestamp_ms);
  std::size_t external = 1;
  external += has_key ? cbor_head_bytes(context.key.size) + context.key.size : 1;
  external += context.timestamp_ms ? cbor_head_bytes(time) : 1;
  external += context.path ? cbor_head_bytes(context.path->size()) + context.path->size() : 1;
  auto partition = static_cast<std::uint32_t>(context.partition.value_or(0));
  external += context.partition ? cbor_head_bytes(partition) : 1;

  std::uint8_t* at = out;
  std::memcpy(at, kAadStart.data(), kAadStart.size());
  at += kAadStart.size();
  std::memcpy(at, protected_header, kProtectedBytes);
  at += kProtectedBytes;
  at = put_cbor_head(at, kBytes, external);
  *at++ = kArrayOf4;
  if (has_key) {
    at = put_cbor_head(at, kBytes, context.key.size);
    std::memcpy(at, context.key.data, context.key.size);
    at += context.key.size;
  } else {
    *at++ = kNull;
  }
  if (context.timestamp_ms)
    at = put_cbor_head(at, negative ? kNegative : kUnsigned, time);
  else
    *at++ = kNull;
  if (context.path) {
    at = put_cbor_head(at, kText, context.path->size());
    std::memcpy(at, context.path->data(), context.path->size());
    at += context.path->size();
  } else {
    *at++ = kNull;
  }
  if (context.partition)
    at = put_cbor_head(at, kUnsigned, partition);
  else
    *at++ = kNull;
  return static_cast<std::size_t>(at - out);
}

// A partition's part of all its nonces.
class NoncePlace {
 public:
  explicit NoncePlace(std::optional<std::int32_t> partition)
      : bits_(std::uint64_t{
                  std::byteswap(partition ? static_cast<std::uint32_t>(*partition) : kNoPartition)}
              << 32) {}
  std::uint64_t bits() const { return bits_; }

 private:
  static constexpr std::uint32_t kNoPartition = 0xffff'ffff;
  std::uint64_t bits_;
};

// A nonce as it is handed to the cipher. Sixteen bytes of which twelve count: it is made and stored
// in one piece, because loading what was just stored in parts costs 10 ns per record.
class Nonce {
 public:
  Nonce() = default;
  // base_iv: 12 bytes.
  explicit Nonce(ByteView base_iv) { std::memcpy(&block_, base_iv.data(), crypto::kGcmNonceBytes); }

  // This Base IV xor (4 zero bytes || partition || sequence).
  Nonce with(NoncePlace place, std::uint32_t sequence) const {
    static_assert(std::endian::native == std::endian::little);
    Nonce out;
    out.block_ = block_ ^ Block { place.bits(), std::byteswap(sequence) };
    return out;
  }
  Nonce with(std::optional<std::int32_t> partition, std::uint32_t sequence) const {
    return with(NoncePlace(partition), sequence);
  }
  ByteView view() const {
    return {reinterpret_cast<const std::uint8_t*>(&block_), crypto::kGcmNonceBytes};
  }

 private:
  using Block [[gnu::vector_size(16)]] = std::uint64_t;
  Block block_{};
};

// Tag 16, array of 3, byte string of 19, map of 3, 1: 3, 4: byte string of 8.
inline constexpr std::array<std::uint8_t, 8> kStart = {0xd0, 0x83, 0x53, 0xa3,
                                                       0x01, 0x03, 0x04, 0x48};
inline constexpr std::size_t kProtectedAt = 3;
inline constexpr std::size_t kEpochAt = 8;
inline constexpr std::size_t kSequenceLabelAt = 16;  // 6: byte string of 4
inline constexpr std::size_t kSequenceAt = 18;
inline constexpr std::size_t kUnprotectedAt = 22;
inline constexpr std::size_t kCiphertextHeadAt = 23;
inline constexpr std::size_t kCiphertextBytesMin = 1 + crypto::kGcmTagBytes;
inline constexpr std::size_t kSealedBytesMin = kCiphertextHeadAt + 1 + kCiphertextBytesMin;

// Writes all of a record that precedes its ciphertext; returns its size. `out` has room for
// kSealedOverheadMax bytes; the protected header lies at out + kProtectedAt.
inline std::size_t write_record_head(EpochId epoch, std::uint32_t sequence,
                                     std::size_t ciphertext_bytes, std::uint8_t* out) {
  constexpr std::uint8_t kBytes = 2;
  std::memcpy(out, kStart.data(), kStart.size());
  store_u64(out + kEpochAt, epoch.value());
  out[kSequenceLabelAt] = 0x06;
  out[kSequenceLabelAt + 1] = 0x44;
  store_u32(out + kSequenceAt, sequence);
  out[kUnprotectedAt] = 0xa0;
  return static_cast<std::size_t>(put_cbor_head(out + kCiphertextHeadAt, kBytes, ciphertext_bytes) -
                                  out);
}

// Bytes of a byte string's shortest head when it and its content fill `rest` exactly; else 0.
inline std::size_t ciphertext_head(const std::uint8_t* at, std::size_t rest) {
  switch (at[0]) {
    case 0x58:
      return at[1] >= 24 && rest == std::size_t{2} + at[1] ? 2 : 0;
    case 0x59: {
      std::size_t size = static_cast<std::size_t>(at[1]) << 8 | at[2];
      return size > 0xff && rest == 3 + size ? 3 : 0;
    }
    case 0x5a: {
      std::size_t size = load_u32(at + 1);
      return size > 0xffff && rest == 5 + size ? 5 : 0;
    }
    default:
      return (at[0] & 0xe0) == 0x40 && (at[0] & 0x1f) < 24 &&
                     rest == std::size_t{1} + (at[0] & 0x1f)
                 ? 1
                 : 0;
  }
}

// parse_record() where a call would cost.
[[gnu::always_inline]] inline bool parse_record_here(ByteView bytes, SealedRecord& out) {
  if (bytes.size() < kSealedBytesMin) return false;
  const std::uint8_t* at = bytes.data();
  if (std::memcmp(at, kStart.data(), kStart.size()) != 0) return false;
  if (at[kSequenceLabelAt] != 0x06 || at[kSequenceLabelAt + 1] != 0x44) return false;
  if (at[kUnprotectedAt] != 0xa0) return false;
  std::size_t head = ciphertext_head(at + kCiphertextHeadAt, bytes.size() - kCiphertextHeadAt);
  if (head == 0) return false;
  out.epoch = EpochId(load_u64(at + kEpochAt));
  out.sequence = load_u32(at + kSequenceAt);
  out.protected_header = bytes.subspan(kProtectedAt, kProtectedBytes);
  out.ciphertext = bytes.subspan(kCiphertextHeadAt + head);
  return out.ciphertext.size() >= kCiphertextBytesMin;
}

// Keys are mostly shorter than a call to copy them.
inline void copy_key(std::uint8_t* to, const Slice& key) {
  const std::uint8_t* from = key.data;
  const std::size_t size = key.size;
  const auto copy_ends = [&]<typename Part>(Part first, Part last) {
    std::memcpy(&first, from, sizeof first);
    std::memcpy(&last, from + size - sizeof last, sizeof last);
    std::memcpy(to, &first, sizeof first);
    std::memcpy(to + size - sizeof last, &last, sizeof last);
  };
  if (size > 16) [[unlikely]]
    std::memcpy(to, from, size);
  else if (size >= 8)
    copy_ends(std::uint64_t{}, std::uint64_t{});
  else if (size >= 4)
    copy_ends(std::uint32_t{}, std::uint32_t{});
  else
    for (std::size_t i = 0; i < size; ++i) to[i] = from[i];
}

// Memory for one record's AAD, used again for the next; keys that do not fit go to the heap. What
// it gives is valid until the next call or move.
class AadMemory {
 public:
  // Of any record.
  ByteView write(const RecordContext& context, const std::uint8_t* protected_header) {
    last_key_bytes_ = kNone;
    std::uint8_t* memory = memory_for(context);
    return {memory, write_aad(context, protected_header, memory)};
  }
  // Of records of one partition, none of them a field: begin(), then each. Where a record has all
  // in the places of the one before it, only its own bytes are written.
  void begin(std::optional<std::int32_t> partition) {
    last_key_bytes_ = kNone;
    partition_ = partition;
  }
  [[gnu::always_inline]] ByteView next(const Slice& key, std::int64_t timestamp_ms,
                                       const std::uint8_t* protected_header) {
    if (!has_places_of_last(key, timestamp_ms)) [[unlikely]]
      return next_anew(key, timestamp_ms, protected_header);
    std::memcpy(small_ + kAadStart.size(), protected_header, kProtectedBytes);
    return next_rest(key, timestamp_ms);
  }
  // The same where since begin() all are of one epoch, so that of headers, which may have been
  // written just now, only the sequence differs.
  [[gnu::always_inline]] ByteView next(const Slice& key, std::int64_t timestamp_ms,
                                       const std::uint8_t* protected_header,
                                       std::uint32_t sequence) {
    if (!has_places_of_last(key, timestamp_ms)) [[unlikely]]
      return next_anew(key, timestamp_ms, protected_header);
    store_u32(small_ + kAadStart.size() + kSequenceAt - kProtectedAt, sequence);
    return next_rest(key, timestamp_ms);
  }

 private:
  static constexpr std::size_t kSmallBytes = 512;
  static constexpr std::size_t kTimeBytes = 9;
  static constexpr std::size_t kNone = SIZE_MAX;

  // Times since 1970 that take more than 32 bits, as all since February 1970 do.
  static bool is_usual(std::int64_t timestamp_ms) { return timestamp_ms > 0xffff'ffff; }
  std::uint8_t* memory_for(const RecordContext& context) {
    const std::size_t bytes_max = aad_bytes_max(context);
    if (bytes_max <= sizeof small_) [[likely]]
      return small_;
    if (large_.size() < bytes_max) large_.resize(bytes_max);
    return large_.data();
  }
  bool has_places_of_last(const Slice& key, std::int64_t timestamp_ms) const {
    return key.size == last_key_bytes_ && key.is_null() == last_key_is_null_ &&
           is_usual(timestamp_ms);
  }
  [[gnu::always_inline]] ByteView next_rest(const Slice& key, std::int64_t timestamp_ms) {
    copy_key(small_ + time_at_ - key.size, key);
    store_u64(small_ + time_at_ + 1, static_cast<std::uint64_t>(timestamp_ms));
    return {small_, last_bytes_};
  }
  ByteView next_anew(const Slice& key, std::int64_t timestamp_ms,
                     const std::uint8_t* protected_header);

  std::uint8_t small_[kSmallBytes];
  ByteBuffer large_;
  std::optional<std::int32_t> partition_;
  // Of what next() left in small_.
  std::size_t last_key_bytes_ = kNone;  // none: nothing that the next may keep
  bool last_key_is_null_ = true;
  std::size_t last_bytes_ = 0;
  std::size_t time_at_ = 0;
};

}  // namespace penstock::seal
