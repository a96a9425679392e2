// AES-256-GCM (NIST SP 800-38D) for many small messages under one key: 12-byte nonces, 16-byte
// tags.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "base/check.h"
#include "base/secret.h"

namespace penstock::crypto {

inline constexpr std::size_t kGcmKeyBytes = 32;
inline constexpr std::size_t kGcmNonceBytes = 12;
inline constexpr std::size_t kGcmTagBytes = 16;

// Which code does the work. Both give equal results.
enum class AeadEngine : std::uint8_t {
  best,       // libipsec-mb where the processor has what it needs, else libcrypto
  ipsec_mb,   // the former only; CHECKs that it is available
  libcrypto,  // EVP with the cipher fetched once and only the nonce set per message
};

struct GcmFunctions;  // libipsec-mb's

// Whether libipsec-mb can be used on this processor.
bool ipsec_mb_available();

// What a thread needs beside a key schedule that threads share: parts of its last message.
class GcmScratch {
 public:
  static Result<GcmScratch> create();  // io: no memory for secrets

 private:
  friend class Aes256Gcm;
  explicit GcmScratch(SecretBuffer memory) : memory_(std::move(memory)) {}
  SecretBuffer memory_;
};

// The key schedule of one key, built once. Owned by one thread at a time, since calls use scratch
// memory inside; but for open_shared(). The schedule and scratch lie in locked memory (libcrypto's
// are wiped but not locked). No allocation, lock or system call per message.
class Aes256Gcm {
 public:
  // key: kGcmKeyBytes; copied into the schedule, the caller wipes its own. io: no
  // memory.
  static Result<Aes256Gcm> create(ByteView key, AeadEngine engine = AeadEngine::best);
  // The same for tests and benchmarks: ends the process when there is no memory.
  explicit Aes256Gcm(ByteView key, AeadEngine engine = AeadEngine::best);
  ~Aes256Gcm();
  Aes256Gcm(Aes256Gcm&&) noexcept;
  Aes256Gcm& operator=(Aes256Gcm&&) noexcept;

  // Writes ciphertext || tag: out.size() == plaintext.size() + kGcmTagBytes. In place is allowed
  // (out.data() == plaintext.data()); other overlaps are not. A nonce must never be used twice.
  void seal(ByteView nonce, ByteView aad, ByteView plaintext, ByteSpan out) {
    CHECK(nonce.size() == kGcmNonceBytes);
    CHECK(out.size() == plaintext.size() + kGcmTagBytes);
    seal_bytes(nonce.data(), aad, plaintext, out.data());
  }

  // Writes the plaintext: out.size() == sealed.size() - kGcmTagBytes; in place is allowed. False
  // when the tag does not match or sealed is shorter than a tag; out is wiped then.
  [[nodiscard]] bool open(ByteView nonce, ByteView aad, ByteView sealed, ByteSpan out) {
    return open_with(nonce, aad, sealed, out, nullptr);
  }
  // The same for any number of threads at once, each with a scratch of its own, while no thread
  // calls seal() or open(). With libcrypto they take turns.
  [[nodiscard]] bool open_shared(ByteView nonce, ByteView aad, ByteView sealed, ByteSpan out,
                                 GcmScratch& scratch) const {
    return open_with(nonce, aad, sealed, out, &scratch);
  }

 private:
  struct Evp;  // libcrypto's contexts
  Aes256Gcm();
  // scratch null: our own, so nobody else is opening.
  bool open_with(ByteView nonce, ByteView aad, ByteView sealed, ByteSpan out,
                 GcmScratch* scratch) const {
    CHECK(nonce.size() == kGcmNonceBytes);
    if (sealed.size() < kGcmTagBytes) [[unlikely]] {
      wipe(out);
      return false;
    }
    CHECK(out.size() == sealed.size() - kGcmTagBytes);
    return open_bytes(nonce.data(), aad, sealed, out.data(), scratch);
  }
  // Of arguments that fit registers: spans that go through the stack are stored in halves and
  // loaded whole, which costs several ns each.
  void seal_bytes(const std::uint8_t* nonce, ByteView aad, ByteView plaintext, std::uint8_t* out);
  bool open_bytes(const std::uint8_t* nonce, ByteView aad, ByteView sealed, std::uint8_t* out,
                  GcmScratch* scratch) const;
  const GcmFunctions* direct_ = nullptr;  // libipsec-mb's; null: libcrypto does the work
  SecretBuffer memory_;                   // their schedule and scratch
  std::unique_ptr<Evp> evp_;
};

}  // namespace penstock::crypto
