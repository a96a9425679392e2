// A few threads on which tasks are built, so that workers go on with those that run.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace penstock::engine {

// Thread-safe. Threads are made as they are needed and stay.
class BuildPool {
 public:
  explicit BuildPool(std::size_t threads_max) : threads_max_(threads_max) {}
  ~BuildPool();  // after what was ordered has been done
  void run(std::function<void()> job);

 private:
  void work();

  const std::size_t threads_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;
  std::size_t idle_ = 0;  // threads
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace penstock::engine
