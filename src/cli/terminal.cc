#include "cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include <fmt/format.h>

#include "base/file.h"

namespace penstock::cli {
namespace {

constexpr std::size_t kFlushAt = 64 << 10;
constexpr std::chrono::milliseconds kProgressEvery{250};

}  // namespace

bool stdout_is_terminal() {
  return ::isatty(STDOUT_FILENO) == 1;
}
bool stderr_is_terminal() {
  return ::isatty(STDERR_FILENO) == 1;
}

std::size_t terminal_columns(std::size_t otherwise) {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return otherwise;
  return size.ws_col;
}

Result<> Output::write(std::string_view text) {
  buffer_.append(text);
  return buffer_.size() >= kFlushAt ? flush() : Result<>();
}

Result<> Output::line(std::string_view text) {
  buffer_.append(text);
  return write("\n");
}

Result<> Output::flush() {
  std::string_view left = buffer_;
  while (!left.empty()) {
    ssize_t n = ::write(STDOUT_FILENO, left.data(), left.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      int reason = errno;
      buffer_.clear();
      if (reason == EPIPE) return fail(ErrorCode::cancelled, "");
      return fail(os_error("writing", "standard output", reason));
    }
    left.remove_prefix(static_cast<std::size_t>(n));
  }
  buffer_.clear();
  return {};
}

bool ProgressLine::due() const {
  return shown_ && std::chrono::steady_clock::now() >= next_;
}

void ProgressLine::show(std::string_view text) {
  if (!due()) return;
  fmt::print(stderr, "\r\x1b[K{}", text);
  std::fflush(stderr);
  dirty_ = true;
  next_ = std::chrono::steady_clock::now() + kProgressEvery;
}

void ProgressLine::clear() {
  if (!dirty_) return;
  fmt::print(stderr, "\r\x1b[K");
  std::fflush(stderr);
  dirty_ = false;
}

void note(std::string_view text) {
  fmt::print(stderr, "penstock: note: {}\n", text);
}

}  // namespace penstock::cli
