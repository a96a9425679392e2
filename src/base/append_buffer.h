// Bytes that grow at their end, which nobody sets to zero first.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"

namespace penstock {

// Used again and again; what it outgrows is wiped. One thread.
class AppendBuffer {
 public:
  AppendBuffer() = default;
  AppendBuffer(const AppendBuffer& other) { append(other.view()); }
  AppendBuffer& operator=(const AppendBuffer& other) {
    if (this == &other) return *this;
    clear();
    append(other.view());
    return *this;
  }
  AppendBuffer(AppendBuffer&& other) noexcept { *this = std::move(other); }
  AppendBuffer& operator=(AppendBuffer&& other) noexcept {
    bytes_ = std::move(other.bytes_);
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
    return *this;
  }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::size_t capacity() const { return capacity_; }
  ByteView view() const { return {bytes_.get(), size_}; }
  ByteSpan span() { return {bytes_.get(), size_}; }
  const std::uint8_t* data() const { return bytes_.get(); }

  // At least n writable bytes behind the end, and never null; good until the next call.
  std::uint8_t* room(std::size_t n) {
    if (capacity_ - size_ <= n) [[unlikely]]
      grow(n);
    return bytes_.get() + size_;
  }
  // So many bytes of the room are written.
  void add(std::size_t n) {
    CHECK(n <= capacity_ - size_);
    size_ += n;
  }
  void append(ByteView bytes) {
    if (bytes.empty()) return;
    std::memcpy(room(bytes.size()), bytes.data(), bytes.size());
    size_ += bytes.size();
  }
  void clear() { size_ = 0; }  // keeps the memory
  void wipe();                 // the same, and nothing that it ever held can be read in there
  void release() {             // gives it back, not wiped
    bytes_.reset();
    size_ = capacity_ = 0;
  }

 private:
  void grow(std::size_t n);

  std::unique_ptr<std::uint8_t[]> bytes_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace penstock
