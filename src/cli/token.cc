#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/private_file.h"
#include "crypto/random.h"
#include "crypto/sha.h"

namespace penstock::cli {
namespace {

constexpr std::size_t kTokenRandomBytes = 32;
// Of a bare key of TOML: the lines that are printed are pasted into the configuration.
constexpr std::string_view kNameCharacters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

// `token new`
class Token final : public Command {
 public:
  void declare(CLI::App& verb) override {
    verb.require_subcommand(1);
    CLI::App* make = verb.add_subcommand("new", "Make a token");
    make->add_option("--out", out_, "File for the token (made with mode 0600)")->required();
    make->add_option("--user", user_, "The user's name, for the lines that are printed")
        ->default_str("alice")
        ->check([](const std::string& name) {
          const bool plain =
              !name.empty() && name.find_first_not_of(kNameCharacters) == std::string::npos;
          return plain ? std::string() : "expected letters, digits, '_' and '-'";
        });
    make->footer(
        "Example:\n  penstock token new --out alice.token --user alice\n"
        "  penstock sql --server https://streams:8088 --ca ca.pem --token alice.token");
  }

  Result<> run() override {
    TRY(require_absent(out_));
    SecretBuffer random = TRY(SecretBuffer::create(kTokenRandomBytes));
    TRY(crypto::system_random().fill(random.span()));
    std::string token = to_base64url(random.view());
    const std::string digest = to_hex(crypto::sha256(as_bytes(token)));
    const auto written = write_private_file(out_, as_bytes(token + "\n"));
    wipe({reinterpret_cast<std::uint8_t*>(token.data()), token.size()});
    TRY(written);
    fmt::print(
        "{}\n    SECRET: whoever has it is this user. The server keeps its SHA-256 only.\n\n"
        "In the server's configuration (role: query, statement or admin):\n"
        "    [rest.users.{}]\n    role = \"query\"\n    token_sha256 = [\"{}\"]\n",
        out_.string(), user_, digest);
    return {};
  }

 private:
  std::filesystem::path out_;
  std::string user_ = "alice";
};

}  // namespace

std::unique_ptr<Command> make_token() {
  return std::make_unique<Token>();
}

}  // namespace penstock::cli
