// Threads that wait for the library's background threads.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "topics/log.h"

namespace penstock::topics::kafka {

// An event counter. The library calls back with its own locks held, so nobody may hold ours while
// calling the library: count(), look at what is waited for, then wait for another count.
class Waiters {
 public:
  std::uint64_t count() const {
    std::lock_guard lock(mutex_);
    return count_;
  }
  void notify() {
    {
      std::lock_guard lock(mutex_);
      ++count_;
    }
    changed_.notify_all();
  }
  // False: the deadline has passed.
  bool wait_for_another(std::uint64_t count, Deadline deadline) {
    std::unique_lock lock(mutex_);
    return changed_.wait_until(lock, deadline, [&] { return count_ != count; });
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t count_ = 0;
};

}  // namespace penstock::topics::kafka
