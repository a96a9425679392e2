// When and why the program ends: a signal, or the owner's word.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "base/error.h"
#include "net/http_client.h"

namespace penstock::server {

// SIGTERM and SIGINT must be blocked in the whole process before this is made.
class EndOfProgram {
 public:
  static Result<std::unique_ptr<EndOfProgram>> watch();
  ~EndOfProgram();

  // Ends calls under way when a signal comes, so that a start that waits can be stopped.
  const net::HttpCancel& cancel() const { return cancel_; }
  // Called once when the program is told to end, at once if it was already, on another thread or
  // this one; null: no more. Must return soon.
  void on_end(std::function<void()> told);
  // From any thread; the first word counts.
  void end(const Error& reason);
  bool signalled() const;
  // Returns when something ends the program; the reason, or nothing for a signal.
  std::optional<Error> wait();

 private:
  explicit EndOfProgram(net::HttpCancel cancel) : cancel_(std::move(cancel)) {}
  void take_signals();
  void tell();  // mutex_ is held

  const net::HttpCancel cancel_;
  mutable std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  int signal_ = 0;
  std::optional<Error> reason_;
  std::function<void()> told_;
  bool stopping_ = false;
  std::thread thread_;
};

// Blocks the signals that end us in this thread and all that it will start.
void block_signals();

}  // namespace penstock::server
