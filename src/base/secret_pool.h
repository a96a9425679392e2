// Where secrets lie: a few large mappings, cut into blocks. Only secret.cc uses it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "base/error.h"

namespace penstock {

// Each mapping (a region) lies between two pages that cannot be touched, is left out of core dumps
// and empty in forked children, and is locked into memory while RLIMIT_MEMLOCK lasts (8 MiB on
// stock systems). A region is cut into runs, a run into blocks of one size. Behind each secret, up
// to the end of its block, stands a canary. What is freed is wiped and used again for the same
// size; regions stay until the process ends. Larger secrets have a mapping of their own.
//
// Thread-safe; the lock is held for some ten nanoseconds, or for one mapping.
class SecretPool {
 public:
  // The process's. Never destroyed, since secrets with static lifetime may outlive everything.
  static SecretPool& instance();

  // `size` zero bytes (at least 1), aligned to 64. io: the system gives no memory.
  Result<std::uint8_t*> take(std::size_t size);
  // Wipes and takes back what take(size) gave. Ends the process when its canary was overwritten.
  void give_back(std::uint8_t* block, std::size_t size);

  struct Figures {
    std::size_t mappings = 0;
    std::size_t mapped_bytes = 0;
  };
  Figures figures();

 private:
  SecretPool();
  Result<std::uint8_t*> map(std::size_t bytes);  // page-sized; held: mutex_
  Result<> add_run(std::size_t size_class);      // held: mutex_
  void write_canary(std::uint8_t* block, std::size_t size, std::size_t block_bytes) const;
  bool canary_stands(const std::uint8_t* block, std::size_t size, std::size_t block_bytes) const;

  static constexpr std::size_t kClasses = 13;
  static const std::array<std::size_t, kClasses> kBlockBytes;
  static std::size_t class_of(std::size_t size);  // kClasses: a mapping of its own

  std::mutex mutex_;
  // Free blocks per class; has room for all of them, so that giving back never allocates.
  std::array<std::vector<std::uint8_t*>, kClasses> free_;
  std::array<std::size_t, kClasses> blocks_{};
  std::uint8_t* region_ = nullptr;  // of which region_left_ bytes are not yet runs
  std::size_t region_left_ = 0;
  Figures figures_;
  std::uint64_t canary_ = 0;
  int process_ = 0;  // id of the one that made the pool
};

}  // namespace penstock
