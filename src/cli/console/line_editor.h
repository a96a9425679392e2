// Typed lines with editing and history.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "cli/signals.h"

namespace penstock::cli {

// One thread. Needs a terminal on standard input and output.
class LineEditor {
 public:
  // The signals outlive the editor. History is kept in history_file() (mode 0600).
  static Result<std::unique_ptr<LineEditor>> create(const Signals& signals);
  ~LineEditor();  // puts the terminal back, writes the history

  enum class Got : std::uint8_t { line, interrupted, terminated, end };
  Got next(std::string_view prompt, std::string& out);  // without the line's end

  void remember(std::string_view statement);  // one entry of the history
  std::vector<std::string> history() const;

 private:
  struct Parts;
  explicit LineEditor(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

// $XDG_STATE_HOME/penstock/history, or ~/.local/state/penstock/history; empty when there is no
// home.
std::filesystem::path history_file();

}  // namespace penstock::cli
