// At most so many a second, with a reserve for bursts. Thread-safe.
#pragma once

#include <algorithm>
#include <cstdint>
#include <mutex>

namespace penstock::manager {

class RateGate {
 public:
  RateGate(std::int64_t per_second, std::int64_t burst)
      : per_second_(per_second), burst_thousandths_(burst * 1000), left_(burst * 1000) {}

  bool pass(std::int64_t now_ms) {
    const std::lock_guard lock(mutex_);
    const std::int64_t elapsed_ms = std::clamp<std::int64_t>(now_ms - last_ms_, 0, 3'600'000);
    left_ = std::min(burst_thousandths_, left_ + elapsed_ms * per_second_);
    last_ms_ = now_ms;
    if (left_ < 1000) return false;
    left_ -= 1000;
    return true;
  }

 private:
  const std::int64_t per_second_;
  const std::int64_t burst_thousandths_;
  std::mutex mutex_;
  std::int64_t left_;  // thousandths of a passage
  std::int64_t last_ms_ = 0;
};

}  // namespace penstock::manager
