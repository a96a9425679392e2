// Scripts and typed statements: what goes to the target, what the console does itself.
#pragma once

#include <optional>
#include <string>

#include "cli/console/entity_text.h"
#include "cli/console/row_printer.h"
#include "cli/console/sql_target.h"
#include "cli/signals.h"
#include "cli/terminal.h"
#include "sql/statement.h"

namespace penstock::cli {

// One thread. Target and signals outlive it.
class Console {
 public:
  Console(SqlTarget& target, const Signals& signals, RowPrinter::Form form)
      : target_(target), signals_(signals), form_(form) {}

  // Runs the statements, and commands of the console on lines between them, in order and prints
  // what they give; the first error ends the script, and so does Ctrl-C (cancelled, without a
  // text). Statements between two queries are checked as a whole before the first of them runs.
  Result<> run_script(const std::string& script);

  // Types and answers until EXIT, Ctrl-D or SIGTERM.
  Result<> interact();

 private:
  Result<> run_statements(const std::string& script);
  Result<> set_property(const std::string& statement);
  Result<> run_query(const std::string& statement);
  Result<> run_lines(const std::string& script);
  Result<> run_gathered(const std::string& script);
  // One that is_console_command() names. No editor: in a script.
  Result<> run_console_command(const std::string& text, const class LineEditor* editor);
  Result<> show_history(const class LineEditor* editor);
  Result<> run_cli_setting(const std::string& text);
  Result<> set_output(const std::string& form);
  Result<> run_file(const std::string& path);
  void print_error(const Error& error);
  TextStyle style() const;

  SqlTarget& target_;
  const Signals& signals_;
  RowPrinter::Form form_;
  bool wrap_ = false;
  bool left_ = false;   // EXIT was said
  int files_open_ = 0;  // RUN SCRIPT within RUN SCRIPT
  session::Properties properties_;
  Output output_;
};

}  // namespace penstock::cli
