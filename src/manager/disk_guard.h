// Room on the disk of the audit log. Nothing is released that could not be entered, and the owner
// hears of it before it is so.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>

#include "base/error.h"

namespace penstock::manager {

// Free bytes of the file system that the folder is on.
Result<std::uint64_t> free_bytes_of(const std::filesystem::path& folder);

// Thread-safe.
class DiskGuard {
 public:
  using Probe = std::function<Result<std::uint64_t>()>;
  explicit DiskGuard(Probe probe) : probe_(std::move(probe)) { look(); }

  // Asks the system and warns in the log when it begins to run short; about once a second.
  void look();

  std::uint64_t free_bytes() const { return free_; }
  bool is_low() const { return free_ < kLowBytes; }
  // out_of_space: what room is left is for the owner's own entries; the text is for guests too.
  Result<> check_release() const;

  static constexpr std::uint64_t kLowBytes = 256ULL << 20;  // warned of
  static constexpr std::uint64_t kStopBytes = 32ULL << 20;  // releases and attestations stop

 private:
  const Probe probe_;
  std::atomic<std::uint64_t> free_{0};
  std::atomic<bool> warned_{false};
};

}  // namespace penstock::manager
