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
  // Of a run that gave no error: 1 where the answer is a refusal and no failure.
  virtual int answer_status() const { return 0; }
  virtual void declare(CLI::App& verb) = 0;  // options, bound to members
  virtual Result<> run() = 0;                // once, after parsing
  // What to do about an error of run(), beyond what its text says; advice_for() unless told.
  virtual std::string_view advice(const Error& error) const;
  // The program's exit status for an error of run(); that of its code unless told.
  virtual int exit_status(const Error& error) const { return facts_of(error.code()).exit_status; }
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
std::unique_ptr<Command> make_seal();
std::unique_ptr<Command> make_sql();
std::unique_ptr<Command> make_policy();
std::unique_ptr<Command> make_config();
std::unique_ptr<Command> make_manager();
std::unique_ptr<Command> make_evidence();
std::unique_ptr<Command> make_collateral();
std::unique_ptr<Command> make_audit();
std::unique_ptr<Command> make_measure();
std::unique_ptr<Command> make_attest();
std::unique_ptr<Command> make_statement_key();
std::unique_ptr<Command> make_status();
std::unique_ptr<Command> make_token();
std::unique_ptr<Command> make_mqtt();
std::unique_ptr<Command> make_test();
std::unique_ptr<Command> make_topics();
std::unique_ptr<Command> make_repair();

}  // namespace penstock::cli
