#include "base/worker_pool.h"

#include <utility>

namespace penstock {

bool WorkerPool::submit(Job job) {
  const std::lock_guard lock(mutex_);
  if (ending_) return false;
  const bool needs_thread = idle_ <= jobs_.size();
  if (needs_thread && threads_.size() >= threads_max_ && jobs_.size() >= waiting_max_) return false;
  jobs_.push_back(std::move(job));
  if (needs_thread && threads_.size() < threads_max_) {
    threads_.emplace_back([this] { work(); });
  }
  changed_.notify_one();
  return true;
}

void WorkerPool::join() {
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    threads.swap(threads_);
  }
  changed_.notify_all();
  for (std::thread& thread : threads) thread.join();
}

void WorkerPool::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    changed_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
    --idle_;
    if (jobs_.empty()) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    job = nullptr;
    lock.lock();
  }
}

}  // namespace penstock
