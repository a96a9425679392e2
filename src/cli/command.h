// A verb of `penstock`. Adding one: one file that defines its class and one line in builtin.cc.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "base/error.h"

namespace CLI {
class App;
}

namespace penstock::cli {

class Command {
 public:
  virtual ~Command() = default;
  virtual void declare(CLI::App& verb) = 0;  // options, bound to members
  virtual Result<> run() = 0;                // once, after parsing
};

struct CommandEntry {
  const char* name;
  const char* summary;
  const char* example;  // shown under --help
  std::unique_ptr<Command> (*make)();
};

// All verbs, in the order of --help.
std::span<const CommandEntry> builtin_commands();

std::unique_ptr<Command> make_run();
std::unique_ptr<Command> make_produce();
std::unique_ptr<Command> make_consume();
std::unique_ptr<Command> make_sql();
std::unique_ptr<Command> make_policy();
std::unique_ptr<Command> make_topics();
std::unique_ptr<Command> make_repair();

}  // namespace penstock::cli
