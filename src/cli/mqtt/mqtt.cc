#include <CLI/CLI.hpp>

#include "cli/command.h"

namespace penstock::cli {

std::unique_ptr<Command> make_mqtt_sub();
std::unique_ptr<Command> make_mqtt_pub();

namespace {

class Mqtt final : public Command {
 public:
  void declare(CLI::App& verb) override {
    verb.require_subcommand(1);
    sub_verb_ = verb.add_subcommand("sub", "Print messages as they come");
    sub_->declare(*sub_verb_);
    pub_->declare(*verb.add_subcommand("pub", "Send messages"));
  }
  Result<> run() override { return sub_verb_->parsed() ? sub_->run() : pub_->run(); }

 private:
  const std::unique_ptr<Command> sub_ = make_mqtt_sub(), pub_ = make_mqtt_pub();
  CLI::App* sub_verb_ = nullptr;
};

}  // namespace

std::unique_ptr<Command> make_mqtt() {
  return std::make_unique<Mqtt>();
}

}  // namespace penstock::cli
