// Lines from a descriptor, with time-outs.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace penstock::cli {

// One thread. The descriptor is not owned.
class LineReader {
 public:
  LineReader(int fd, std::size_t line_bytes_max) : fd_(fd), line_bytes_max_(line_bytes_max) {}

  enum class Got : std::uint8_t { line, idle, end };
  // line: `out` is it, without its end (\n or \r\n), until the next call. idle: no whole line has
  // come within the time. A last line without an end counts. limit_exceeded: the line is too long.
  Result<Got> next(std::string_view& out, std::chrono::milliseconds at_most);

  std::uint64_t lines() const { return lines_; }  // given out so far

 private:
  bool take_line(std::string_view& out);

  int fd_;
  std::size_t line_bytes_max_;
  std::string buffer_;
  std::size_t begin_ = 0;    // of the next line
  std::size_t scanned_ = 0;  // no newline before here
  std::uint64_t lines_ = 0;
  bool ended_ = false;
};

}  // namespace penstock::cli
