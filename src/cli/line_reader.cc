#include "cli/line_reader.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include "base/file.h"

namespace penstock::cli {
namespace {

constexpr std::size_t kReadBytes = 256 << 10;

std::string_view without_return(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

bool LineReader::take_line(std::string_view& out) {
  std::string_view all = buffer_;
  std::size_t at = all.find('\n', scanned_);
  if (at == std::string_view::npos) {
    scanned_ = all.size();
    return false;
  }
  out = without_return(all.substr(begin_, at - begin_));
  begin_ = scanned_ = at + 1;
  ++lines_;
  return true;
}

Result<LineReader::Got> LineReader::next(std::string_view& out, std::chrono::milliseconds at_most) {
  while (true) {
    if (take_line(out)) return Got::line;
    if (ended_) {
      if (begin_ == buffer_.size()) return Got::end;
      out = without_return(std::string_view(buffer_).substr(begin_));
      begin_ = scanned_ = buffer_.size();
      ++lines_;
      return Got::line;
    }
    buffer_.erase(0, begin_);
    scanned_ -= begin_;
    begin_ = 0;
    if (buffer_.size() > line_bytes_max_)
      return fail(
          ErrorCode::limit_exceeded,
          fmt::format("line {} is longer than the {} bytes taken", lines_ + 1, line_bytes_max_));
    pollfd ready{fd_, POLLIN, 0};
    int n = ::poll(&ready, 1, static_cast<int>(at_most.count()));
    if (n < 0 && errno != EINTR) return fail(os_error("waiting for", "standard input", errno));
    if (n <= 0) return Got::idle;
    std::size_t size = buffer_.size();
    buffer_.resize(size + kReadBytes);
    ssize_t got = ::read(fd_, buffer_.data() + size, kReadBytes);
    buffer_.resize(size + static_cast<std::size_t>(got > 0 ? got : 0));
    if (got < 0 && errno != EINTR) return fail(os_error("reading", "standard input", errno));
    if (got == 0) ended_ = true;
  }
}

}  // namespace penstock::cli
