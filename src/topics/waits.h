// Threads that wait for records of an embedded log.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>

#include "topics/log.h"

namespace penstock::topics {

class Waits {
 public:
  // Until ready() (looked at again after each notify), wake() or the deadline; returns ready().
  bool wait(const std::function<bool()>& ready, Deadline deadline);
  // What ready() looks at has changed. Costs one load when nobody waits.
  void notify();
  void wake();

 private:
  std::atomic<int> waiting_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t wakes_ = 0;  // guarded by mutex_
};

}  // namespace penstock::topics
