#include "cli/console/line_editor.h"

#include <fcntl.h>
#include <histedit.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cwchar>

#include "base/file.h"
#include "cli/limits.h"

namespace penstock::cli {

struct LineEditor::Parts {
  explicit Parts(const Signals& s) : signals(s) {}
  ~Parts() {
    if (edit != nullptr) ::el_end(edit);
    if (past != nullptr) ::history_end(past);
  }

  const Signals& signals;
  EditLine* edit = nullptr;
  History* past = nullptr;
  std::filesystem::path file;
  std::string prompt;
  int signal = 0;
  std::mbstate_t decoding{};
};

namespace {

struct Callbacks {
  template <typename Parts>
  static Parts& parts_of(EditLine* edit) {
    void* data = nullptr;
    ::el_get(edit, EL_CLIENTDATA, &data);
    return *static_cast<Parts*>(data);
  }

  template <typename Parts>
  static char* prompt(EditLine* edit) {
    return parts_of<Parts>(edit).prompt.data();
  }

  // Reads one character; a signal ends the line.
  template <typename Parts>
  static int read_character(EditLine* edit, wchar_t* out) {
    Parts& parts = parts_of<Parts>(edit);
    while (true) {
      pollfd ready[] = {{STDIN_FILENO, POLLIN, 0}, {parts.signals.descriptor(), POLLIN, 0}};
      if (::poll(ready, 2, -1) < 0 && errno != EINTR) return -1;
      if ((ready[1].revents & POLLIN) != 0) {
        parts.signal = parts.signals.taken();
        errno = EINTR;
        return -1;
      }
      if (ready[0].revents == 0) continue;
      char byte = 0;
      ssize_t n = ::read(STDIN_FILENO, &byte, 1);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return static_cast<int>(n);
      std::size_t decoded = std::mbrtowc(out, &byte, 1, &parts.decoding);
      if (decoded == static_cast<std::size_t>(-2)) continue;  // more bytes belong to it
      if (decoded != static_cast<std::size_t>(-1)) return 1;
      parts.decoding = {};
    }
  }
};

std::filesystem::path from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value == '/' ? value : "";
}

}  // namespace

std::filesystem::path history_file() {
  std::filesystem::path state = from_environment("XDG_STATE_HOME");
  if (state.empty()) {
    std::filesystem::path home = from_environment("HOME");
    if (home.empty()) return {};
    state = home / ".local" / "state";
  }
  return state / "penstock" / "history";
}

Result<std::unique_ptr<LineEditor>> LineEditor::create(const Signals& signals) {
  auto parts = std::make_unique<Parts>(signals);
  parts->edit = ::el_init("penstock", stdin, stdout, stderr);
  parts->past = ::history_init();
  if (parts->edit == nullptr || parts->past == nullptr)
    return fail(ErrorCode::io, "the terminal cannot be used for line editing; use -e or -f");
  HistEvent event{};
  ::history(parts->past, &event, H_SETSIZE, static_cast<int>(kHistoryLines));
  ::history(parts->past, &event, H_SETUNIQUE, 1);
  parts->file = history_file();
  std::error_code ignored;
  if (!parts->file.empty()) {
    std::filesystem::create_directories(parts->file.parent_path(), ignored);
    std::filesystem::permissions(parts->file.parent_path(), std::filesystem::perms::owner_all,
                                 ignored);
    ::history(parts->past, &event, H_LOAD, parts->file.c_str());
  }
  ::el_set(parts->edit, EL_CLIENTDATA, static_cast<void*>(parts.get()));
  ::el_set(parts->edit, EL_PROMPT, &Callbacks::prompt<Parts>);
  ::el_set(parts->edit, EL_EDITOR, "emacs");
  ::el_set(parts->edit, EL_HIST, &::history, parts->past);
  ::el_set(parts->edit, EL_BIND, "^R", "em-inc-search-prev", nullptr);
  ::el_source(parts->edit, nullptr);
  ::el_set(parts->edit, EL_GETCFN, &Callbacks::read_character<Parts>);
  return std::unique_ptr<LineEditor>(new LineEditor(std::move(parts)));
}

LineEditor::LineEditor(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

LineEditor::~LineEditor() {
  if (parts_->file.empty()) return;
  // Made first with its mode, so that the statements are never readable by others.
  UniqueFd made(::open(parts_->file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  HistEvent event{};
  if (made) ::history(parts_->past, &event, H_SAVE, parts_->file.c_str());
}

LineEditor::Got LineEditor::next(std::string_view prompt, std::string& out) {
  parts_->prompt = prompt;
  parts_->signal = 0;
  ::el_resize(parts_->edit);
  int length = 0;
  const char* line = ::el_gets(parts_->edit, &length);
  if (parts_->signal == SIGTERM) return Got::terminated;
  if (parts_->signal != 0) return Got::interrupted;
  if (line == nullptr || length <= 0) return Got::end;
  out.assign(line, static_cast<std::size_t>(length));
  while (!out.empty() && (out.back() == '\n' || out.back() == '\r')) out.pop_back();
  return Got::line;
}

void LineEditor::remember(std::string_view statement) {
  std::string line(statement);
  std::replace(line.begin(), line.end(), '\n', ' ');
  HistEvent event{};
  ::history(parts_->past, &event, H_ENTER, line.c_str());
}

std::vector<std::string> LineEditor::history() const {
  std::vector<std::string> out;
  HistEvent event{};
  for (int more = ::history(parts_->past, &event, H_LAST); more >= 0;
       more = ::history(parts_->past, &event, H_PREV)) {
    std::string_view line = event.str;
    while (line.ends_with('\n')) line.remove_suffix(1);
    out.emplace_back(line);
  }
  return out;
}

}  // namespace penstock::cli
