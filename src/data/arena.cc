#include "data/arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/secret.h"

namespace penstock::data {
namespace {

constexpr std::size_t kFirstBlockBytes = 256 << 10;
constexpr std::size_t kGrowthBytesMax = 8 << 20;
constexpr std::size_t kKeptBlockBytesMax = 16 << 20;
constexpr std::size_t kPageBytes = 4096;

char* map_block(std::size_t bytes) {
  void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(at != MAP_FAILED);  // as operator new: without memory there is no way on
  madvise(at, bytes, MADV_DONTDUMP);
  return static_cast<char*>(at);
}

void wipe_used(char* data, std::size_t used) {
  if (used > 0) wipe({reinterpret_cast<std::uint8_t*>(data), used});
}

}  // namespace

Arena::~Arena() {
  for (Block& block : blocks_) {
    wipe_used(block.data, block.used);
    munmap(block.data, block.size);
  }
}

std::span<char> Arena::allocate_in_new_block(std::size_t bytes) {
  while (current_ + 1 < blocks_.size()) {
    ++current_;
    if (blocks_[current_].size >= needed(bytes)) return allocate(bytes);
  }
  std::size_t grown = kFirstBlockBytes;
  if (!blocks_.empty()) grown = std::min(blocks_.back().size * 2, kGrowthBytesMax);
  std::size_t size = (std::max(grown, needed(bytes)) + kPageBytes - 1) & ~(kPageBytes - 1);
  blocks_.push_back({map_block(size), size, 0});
  current_ = blocks_.size() - 1;
  return allocate(bytes);
}

void Arena::shrink_last(std::span<char> allocation, std::size_t kept) {
  Block& block = blocks_[current_];
  CHECK(kept <= allocation.size());
  CHECK(allocation.data() + rounded(allocation.size()) == block.data + block.used);
  // What was written beyond `kept` must not outlive the batch unseen by reset().
  wipe_used(allocation.data() + kept, allocation.size() - kept);
  block.used -= rounded(allocation.size()) - rounded(kept);
}

Text Arena::copy(std::string_view text) {
  std::span<char> to = allocate(text.size());
  if (!text.empty()) std::memcpy(to.data(), text.data(), text.size());
  return Text(to.data(), text.size());
}

void Arena::reset() {
  for (Block& block : blocks_) {
    wipe_used(block.data, block.used);
    block.used = 0;
  }
  std::erase_if(blocks_, [](const Block& block) {
    if (block.size <= kKeptBlockBytesMax) return false;
    munmap(block.data, block.size);
    return true;
  });
  current_ = 0;
}

std::size_t Arena::used_bytes() const {
  std::size_t total = 0;
  for (const Block& block : blocks_) total += block.used;
  return total;
}

}  // namespace penstock::data
