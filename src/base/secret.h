// Memory that holds keys.
#pragma once

#include <cstddef>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/error.h"

namespace penstock {

// Overwrites memory in a way that the compiler keeps.
void wipe(ByteSpan bytes);

// Equal without telling by time where they differ. Lengths are public.
bool equal_constant_time(ByteView a, ByteView b);

// A fixed number of secret bytes: locked into memory while the limit for locked memory lasts, left
// out of core dumps, wiped at destruction, neither copied nor printed. Movable; a moved-from one is
// empty. Cheap (some 50 ns): they share a few mappings (secret_pool.h), so there may be hundreds of
// thousands.
class SecretBuffer {
 public:
  SecretBuffer() = default;
  // Zeroed, aligned to 64 bytes. io: the system gives no memory.
  static Result<SecretBuffer> create(std::size_t size);
  static Result<SecretBuffer> create_copy(ByteView bytes);  // the caller wipes its own
  // The same for tests and for what has no way to fail: ends the process when there is no memory.
  explicit SecretBuffer(std::size_t size);
  static SecretBuffer copy_of(ByteView bytes);
  SecretBuffer(SecretBuffer&& other) noexcept;
  SecretBuffer& operator=(SecretBuffer&& other) noexcept;
  SecretBuffer(const SecretBuffer&) = delete;
  SecretBuffer& operator=(const SecretBuffer&) = delete;
  ~SecretBuffer();

  SecretBuffer clone() const { return copy_of(view()); }
  Result<SecretBuffer> create_clone() const { return create_copy(view()); }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  ByteView view() const { return {data_, size_}; }  // valid while this lives and is not moved
  ByteSpan span() { return {data_, size_}; }

 private:
  void release();

  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

// For a process that holds keys: not dumpable, not traceable by others of the same user. Returns
// whether swap is on, for the warning that the caller gives.
bool harden_process();

}  // namespace penstock

// Printing a secret does not compile.
template <>
struct fmt::formatter<penstock::SecretBuffer> {
  formatter() = delete;
};
