// One thread that serves many connections and timers.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

namespace penstock::net {

class EventLoop {
 public:
  EventLoop();   // its thread runs at once
  ~EventLoop();  // ends it; what belongs to the loop must be gone, or be freed by a job of it
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Runs on the loop's thread, in the order in which one thread has posted; a job that the loop's
  // own thread posts may run behind a later one of another thread. Dropped once the loop ends.
  void post(std::function<void()> job);
  // The same, and waits until it has run. Not from the loop's thread.
  void run(const std::function<void()>& job);

  struct Parts;
  Parts& parts() { return *parts_; }

 private:
  std::unique_ptr<Parts> parts_;
};

// On the loop's thread.
class LoopTimer {
 public:
  explicit LoopTimer(EventLoop& loop);
  ~LoopTimer();
  // Replaces what was set before.
  void after(std::chrono::milliseconds time, std::function<void()> call);
  void cancel();

 private:
  struct Parts;
  std::shared_ptr<Parts> parts_;
};

}  // namespace penstock::net
