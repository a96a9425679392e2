#include <unistd.h>

#include <CLI/CLI.hpp>

#include "base/file.h"
#include "cli/command.h"
#include "cli/console/console.h"
#include "cli/console/http_target.h"
#include "cli/console/place_target.h"
#include "cli/limits.h"
#include "cli/rest_login.h"

namespace penstock::cli {
namespace {

constexpr const char* kDefaultServer = "http://127.0.0.1:8088";

class Sql final : public Command {
 public:
  void declare(CLI::App& verb) override {
    CLI::Option* server =
        verb.add_option("--server", server_, "Address of a penstockd")->default_str(kDefaultServer);
    place_.declare(verb,
                   "Data folder: asks the penstockd that holds it, or works on it when it is free");
    place_.data_option()->excludes(server);
    place_.kafka_option()->excludes(server);
    login_.declare(verb);
    CLI::Option* sign =
        verb.add_option("--sign", sign_file_,
                        "Private key (PEM) that signs the statements, for a server that executes "
                        "signed ones only");
    verb.add_option("--service-id", service_id_, "The service that they are meant for")
        ->needs(sign);
    verb.add_option(
            "--deployment", deployment_,
            "The deployment that they are meant for, as its measured configuration names it")
        ->needs(sign);
    verb.add_option("--keys", keys_file_, "Key file, when working on a free folder or on Kafka");
    CLI::Option* text = verb.add_option("-e,--execute", statements_, "Statements to run");
    verb.add_option("-f,--file", file_, "File of statements to run; - is standard input")
        ->excludes(text);
    verb.add_option("--output", output_, "How rows are printed")
        ->check(CLI::IsMember({"TABULAR", "JSON"}, CLI::ignore_case))
        ->default_str("TABULAR");
  }

  Result<> run() override {
    Signals signals = TRY(Signals::block());
    bool typing = statements_.empty() && file_.empty() && ::isatty(STDIN_FILENO) == 1;
    std::string script;
    if (!typing) script = TRY(read_script());
    std::unique_ptr<SqlTarget> target = TRY(open_target());
    bool json = output_ == "JSON";
    Console console(*target, signals, json ? RowPrinter::Form::json : RowPrinter::Form::table);
    return typing ? console.interact() : console.run_script(script);
  }

  std::string_view advice(const Error& error) const override { return place_.advice(error); }

 private:
  Result<std::string> read_script() const {
    if (!statements_.empty()) return statements_;
    bool standard_input = file_.empty() || file_ == "-";
    return read_file(standard_input ? "/dev/stdin" : file_, kScriptBytesMax);
  }

  Result<std::unique_ptr<SqlTarget>> open_target() const {
    HttpTargetOptions options{
        .account = TRY(login_.account()), .signer = {}, .service_id = service_id_};
    if (!sign_file_.empty()) {
      options.signer = TRY(StatementSigner::load(sign_file_));
      options.signer->set_deployment(deployment_);
    }
    if (place_.check()) return open_place_target(place_, keys_file_, std::move(options));
    return TRY(HttpTarget::connect(server_.empty() ? kDefaultServer : server_, std::move(options)));
  }

  std::string server_, keys_file_, service_id_, deployment_, statements_, file_,
      output_ = "TABULAR";
  LogPlace place_;
  RestLogin login_;
  std::filesystem::path sign_file_;
};

}  // namespace

std::unique_ptr<Command> make_sql() {
  return std::make_unique<Sql>();
}

}  // namespace penstock::cli
