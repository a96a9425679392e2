// Memory for the plaintexts of a batch: left out of core dumps, wiped before it is given back. Not
// locked: RLIMIT_MEMLOCK is kept for keys.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace penstock::seal {

class PlaintextMemory {
 public:
  PlaintextMemory() = default;
  ~PlaintextMemory() { release(); }
  PlaintextMemory(PlaintextMemory&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  PlaintextMemory& operator=(PlaintextMemory&&) = delete;

  // At least `bytes`; what it held is wiped and lost when it has to grow.
  void reserve(std::size_t bytes);
  std::uint8_t* data() const { return data_; }
  std::size_t size() const { return size_; }

 private:
  void release();
  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace penstock::seal
