#include "net/event_loop.h"

#include <condition_variable>
#include <mutex>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/check.h"
#include "net/event_loop_parts.h"

namespace penstock::net {
namespace {

constexpr std::chrono::milliseconds kEndPatience{2'000};

}  // namespace

EventLoop::EventLoop() : parts_(std::make_unique<Parts>()) {
  parts_->thread = std::thread([p = parts_.get()] {
    p->io.run();
    p->finished.set_value();
  });
}

EventLoop::~EventLoop() {
  parts_->guard.reset();  // closed connections may still say their last words
  if (parts_->finished.get_future().wait_for(kEndPatience) != std::future_status::ready)
    parts_->io.stop();
  parts_->thread.join();
}

void EventLoop::post(std::function<void()> job) {
  boost::asio::post(parts_->io, std::move(job));
}

void EventLoop::run(const std::function<void()>& job) {
  CHECK(std::this_thread::get_id() != parts_->thread.get_id());
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  post([&] {
    job();
    const std::lock_guard lock(mutex);
    done = true;
    changed.notify_one();
  });
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return done; });
}

struct LoopTimer::Parts {
  explicit Parts(EventLoop& loop) : timer(loop.parts().io) {}
  boost::asio::steady_timer timer;
  std::uint64_t set = 0;  // which setting is the present one: a cancelled one may be on its way
};

LoopTimer::LoopTimer(EventLoop& loop) : parts_(std::make_shared<Parts>(loop)) {}

LoopTimer::~LoopTimer() {
  cancel();
}

void LoopTimer::after(std::chrono::milliseconds time, std::function<void()> call) {
  cancel();
  parts_->timer.expires_after(time);
  parts_->timer.async_wait(
      [parts = parts_, set = parts_->set, call = std::move(call)](const auto& ec) {
        if (!ec && parts->set == set) call();
      });
}

void LoopTimer::cancel() {
  ++parts_->set;
  parts_->timer.cancel();
}

}  // namespace penstock::net
