#include <CLI/CLI.hpp>

#include "attest/initdata.h"
#include "attest/limits.h"
#include "base/file.h"
#include "cli/command.h"
#include "cli/config_diff.h"
#include "cli/config_pack.h"
#include "session/configuration.h"

namespace penstock::cli {
namespace {

constexpr const char* kMainFile = "penstock.toml";

// `config pack`
class PackConfig {
 public:
  void declare(CLI::App& verb) {
    verb.add_option("FILE", file_, "Configuration of penstockd (TOML)")->required();
    verb.add_option("--out", out_, "The measured configuration to write")->required();
    verb.footer(
        "Puts the SQL files, keys and the CA that FILE names into one file, which is what the\n"
        "owner approves and the enclave is measured with.\n"
        "Example:\n  penstock config pack penstock.toml --out service.initdata.toml\n"
        "  penstock manager config approve --app payments service.initdata.toml\n"
        "  penstockd --data data --config service.initdata.toml --tee simulated \\\n"
        "      --platform-key platform.key.pem");
  }

  Result<> run() const {
    std::map<std::string, std::string, std::less<>> files;
    std::string text = TRY(read_file(file_, attest::kInitdataBytesMax));
    const TomlTable table =
        TRY(parse_toml(text, file_.string(), {.bytes_max = attest::kInitdataBytesMax}));
    files.emplace(kMainFile, std::move(text));
    for (const std::string& name : TRY(files_named(table))) {
      files.emplace(name, TRY_IN(read_file(file_.parent_path() / name, attest::kInitdataBytesMax),
                                 fmt::format("{} names it", file_.string())));
    }
    const std::string packed = pack_initdata(files);
    const attest::Initdata read = TRY(attest::parse_initdata(packed));
    if (read.files != files) {
      return fail(ErrorCode::internal, "the packed file does not read back as it was written");
    }
    TRY(write_file(out_, as_bytes(packed)));
    fmt::print("{}: {} bytes with", out_.string(), packed.size());
    for (const auto& [name, content] : files) fmt::print(" {}", name);
    fmt::print("\ndigest  {}  ({})\n", to_hex(TRY(attest::initdata_digest(packed))),
               read.algorithm);
    return {};
  }

 private:
  std::filesystem::path file_, out_;
};

// `config diff`
class DiffConfig {
 public:
  void declare(CLI::App& verb) {
    verb.add_option("OLD", old_, "Configuration (TOML, plain or packed) or SQL file that runs")
        ->required();
    verb.add_option("NEW", new_, "The one that is to replace it")->required();
    verb.footer(
        "Shows what NEW would change: which queries begin, go on with another plan, read from the\n"
        "start again or end. Refused is what the start would refuse, with both texts and advice.\n"
        "Example:\n  penstock config diff payments.sql payments-new.sql");
  }
  Result<> run() const {
    const auto changes =
        TRY(session::changes_between(TRY(scripts_of(old_)), TRY(scripts_of(new_))));
    fmt::print("{}", changes.empty() ? "nothing changes\n" : session::text_of(changes));
    return {};
  }

 private:
  std::filesystem::path old_, new_;
};

class Config final : public Command {
 public:
  void declare(CLI::App& verb) override {
    verb.require_subcommand(1);
    pack_verb_ = verb.add_subcommand("pack", "One file of a configuration and what it names");
    pack_.declare(*pack_verb_);
    diff_verb_ = verb.add_subcommand("diff", "What a new configuration or SQL file would change");
    diff_.declare(*diff_verb_);
  }
  Result<> run() override { return diff_verb_->parsed() ? diff_.run() : pack_.run(); }

 private:
  CLI::App *pack_verb_ = nullptr, *diff_verb_ = nullptr;
  PackConfig pack_;
  DiffConfig diff_;
};

}  // namespace

std::unique_ptr<Command> make_config() {
  return std::make_unique<Config>();
}

}  // namespace penstock::cli
