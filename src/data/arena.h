// Plaintext and intermediate text of one batch, wiped and reused.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "data/column.h"

namespace penstock::data {

// Bump allocation in blocks that are kept over batches. Memory is left out of core dumps. One
// thread. reset() overwrites what was used, so plaintext lives as long as its batch and no longer.
class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena();

  // Uninitialised bytes, 16-byte aligned, followed by at least 64 readable bytes; valid until
  // reset().
  std::span<char> allocate(std::size_t bytes) {
    if (current_ < blocks_.size()) [[likely]] {
      Block& block = blocks_[current_];
      if (block.size - block.used >= needed(bytes)) [[likely]] {
        char* at = block.data + block.used;
        block.used += rounded(bytes);
        return {at, bytes};
      }
    }
    return allocate_in_new_block(bytes);
  }
  // Gives back what of the last allocation was not needed; `kept` is how many bytes of it stay.
  void shrink_last(std::span<char> allocation, std::size_t kept);
  Text copy(std::string_view text);

  // Overwrites what was used and makes it free again. Blocks above 16 MiB go back to the system.
  void reset();
  std::size_t used_bytes() const;

 private:
  struct Block {
    char* data;
    std::size_t size;
    std::size_t used;
  };
  static constexpr std::size_t kTailBytes = 64;
  static std::size_t rounded(std::size_t bytes) { return (bytes + 15) & ~std::size_t{15}; }
  static std::size_t needed(std::size_t bytes) { return rounded(bytes) + kTailBytes; }

  std::span<char> allocate_in_new_block(std::size_t bytes);

  std::vector<Block> blocks_;
  std::size_t current_ = 0;
};

}  // namespace penstock::data
