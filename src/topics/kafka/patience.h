// How long calls wait for brokers. Nothing that a destructor, a signal or a rebalance can reach
// waits without one of these (limits.h has their lengths).
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>

#include "topics/kafka/limits.h"
#include "topics/log.h"

namespace penstock::topics::kafka {

// A moment that can only come nearer. Thread-safe.
class NearingDeadline {
 public:
  explicit NearingDeadline(Deadline at = Deadline::max()) : at_(at) {}
  NearingDeadline(const NearingDeadline&) = delete;
  NearingDeadline& operator=(const NearingDeadline&) = delete;
  void at_latest(Deadline deadline) {
    Deadline known = at_;
    while (deadline < known && !at_.compare_exchange_weak(known, deadline)) continue;
  }
  // For another use of the same object, by who is sure that nobody brings it nearer now.
  void start_again(Deadline at) { at_ = at; }
  Deadline at() const { return at_; }
  bool is_over() const { return std::chrono::steady_clock::now() >= at(); }

 private:
  std::atomic<Deadline> at_;
};

// When all waiting of one log ends; far away until somebody ends it (Log::end_by).
using LastCall = NearingDeadline;

// How long one thing may take: so long from now, and never beyond the log's last call.
class Patience {
 public:
  Patience(const LastCall& last, std::chrono::milliseconds at_most)
      : last_(last), own_(std::chrono::steady_clock::now() + at_most) {}
  Deadline at() const { return std::min(own_.at(), last_.at()); }
  bool is_over() const { return std::chrono::steady_clock::now() >= at(); }
  // For one call of the library: what is left, but so much at most; 0 when it is over.
  int slice_ms(std::chrono::milliseconds at_most = kCallSlice) const {
    auto left =
        std::chrono::ceil<std::chrono::milliseconds>(at() - std::chrono::steady_clock::now());
    return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, at_most.count()));
  }
  // From any thread: somebody waits for it now, or nobody cares any more.
  void shorten(Deadline at) { own_.at_latest(at); }
  void start_again(std::chrono::milliseconds at_most) {
    own_.start_again(std::chrono::steady_clock::now() + at_most);
  }

 private:
  const LastCall& last_;
  NearingDeadline own_;
};

}  // namespace penstock::topics::kafka
