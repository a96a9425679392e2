#include "cli/signals.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>

namespace penstock::cli {

Result<Signals> Signals::block() {
  sigset_t wanted, before;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGINT);
  sigaddset(&wanted, SIGTERM);
  if (int error = pthread_sigmask(SIG_BLOCK, &wanted, &before); error != 0)
    return fail(os_error("blocking", "signals", error));
  UniqueFd fd(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return fail(os_error("opening", "signalfd", errno));
  return Signals(std::move(fd), before);
}

Signals::~Signals() {
  if (fd_) pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

int Signals::wait(std::chrono::milliseconds at_most) const {
  pollfd ready{fd_.get(), POLLIN, 0};
  if (::poll(&ready, 1, static_cast<int>(at_most.count())) <= 0) return 0;
  signalfd_siginfo info{};
  if (::read(fd_.get(), &info, sizeof info) != sizeof info) return 0;
  return static_cast<int>(info.ssi_signo);
}

}  // namespace penstock::cli
