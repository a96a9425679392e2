#include "base/secret.h"

#include <sys/prctl.h>

#include <cstring>
#include <fstream>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/secret_pool.h"

namespace penstock {

void wipe(ByteSpan bytes) {
  if (!bytes.empty()) explicit_bzero(bytes.data(), bytes.size());
}

bool equal_constant_time(ByteView a, ByteView b) {
  if (a.size() != b.size()) return false;
  volatile std::uint8_t difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) difference = difference | (a[i] ^ b[i]);
  return difference == 0;
}

Result<SecretBuffer> SecretBuffer::create(std::size_t size) {
  SecretBuffer out;
  if (size == 0) return out;
  out.data_ = TRY(SecretPool::instance().take(size));
  out.size_ = size;
  return out;
}

Result<SecretBuffer> SecretBuffer::create_copy(ByteView bytes) {
  SecretBuffer out = TRY(create(bytes.size()));
  if (!bytes.empty()) std::memcpy(out.data_, bytes.data(), bytes.size());
  return out;
}

SecretBuffer::SecretBuffer(std::size_t size) {
  Result<SecretBuffer> made = create(size);
  CHECK(made.has_value());
  *this = std::move(*made);
}

SecretBuffer SecretBuffer::copy_of(ByteView bytes) {
  SecretBuffer out(bytes.size());
  if (!bytes.empty()) std::memcpy(out.data_, bytes.data(), bytes.size());
  return out;
}

SecretBuffer::SecretBuffer(SecretBuffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

SecretBuffer& SecretBuffer::operator=(SecretBuffer&& other) noexcept {
  if (this != &other) {
    release();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

SecretBuffer::~SecretBuffer() {
  release();
}

void SecretBuffer::release() {
  if (data_ == nullptr) return;
  SecretPool::instance().give_back(data_, size_);
  data_ = nullptr;
  size_ = 0;
}

bool harden_process() {
  (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  std::ifstream swaps("/proc/swaps");
  std::string line;
  int lines = 0;
  while (std::getline(swaps, line)) ++lines;
  return lines > 1;
}

}  // namespace penstock
