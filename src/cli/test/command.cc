// `penstock test`: case files over the engine, each case in a process of its own.
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/file.h"
#include "cli/command.h"
#include "cli/test/case_runner.h"

namespace penstock::cli {
namespace {

constexpr auto kCaseTime = std::chrono::seconds(10);
constexpr std::size_t kPieceBytes = 64 << 10;

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

// A verdict's digit, the reason, a NUL, the note, a NUL, the line: what a worker tells.
std::string packed(const CaseReport& report) {
  std::string out(1, static_cast<char>('0' + static_cast<int>(report.verdict)));
  for (const std::string& text : {report.reason, report.note}) {
    out += text;
    out += '\0';
  }
  return out + report.line;
}

CaseReport unpacked(const std::string& id, const std::string& told, int status) {
  const std::size_t end = told.find('\0');
  const std::size_t note_end = end == std::string::npos ? end : told.find('\0', end + 1);
  const bool whole = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  if (!whole || told.empty() || note_end == std::string::npos) {
    return broken_case(id, WIFSIGNALED(status)
                               ? fmt::format("the worker was ended by signal {}", WTERMSIG(status))
                               : "the worker ended before it had a result");
  }
  return {.verdict = static_cast<Verdict>(told[0] - '0'),
          .reason = told.substr(1, end - 1),
          .note = told.substr(end + 1, note_end - end - 1),
          .line = told.substr(note_end + 1)};
}

// Reads until the worker closes its end; false: its time is over.
bool read_told(int fd, std::string& told) {
  const auto deadline = std::chrono::steady_clock::now() + kCaseTime;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd waited{.fd = fd, .events = POLLIN, .revents = 0};
    const int ready = ::poll(&waited, 1, std::max(0, static_cast<int>(left.count())));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    const std::size_t before = told.size();
    told.resize(before + kPieceBytes);
    const ssize_t got = ::read(fd, told.data() + before, kPieceBytes);
    told.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return true;
  }
}

// A crash, an endless loop or a leak of one case is that case's alone.
Result<CaseReport> run_in_worker(const TestCase& test, bool batched) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail(os_error("making a pipe for", "a case", errno));
  UniqueFd from(ends[0]), to(ends[1]);
  const pid_t worker = ::fork();
  if (worker < 0) return fail(os_error("starting a worker for", "a case", errno));
  if (worker == 0) {
    write_all(to.get(), packed(run_case(test, batched)));
    ::_exit(0);
  }
  to = UniqueFd();
  std::string told;
  const bool ended = read_told(from.get(), told);
  if (!ended) ::kill(worker, SIGKILL);
  int status = 0;
  while (::waitpid(worker, &status, 0) < 0 && errno == EINTR) continue;
  if (!ended) {
    return broken_case(test.id, fmt::format("the case took more than {} s", kCaseTime.count()));
  }
  return unpacked(test.id, told, status);
}

class Test final : public Command {
 public:
  void declare(CLI::App& verb) override {
    verb.add_option("FILE", files_, "Files of cases")->required();
    verb.add_flag("--json", json_, "One line of JSON per case, in the files' order");
    verb.add_flag("--batched", batched_,
                  "Run each case over a session with all its records at once; the newest value of "
                  "each key is compared");
  }

  Result<> run() override {
    std::vector<TestCase> cases;
    for (const std::filesystem::path& file : files_) {
      for (TestCase& test : TRY(read_case_file(file))) cases.push_back(std::move(test));
    }
    std::size_t passed = 0;
    for (const TestCase& test : cases) {
      const CaseReport report = TRY(run_in_worker(test, batched_));
      if (report.verdict == Verdict::pass) ++passed;
      print(test, report);
    }
    if (!json_) fmt::print("{} of {} cases passed\n", passed, cases.size());
    if (passed == cases.size()) return {};
    failed_ = true;
    return fail(ErrorCode::internal,
                fmt::format("{} of {} cases did not pass", cases.size() - passed, cases.size()));
  }

  int exit_status(const Error&) const override { return failed_ ? 1 : 2; }
  std::string_view advice(const Error& error) const override {
    return failed_ ? std::string_view() : Command::advice(error);
  }

 private:
  void print(const TestCase& test, const CaseReport& report) const {
    if (json_) {
      fmt::print("{}\n", report.line);
    } else if (report.verdict == Verdict::pass) {
      fmt::print("PASS   {}\n", test.id);
      if (!report.note.empty()) fmt::print("       {}\n", report.note);
    } else {
      const std::string_view word = report.verdict == Verdict::fail ? "FAIL " : "ERROR";
      fmt::print("{}  {}\n       {}\n", word, test.id, report.reason);
    }
    std::fflush(stdout);
  }

  std::vector<std::filesystem::path> files_;
  bool json_ = false, batched_ = false, failed_ = false;
};

}  // namespace

std::unique_ptr<Command> make_test() {
  return std::make_unique<Test>();
}

}  // namespace penstock::cli
