// A gate that a handler waits at and a test opens, and the other way round. Tests only.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace penstock::net {

class Gate {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  bool pass() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

}  // namespace penstock::net
