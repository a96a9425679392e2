#include "base/secret_pool.h"

#include <sanitizer/asan_interface.h>  // empty macros without that sanitizer
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "base/check.h"

namespace penstock {
namespace {

constexpr std::size_t kCanaryBytes = 8;
constexpr std::size_t kRunBytes = 16 << 10;
// Small while locking may succeed, so that little of the limit is left over; then large.
constexpr std::size_t kSmallRegionBytes = 256 << 10;
constexpr std::size_t kLargeRegionBytes = 4 << 20;
constexpr std::size_t kSmallRegionsBytesMax = 8 << 20;  // stock RLIMIT_MEMLOCK

std::size_t page_bytes() {
  static const auto bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

std::size_t whole_pages(std::size_t size) {
  return (size + page_bytes() - 1) / page_bytes() * page_bytes();
}

std::uint64_t random_word() {
  std::uint64_t word = 0;
  // Without it, a fixed canary still finds accidents.
  if (getrandom(&word, sizeof word, GRND_NONBLOCK) != sizeof word) word = 0x9e3779b97f4a7c15;
  return word;
}

}  // namespace

const std::array<std::size_t, SecretPool::kClasses> SecretPool::kBlockBytes = {
    64, 128, 192, 256, 384, 512, 768, 1024, 1280, 1536, 2048, 3072, 4096};

SecretPool& SecretPool::instance() {
  static auto* pool = new SecretPool();
  return *pool;
}

SecretPool::SecretPool() : canary_(random_word()), process_(getpid()) {}

std::size_t SecretPool::class_of(std::size_t size) {
  auto found = std::ranges::lower_bound(kBlockBytes, size + kCanaryBytes);
  return static_cast<std::size_t>(found - kBlockBytes.begin());
}

void SecretPool::write_canary(std::uint8_t* block, std::size_t size,
                              std::size_t block_bytes) const {
  std::uint64_t canary = canary_ ^ reinterpret_cast<std::uintptr_t>(block);
  std::memcpy(block + size, &canary, kCanaryBytes);
  ASAN_POISON_MEMORY_REGION(block + size, block_bytes - size);
}

bool SecretPool::canary_stands(const std::uint8_t* block, std::size_t size,
                               std::size_t block_bytes) const {
  ASAN_UNPOISON_MEMORY_REGION(block + size, block_bytes - size);
  std::uint64_t canary = 0;
  std::memcpy(&canary, block + size, kCanaryBytes);
  if (canary == (canary_ ^ reinterpret_cast<std::uintptr_t>(block))) return true;
  return canary == 0 && getpid() != process_;  // a fork has empty memory
}

Result<std::uint8_t*> SecretPool::map(std::size_t bytes) {
  std::size_t guard = page_bytes();
  void* memory = mmap(nullptr, bytes + 2 * guard, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  std::uint8_t* inside = static_cast<std::uint8_t*>(memory) + guard;
  bool usable = memory != MAP_FAILED;
  if (usable && mprotect(inside, bytes, PROT_READ | PROT_WRITE) != 0) {
    int error = errno;
    munmap(memory, bytes + 2 * guard);
    errno = error;
    usable = false;
  }
  if (!usable)
    return fail(ErrorCode::io,
                fmt::format("memory for secrets: the system refused {} bytes ({}); the process has "
                            "{} in {} mappings for them; give it more memory, or see "
                            "vm.max_map_count and the limits of its service",
                            bytes, std::strerror(errno), figures_.mapped_bytes, figures_.mappings));
  (void)madvise(inside, bytes, MADV_DONTDUMP);
  (void)madvise(inside, bytes, MADV_WIPEONFORK);
  (void)mlock(inside, bytes);  // best effort
  ++figures_.mappings;
  figures_.mapped_bytes += bytes;
  return inside;
}

Result<> SecretPool::add_run(std::size_t size_class) {
  if (region_left_ < kRunBytes) {
    bool small = figures_.mapped_bytes < kSmallRegionsBytesMax;
    std::size_t bytes = small ? kSmallRegionBytes : kLargeRegionBytes;
    region_ = TRY(map(bytes));
    region_left_ = bytes;
  }
  std::size_t block_bytes = kBlockBytes[size_class];
  std::size_t count = kRunBytes / block_bytes;
  blocks_[size_class] += count;
  std::vector<std::uint8_t*>& free = free_[size_class];
  if (free.capacity() < blocks_[size_class])
    free.reserve(std::max(blocks_[size_class], 2 * free.capacity()));
  for (std::size_t i = count; i > 0; --i) free.push_back(region_ + (i - 1) * block_bytes);
  ASAN_POISON_MEMORY_REGION(region_, kRunBytes);
  region_ += kRunBytes;
  region_left_ -= kRunBytes;
  return {};
}

Result<std::uint8_t*> SecretPool::take(std::size_t size) {
  CHECK(size > 0 && size < SIZE_MAX / 2);
  std::size_t size_class = class_of(size);
  std::lock_guard lock(mutex_);
  if (size_class == kClasses) return map(whole_pages(size));
  if (free_[size_class].empty()) TRY(add_run(size_class));
  std::uint8_t* block = free_[size_class].back();
  free_[size_class].pop_back();
  ASAN_UNPOISON_MEMORY_REGION(block, kBlockBytes[size_class]);
  write_canary(block, size, kBlockBytes[size_class]);
  return block;
}

void SecretPool::give_back(std::uint8_t* block, std::size_t size) {
  std::size_t size_class = class_of(size);
  if (size_class == kClasses) {
    std::size_t bytes = whole_pages(size), guard = page_bytes();
    explicit_bzero(block, size);
    std::lock_guard lock(mutex_);
    figures_.mapped_bytes -= bytes;
    --figures_.mappings;
    munmap(block - guard, bytes + 2 * guard);
    return;
  }
  std::size_t block_bytes = kBlockBytes[size_class];
  CHECK(canary_stands(block, size, block_bytes));
  explicit_bzero(block, size + kCanaryBytes);
  ASAN_POISON_MEMORY_REGION(block, block_bytes);
  std::lock_guard lock(mutex_);
  free_[size_class].push_back(block);
}

SecretPool::Figures SecretPool::figures() {
  std::lock_guard lock(mutex_);
  return figures_;
}

}  // namespace penstock
