#include "topics/waits.h"

namespace penstock::topics {

bool Waits::wait(const std::function<bool()>& ready, Deadline deadline) {
  std::unique_lock lock(mutex_);
  // Counted before ready() is looked at: whoever changes it afterwards sees the count (both are
  // sequentially consistent) and takes the mutex, which is free only while we sleep.
  ++waiting_;
  std::uint64_t wakes = wakes_;
  bool at_hand = ready();
  while (!at_hand && wakes == wakes_) {
    // Who only looks is not put to sleep for it.
    const bool late = deadline <= std::chrono::steady_clock::now() ||
                      changed_.wait_until(lock, deadline) == std::cv_status::timeout;
    at_hand = ready();
    if (late) break;
  }
  --waiting_;
  return at_hand;
}

void Waits::notify() {
  if (waiting_.load() == 0) return;
  {
    std::lock_guard lock(mutex_);
  }
  changed_.notify_all();
}

void Waits::wake() {
  {
    std::lock_guard lock(mutex_);
    ++wakes_;
  }
  changed_.notify_all();
}

}  // namespace penstock::topics
