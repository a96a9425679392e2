#include "cli/console/console.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/file.h"
#include "cli/advice.h"
#include "cli/console/cell_text.h"
#include "cli/console/line_editor.h"
#include "cli/console/typed_text.h"
#include "cli/limits.h"

namespace penstock::cli {
namespace {

constexpr std::string_view kHelp =
    "Statements end with a semicolon and may take several lines.\n"
    "  CREATE STREAM ...   CREATE STREAM ... AS SELECT ...   INSERT INTO ...   DROP STREAM ...\n"
    "  SELECT ... EMIT CHANGES [LIMIT n];       rows as they come; Ctrl-C ends the query\n"
    "  PRINT topic [FROM BEGINNING] [LIMIT n];  records of a topic\n"
    "  SHOW STREAMS | TOPICS | QUERIES | FUNCTIONS | PROPERTIES;   DESCRIBE name;   EXPLAIN ...;\n"
    "  ALTER QUERY id RESET POSITIONS TO EARLIEST | LATEST | (partition => offset, ...);\n"
    "  PAUSE id;   RESUME id;   TERMINATE id;\n"
    "  SET 'auto.offset.reset' = 'earliest';   UNSET 'auto.offset.reset';\n"
    "Commands of this console:\n"
    "  HELP   EXIT   HISTORY   CLEAR   VERSION   SERVER\n"
    "  OUTPUT TABULAR|JSON          how rows are printed\n"
    "  RUN SCRIPT 'file.sql'        runs the statements of a file\n"
    "  SET CLI WRAP ON|OFF          long cells: on further lines, or cut with an ellipsis\n";

bool is_query(const std::string& statement) {
  std::vector<Word> words = first_words(statement, 1);
  return !words.empty() && !words[0].quoted &&
         (words[0].text == "SELECT" || words[0].text == "PRINT" || words[0].text == "WITH");
}

bool sets_property(const std::string& statement) {
  std::vector<Word> words = first_words(statement, 2);
  return words.size() == 2 && words[1].quoted &&
         (words[0].text == "SET" || words[0].text == "UNSET");
}

// Whether a line is a command of the console and no statement.
bool is_console_command(std::string_view line) {
  const std::vector<Word> words = first_words(line, 5);
  if (words.empty() || words[0].quoted) return false;
  const std::string& verb = words[0].text;
  constexpr std::string_view kAlone[] = {"EXIT", "QUIT", "VERSION", "SERVER", "CLEAR", "HISTORY"};
  if (words.size() == 1 && std::ranges::find(kAlone, verb) != std::end(kAlone)) return true;
  if (verb == "HELP") return true;
  if (verb == "OUTPUT") return words.size() <= 2;
  if (words.size() < 2 || words[1].quoted) return false;
  if (verb == "RUN") return words.size() == 3 && words[1].text == "SCRIPT";
  return verb == "SET" && words[1].text == "CLI";
}

// So that a mistake in a query is shown with its line in the script.
std::string lines_before(const sql::StatementText& statement) {
  return std::string(statement.line - 1, '\n');
}

// Puts statements together so that each begins on the line that it has in the user's script, which
// makes the positions in errors right.
class ScriptSlice {
 public:
  void add(const sql::StatementText& statement) {
    for (; line_ < statement.line; ++line_) text_.push_back('\n');
    text_ += statement.text + ";";
    line_ +=
        static_cast<std::uint32_t>(std::count(statement.text.begin(), statement.text.end(), '\n'));
    ++statements_;
  }
  bool empty() const { return statements_ == 0; }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::uint32_t line_ = 1;
  std::size_t statements_ = 0;
};

}  // namespace

TextStyle Console::style() const {
  Overlong overlong = wrap_ ? Overlong::wrap : Overlong::cut;
  return {terminal_columns(0), stdout_is_terminal() ? overlong : Overlong::spill};
}

Result<> Console::run_script(const std::string& script) {
  if (script.size() > kScriptBytesMax)
    return fail(ErrorCode::limit_exceeded, fmt::format("the script has {} bytes; the limit is {}",
                                                       script.size(), kScriptBytesMax));
  left_ = false;
  return run_lines(script);
}

// Between statements a line may be a command of the console, as when it is typed.
Result<> Console::run_lines(const std::string& script) {
  std::string gathered;       // statements, on the lines that they have in the script
  std::size_t statement = 0;  // where in `gathered` the one that has begun does
  for (std::size_t at = 0; at < script.size();) {
    std::size_t end = std::min(script.find('\n', at), script.size() - 1) + 1;
    const std::string line = script.substr(at, end - at);
    at = end;
    if (is_console_command(line) &&
        first_words(std::string_view(gathered).substr(statement), 1).empty()) {
      TRY(run_gathered(gathered));
      TRY(run_console_command(line, nullptr));
      if (left_) return {};
      auto here = script.begin() + static_cast<std::ptrdiff_t>(at);
      gathered.assign(static_cast<std::size_t>(std::count(script.begin(), here, '\n')), '\n');
      statement = gathered.size();
      continue;
    }
    gathered += line;
    if (line.contains(';') && ends_statement(std::string_view(gathered).substr(statement)))
      statement = gathered.size();
  }
  return run_gathered(gathered);
}

Result<> Console::run_gathered(const std::string& script) {
  ScriptSlice slice;
  auto flush = [&]() -> Result<> {
    if (slice.empty()) return {};
    std::string text = std::exchange(slice, {}).text();
    return run_statements(text);
  };
  for (const sql::StatementText& statement : TRY(sql::split_statements(script))) {
    bool query = is_query(statement.text);
    if (!query && !sets_property(statement.text)) {
      slice.add(statement);
      continue;
    }
    TRY(flush());
    TRY(query ? run_query(lines_before(statement) + statement.text) : set_property(statement.text));
  }
  return flush();
}

Result<> Console::run_statements(const std::string& script) {
  SqlTarget::Answer answer = target_.execute(script, properties_);
  if (form_ == RowPrinter::Form::json) {
    if (!answer.entities.empty())
      TRY(output_.line(answer.entities.dump(2, ' ', false, OrderedJson::error_handler_t::replace)));
  } else {
    for (const OrderedJson& entity : answer.entities)
      TRY(output_.write(entity_text(entity, style())));
  }
  TRY(output_.flush());
  if (answer.error) return fail(*answer.error);
  return {};
}

Result<> Console::set_property(const std::string& statement) {
  std::vector<Word> words = first_words(statement, 4);
  const std::string& name = words[1].text;
  if (!TRY(target_.is_valid_property(name)))
    return fail(ErrorCode::invalid_statement,
                fmt::format("'{}' is not a property. SHOW PROPERTIES; lists them", name));
  if (words[0].text == "UNSET") {
    properties_.erase(name);
    TRY(output_.line(fmt::format("'{}' has its default again", name)));
    return output_.flush();
  }
  if (words.size() != 3 || !words[2].quoted)
    return fail(ErrorCode::invalid_statement,
                "expected SET 'property' = 'value'; with both in single quotes");
  properties_[name] = words[2].text;
  TRY(output_.line(fmt::format("'{}' is '{}' from now on", name, words[2].text)));
  return output_.flush();
}

Result<> Console::run_query(const std::string& statement) {
  TextStyle look = style();
  RowPrinter printer(output_, form_, look.columns_max, look.overlong);
  Result<bool> ended = target_.select(statement, properties_, signals_, printer);
  TRY(printer.finish());
  if (!ended) return fail(ended.error());
  if (!*ended) return {};
  if (stderr_is_terminal()) fmt::print(stderr, "\nQuery ended\n");
  return fail(ErrorCode::cancelled, "");
}

void Console::print_error(const Error& error) {
  (void)output_.flush();
  if (error.code() == ErrorCode::cancelled && error.text().empty()) return;
  fmt::print(stderr, "{}\n", printable_lines(error.text()));
  if (std::string_view advice = advice_for(error); !advice.empty())
    fmt::print(stderr, "{}\n", advice);
}

Result<> Console::interact() {
  std::unique_ptr<LineEditor> editor = TRY(LineEditor::create(signals_));
  fmt::print("Penstock SQL, {} ({}). HELP shows what there is, Ctrl-D leaves.\n", target_.name(),
             TRY(target_.version()));
  std::string typed;
  while (true) {
    std::string line;
    std::fflush(stdout);
    LineEditor::Got got = editor->next(typed.empty() ? "penstock> " : "       -> ", line);
    if (got == LineEditor::Got::end || got == LineEditor::Got::terminated) break;
    if (got == LineEditor::Got::interrupted) {
      typed.clear();
      fmt::print("\n");
      continue;
    }
    if (typed.empty() && is_console_command(line)) {
      editor->remember(line);
      if (Result<> done = run_console_command(line, editor.get()); !done) print_error(done.error());
      if (left_) return {};
      continue;
    }
    typed += line + "\n";
    if (typed.size() > kStatementBytesMax) {
      fmt::print(stderr, "A statement has at most {} bytes\n", kStatementBytesMax);
      typed.clear();
    }
    if (!ends_statement(typed)) continue;
    typed.pop_back();
    editor->remember(typed);
    if (Result<> ran = run_script(typed); !ran) print_error(ran.error());
    typed.clear();
  }
  fmt::print("\n");
  return {};
}

Result<> Console::run_console_command(const std::string& text, const LineEditor* editor) {
  std::vector<Word> words = first_words(text, 5);
  const std::string& verb = words[0].text;
  Result<> done;
  if (verb == "EXIT" || verb == "QUIT")
    left_ = true;
  else if (verb == "HELP")
    done = output_.write(kHelp);
  else if (verb == "VERSION")
    done = output_.line(target_.version().value_or("unknown"));
  else if (verb == "SERVER")
    done = output_.line(target_.name());
  else if (verb == "CLEAR")
    done = output_.write(stdout_is_terminal() ? "\x1b[H\x1b[2J" : "");
  else if (verb == "HISTORY")
    done = show_history(editor);
  else if (verb == "OUTPUT")
    done = set_output(words.size() == 1 ? "" : words[1].text);
  else if (verb == "RUN")
    done = run_file(words[2].text);
  else
    done = run_cli_setting(text);
  TRY(done);
  return output_.flush();
}

Result<> Console::show_history(const LineEditor* editor) {
  if (editor == nullptr) return {};
  std::size_t number = 0;
  for (const std::string& line : editor->history())
    TRY(output_.line(fmt::format("{:>5}  {}", ++number, line)));
  return {};
}

Result<> Console::run_cli_setting(const std::string& text) {
  std::vector<Word> words = first_words(text, 5);
  if (words.size() != 4 || words[2].text != "WRAP" ||
      (words[3].text != "ON" && words[3].text != "OFF"))
    return fail(ErrorCode::invalid_argument, "expected SET CLI WRAP ON or SET CLI WRAP OFF");
  wrap_ = words[3].text == "ON";
  return output_.line(wrap_ ? "Long cells are wrapped" : "Long cells are cut");
}

Result<> Console::set_output(const std::string& form) {
  if (form != "TABULAR" && form != "JSON" && !form.empty())
    return fail(ErrorCode::invalid_argument, "expected OUTPUT TABULAR or OUTPUT JSON");
  if (!form.empty()) form_ = form == "JSON" ? RowPrinter::Form::json : RowPrinter::Form::table;
  return output_.line(form_ == RowPrinter::Form::json ? "Output is JSON" : "Output is TABULAR");
}

Result<> Console::run_file(const std::string& path) {
  if (files_open_ == kScriptDepthMax)
    return fail(ErrorCode::limit_exceeded,
                fmt::format("scripts run each other {} deep, the most that is taken; '{}' is not "
                            "run",
                            kScriptDepthMax, path));
  std::string script = TRY(read_file(path, kScriptBytesMax));
  ++files_open_;
  Result<> ran = run_lines(script);
  --files_open_;
  if (!ran) return fail(ran.error().in(path));
  left_ = false;  // EXIT in a file ends that file
  return {};
}

}  // namespace penstock::cli
