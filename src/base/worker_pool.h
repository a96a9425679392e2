// Threads for work that blocks: started when they are needed, kept until the end.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <limits>
#include <mutex>
#include <thread>
#include <vector>

namespace penstock {

// Thread-safe.
class WorkerPool {
 public:
  using Job = std::function<void()>;

  // waiting_max: jobs that may wait for a thread.
  explicit WorkerPool(std::size_t threads_max,
                      std::size_t waiting_max = std::numeric_limits<std::size_t>::max())
      : threads_max_(threads_max), waiting_max_(waiting_max) {}
  ~WorkerPool() { join(); }

  // false: too many jobs wait already, or the pool has ended.
  bool submit(Job job);
  // Runs what was submitted, then ends the threads.
  void join();

 private:
  void work();

  const std::size_t threads_max_, waiting_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool ending_ = false;
};

}  // namespace penstock
