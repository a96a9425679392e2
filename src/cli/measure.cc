#include <CLI/CLI.hpp>

#include "base/json.h"
#include "cli/command.h"
#include "cli/measurement.h"

namespace penstock::cli {
namespace {

class Measure final : public Command {
 public:
  void declare(CLI::App& verb) override {
    verb.add_option("FILE", files_, "Programs and measured configurations")->required();
    verb.add_flag("--json", json_, "As JSON");
  }

  Result<> run() override {
    OrderedJson all = OrderedJson::array();
    for (const std::filesystem::path& file : files_)
      all.push_back(TRY(is_program(file)) ? TRY(program(file)) : TRY(configuration(file)));
    if (json_) fmt::print("{}\n", all.dump(2));
    return {};
  }

 private:
  Result<OrderedJson> program(const std::filesystem::path& file) const {
    const std::string value = TRY(simulated_measurement(file));
    if (!json_)
      fmt::print(
          "{}: a program\n  measurement    {}\n                 (TEE simulated: SHA-384 of the "
          "file)\n",
          file.string(), value);
    OrderedJson out;
    out["file"] = file.string();
    out["kind"] = "program";
    out["measurements"] = {{"simulated", value}};
    return out;
  }

  Result<OrderedJson> configuration(const std::filesystem::path& file) const {
    const ConfigFacts facts = TRY(config_facts(file));
    if (!json_)
      fmt::print(
          "{}: a measured configuration with {}\n  config_digest  {}\n                 ({} of the "
          "file)\n",
          file.string(), fmt::join(facts.files, ", "), facts.digest, facts.algorithm);
    OrderedJson out;
    out["file"] = file.string();
    out["kind"] = "configuration";
    out["algorithm"] = facts.algorithm;
    out["config_digest"] = facts.digest;
    out["files"] = facts.files;
    return out;
  }

  std::vector<std::filesystem::path> files_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_measure() {
  return std::make_unique<Measure>();
}

}  // namespace penstock::cli
