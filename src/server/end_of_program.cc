#include "server/end_of_program.h"

#include <csignal>
#include <utility>

#include "base/log.h"

namespace penstock::server {
namespace {

sigset_t ending_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

}  // namespace

void block_signals() {
  const sigset_t signals = ending_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

Result<std::unique_ptr<EndOfProgram>> EndOfProgram::watch() {
  std::unique_ptr<EndOfProgram> out(new EndOfProgram(TRY(net::HttpCancel::create())));
  out->thread_ = std::thread([end = out.get()] { end->take_signals(); });
  return out;
}

EndOfProgram::~EndOfProgram() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  pthread_kill(thread_.native_handle(), SIGTERM);  // sigwait takes it
  thread_.join();
}

void EndOfProgram::take_signals() {
  const sigset_t signals = ending_signals();
  for (;;) {
    int received = 0;
    if (sigwait(&signals, &received) != 0) continue;
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    if (signal_ == 0) signal_ = received;
    log::info("stopping", {{"signal", received}});
    cancel_.cancel();
    tell();
    changed_.notify_all();
  }
}

void EndOfProgram::on_end(std::function<void()> told) {
  const std::lock_guard lock(mutex_);
  told_ = std::move(told);
  if (signal_ != 0 || reason_) tell();
}

void EndOfProgram::tell() {
  if (auto told = std::exchange(told_, nullptr)) told();
}

void EndOfProgram::end(const Error& reason) {
  const std::lock_guard lock(mutex_);
  if (!reason_) reason_ = reason;
  tell();
  changed_.notify_all();
}

bool EndOfProgram::signalled() const {
  const std::lock_guard lock(mutex_);
  return signal_ != 0;
}

std::optional<Error> EndOfProgram::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return signal_ != 0 || reason_; });
  if (signal_ != 0) return std::nullopt;
  return reason_;
}

}  // namespace penstock::server
