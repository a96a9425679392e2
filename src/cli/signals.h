// Ctrl-C and SIGTERM without handlers: they are blocked and asked for.
#pragma once

#include <chrono>
#include <csignal>

#include "base/file.h"

namespace penstock::cli {

// While it lives, SIGINT and SIGTERM do not end the process. Made before any thread is started, so
// that all of them leave the signals alone. At most one at a time.
class Signals {
 public:
  static Result<Signals> block();
  Signals(Signals&&) = default;
  ~Signals();

  // The signal that has come (SIGINT, SIGTERM), 0 if none has within that time.
  int wait(std::chrono::milliseconds at_most) const;
  int taken() const { return wait(std::chrono::milliseconds(0)); }
  int descriptor() const { return fd_.get(); }  // readable when one has come

 private:
  Signals(UniqueFd fd, sigset_t before) : fd_(std::move(fd)), before_(before) {}
  UniqueFd fd_;  // signalfd
  sigset_t before_;
};

}  // namespace penstock::cli
