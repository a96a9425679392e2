// Standard output and standard error as a person or a pipe sees them.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/error.h"

namespace penstock::cli {

bool stdout_is_terminal();
bool stderr_is_terminal();
// Columns of the terminal that standard output goes to; `otherwise` when it is none.
std::size_t terminal_columns(std::size_t otherwise);

// Buffered standard output. A reader that goes away (| head) ends the command quietly: the error is
// `cancelled` with an empty text, which run_program() takes for success.
class Output {
 public:
  Output() = default;
  ~Output() { (void)flush(); }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  Result<> write(std::string_view text);
  Result<> line(std::string_view text);  // and a newline
  Result<> flush();

 private:
  std::string buffer_;
};

// One line on standard error that is written over, a few times per second; nothing when it is not a
// terminal.
class ProgressLine {
 public:
  ProgressLine() : shown_(stderr_is_terminal()) {}
  ~ProgressLine() { clear(); }
  bool due() const;  // whether show() would print now
  void show(std::string_view text);
  void clear();

 private:
  bool shown_;
  bool dirty_ = false;
  std::chrono::steady_clock::time_point next_{};
};

// A remark for the person at the terminal: "penstock: note: ..." on standard error.
void note(std::string_view text);

}  // namespace penstock::cli
