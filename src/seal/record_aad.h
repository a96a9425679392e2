// What is authenticated beside a record's plaintext, and its nonce. Inside this module only: the hot
// path of sealing and opening.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#include "base/bytes.h"
#include "crypto/aead.h"
#include "seal/record.h"

namespace penstock::seal {

inline constexpr std::size_t kProtectedBytes = 19;
// ["Encrypt0", protected, ...]: array of 3, text of 8, byte string of 19.
inline constexpr std::array<std::uint8_t, 11> kAadStart = {0x83, 0x68, 'E', 'n', 'c', 'r',
                                                           'y',  'p',  't', '0', 0x53};
// Start, protected header, and heads at their longest.
inline constexpr std::size_t kAadOverheadMax = kAadStart.size() + kProtectedBytes + 9 + 1 + 9 + 9 + 9;
// On the stack up to this; keys and paths beyond it go to the heap.
inline constexpr std::size_t kAadStackBytes = 512;

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
  return argument < 24 ? 1 : argument <= 0xff ? 2 : argument <= 0xffff ? 3
         : argument <= 0xffff'ffff ? 5 : 9;
}
// Writes a CBOR head; returns where the next byte goes.
inline std::uint8_t* put_cbor_head(std::uint8_t* at, std::uint8_t major, std::uint64_t argument) {
  auto first = static_cast<std::uint8_t>(major << 5);
  if (argument < 24) {
    *at = first | static_cast<std::uint8_t>(argument);
    return at + 1;
  }
  std::size_t more = cbor_head_bytes(argument) - 1;
  *at++ = first | static_cast<std::uint8_t>(24 + std::countr_zero(more));
  for (std::size_t i = more; i > 0; --i) *at++ = static_cast<std::uint8_t>(argument >> (8 * (i - 1)));
  return at;
}

inline std::size_t aad_bytes_max(const RecordContext& context) {
  return kAadOverheadMax + context.key.size + (context.path ? context.path->size() : 0);
}

// Writes the structure for `protected_header` (19 bytes) and returns its size.
inline std::size_t write_aad(const RecordContext& context, const std::uint8_t* protected_header,
                             std::uint8_t* out) {
  constexpr std::uint8_t kArrayOf3 = 0x83, kNull = 0xf6;
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

  std::uint8_t* at = out;
  std::memcpy(at, kAadStart.data(), kAadStart.size());
  at += kAadStart.size();
  std::memcpy(at, protected_header, kProtectedBytes);
  at += kProtectedBytes;
  at = put_cbor_head(at, kBytes, external);
  *at++ = kArrayOf3;
  if (has_key) {
    at = put_cbor_head(at, kBytes, context.key.size);
    std::memcpy(at, context.key.data, context.key.size);
    at += context.key.size;
  } else {
    *at++ = kNull;
  }
  if (context.timestamp_ms) at = put_cbor_head(at, negative ? kNegative : kUnsigned, time);
  else *at++ = kNull;
  if (context.path) {
    at = put_cbor_head(at, kText, context.path->size());
    std::memcpy(at, context.path->data(), context.path->size());
    at += context.path->size();
  } else {
    *at++ = kNull;
  }
  return static_cast<std::size_t>(at - out);
}

using Nonce = std::array<std::uint8_t, crypto::kGcmNonceBytes>;

// Base IV xor (8 zero bytes || sequence).
inline Nonce nonce_of(const Nonce& base_iv, std::uint32_t sequence) {
  Nonce nonce = base_iv;
  store_u32(nonce.data() + 8, load_u32(nonce.data() + 8) ^ sequence);
  return nonce;
}

// Writes all of a record that precedes its ciphertext; returns its size. `out` has room for
// kSealedOverheadMax bytes; the protected header lies at out + kProtectedAt.
inline constexpr std::size_t kProtectedAt = 3;
std::size_t write_record_head(EpochId epoch, std::uint32_t sequence, std::size_t ciphertext_bytes,
                              std::uint8_t* out);

// The AAD in stack memory, or for large keys in `spill`.
class RecordAad {
 public:
  RecordAad(const RecordContext& context, const std::uint8_t* protected_header,
            ByteBuffer& spill) {
    std::size_t bytes_max = aad_bytes_max(context);
    std::uint8_t* memory = stack_;
    if (bytes_max > kAadStackBytes) [[unlikely]] {
      if (spill.size() < bytes_max) spill.resize(bytes_max);
      memory = spill.data();
    }
    view_ = {memory, write_aad(context, protected_header, memory)};
  }
  RecordAad(const RecordAad&) = delete;
  RecordAad& operator=(const RecordAad&) = delete;
  ByteView view() const { return view_; }

 private:
  std::uint8_t stack_[kAadStackBytes];
  ByteView view_;
};

}  // namespace penstock::seal
