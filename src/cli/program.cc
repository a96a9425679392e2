#include "cli/program.h"

#include <clocale>
#include <csignal>
#include <cstdio>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/secret.h"
#include "cli/command.h"
#include "cli/console/cell_text.h"
#include "cli/paragraph.h"

namespace penstock::cli {
namespace {

constexpr const char* kVersion = "penstock 0.1.0";

constexpr std::size_t kHelpNameColumns = 30;

// Help whose descriptions of options wrap.
class HelpText final : public CLI::Formatter {
 public:
  std::string make_option_desc(const CLI::Option* option) const override {
    std::string text =
        paragraph(CLI::Formatter::make_option_desc(option),
                  std::max(report_columns(), 2 * kHelpNameColumns) - kHelpNameColumns);
    text.pop_back();
    return text;
  }
};

struct Verb {
  CLI::App* app;
  std::unique_ptr<Command> command;
};

std::vector<Verb> declare_verbs(CLI::App& app) {
  std::vector<Verb> verbs;
  for (const CommandEntry& entry : builtin_commands()) {
    CLI::App* sub = app.add_subcommand(entry.name, entry.summary);
    sub->footer(fmt::format("Example:\n{}", entry.example));
    verbs.push_back({sub, entry.make()});
    verbs.back().command->declare(*sub);
  }
  return verbs;
}

int print_usage_error(const CLI::App& app, const CLI::ParseError& error) {
  std::string verb;
  for (const CLI::App* sub : app.get_subcommands()) verb = sub->get_name() + " ";
  fmt::print(stderr, "penstock: error: {}\n  Try: penstock {}--help\n", error.what(), verb);
  return facts_of(ErrorCode::invalid_argument).exit_status;
}

int report(const Command& command, const Error& error) {
  if (error.code() == ErrorCode::cancelled && error.text().empty()) return 0;
  // It may quote a script or a server's answer.
  fmt::print(stderr, "penstock: error: {}\n", printable_lines(error.text()));
  if (std::string_view advice = command.advice(error); !advice.empty())
    fmt::print(stderr, "  {}\n", advice);
  return command.exit_status(error);
}

}  // namespace

int run_program(int argc, const char* const* argv) {
  std::signal(SIGPIPE, SIG_IGN);
  if (std::setlocale(LC_CTYPE, "") == nullptr || MB_CUR_MAX == 1)
    std::setlocale(LC_CTYPE, "C.UTF-8");
  harden_process();  // keys may be loaded; the warning about swap is the server's to give
  CLI::App app("Penstock: SQL over streams of sealed records.", "penstock");
  auto help = std::make_shared<HelpText>();
  help->column_width(kHelpNameColumns);
  app.formatter(std::move(help));
  app.set_version_flag("--version", kVersion);
  app.require_subcommand(1);
  app.footer("Each verb has its own help with an example: penstock produce --help");
  std::vector<Verb> verbs = declare_verbs(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& wanted) {  // --help, --version
    return app.exit(wanted);
  } catch (const CLI::ParseError& error) {
    return print_usage_error(app, error);
  }
  for (Verb& verb : verbs) {
    if (!verb.app->parsed()) continue;
    Result<> done = verb.command->run();
    return done ? verb.command->answer_status() : report(*verb.command, done.error());
  }
  return facts_of(ErrorCode::internal).exit_status;
}

}  // namespace penstock::cli
