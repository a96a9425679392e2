// The main thread of an MQTT verb waits for its end, or for a signal.
#pragma once

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <mutex>
#include <optional>

#include "base/error.h"
#include "cli/signals.h"

namespace penstock::cli {

class Waiting {
 public:
  static Result<std::unique_ptr<Waiting>> create() {
    auto out = std::unique_ptr<Waiting>(new Waiting());
    out->event_ = UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!out->event_) return fail(os_error("creating", "an event", errno));
    return out;
  }

  // Any thread; the first one counts.
  void end(std::optional<Error> reason) {
    {
      const std::lock_guard lock(mutex_);
      if (ended_) return;
      ended_ = true;
      reason_ = std::move(reason);
    }
    const std::uint64_t one = 1;
    (void)!::write(event_.get(), &one, sizeof one);
  }

  enum class Why : unsigned char { ended, signal, time };
  // -1: for ever.
  Why wait(const Signals& signals, std::chrono::milliseconds at_most) const {
    pollfd fds[2] = {{.fd = event_.get(), .events = POLLIN, .revents = 0},
                     {.fd = signals.descriptor(), .events = POLLIN, .revents = 0}};
    for (;;) {
      const int ready = ::poll(fds, 2, static_cast<int>(at_most.count()));
      if (ready < 0 && errno == EINTR) continue;
      if (fds[0].revents != 0) return Why::ended;
      return ready == 0 ? Why::time : Why::signal;
    }
  }
  Result<> result() const {
    const std::lock_guard lock(mutex_);
    if (reason_) return fail(*reason_);
    return {};
  }

 private:
  Waiting() = default;
  UniqueFd event_;
  mutable std::mutex mutex_;
  bool ended_ = false;
  std::optional<Error> reason_;
};

}  // namespace penstock::cli
