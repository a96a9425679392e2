#include <CLI/CLI.hpp>

#include "base/file.h"
#include "cli/command.h"
#include "cli/limits.h"
#include "cli/private_file.h"
#include "crypto/signature.h"

namespace penstock::cli {
namespace {

// `statement-key new`
class NewStatementKey {
 public:
  void declare(CLI::App& verb) {
    verb.add_option("--out", out_, "Begin of the files' names: OUT.key.pem and OUT.pub.pem")
        ->required();
    verb.footer(
        "Example:\n  penstock statement-key new --out review\n"
        "  # in the configuration: statement_keys = [\"review.pub.pem\"]\n"
        "  penstock sql --server http://127.0.0.1:8088 --sign review.key.pem -e 'DROP STREAM s;'");
  }

  Result<> run() const {
    const std::filesystem::path secret = out_ + ".key.pem", open = out_ + ".pub.pem";
    TRY(require_absent(secret));
    TRY(require_absent(open));
    const crypto::SigningKey key =
        TRY(crypto::SigningKey::generate_ed25519(crypto::system_random()));
    const SecretBuffer pem = TRY(key.to_pem());
    TRY(write_private_file(secret, pem.view()));
    TRY(write_file(open, as_bytes(key.public_key().to_pem())));
    fmt::print(
        "A key that signs statements ({}), id {}\n\n"
        "  {}\n      SECRET: whoever has it may change what the server does.\n"
        "  {}\n      public. Name it in the configuration before that is packed and approved:\n"
        "      statement_keys = [\"{}\"]\n",
        key.public_key().algorithm(), to_hex(key.public_key().id()), secret.string(), open.string(),
        open.filename().string());
    return {};
  }

 private:
  std::string out_;
};

// `statement-key show`
class ShowStatementKey {
 public:
  void declare(CLI::App& verb) {
    verb.add_option("FILE", file_, "Public key (PEM)")->required();
    verb.footer("Example:\n  penstock statement-key show review.pub.pem");
  }

  Result<> run() const {
    const std::string pem = TRY(read_file(file_, kPemFileBytesMax));
    const crypto::VerificationKey key =
        TRY_IN(crypto::VerificationKey::from_pem(pem), fmt::format("'{}'", file_.string()));
    fmt::print("algorithm  {}\nid         {}\n", key.algorithm(), to_hex(key.id()));
    return {};
  }

 private:
  std::filesystem::path file_;
};

class StatementKey final : public Command {
 public:
  void declare(CLI::App& verb) override {
    verb.require_subcommand(1);
    make_verb_ = verb.add_subcommand("new", "Make a key");
    make_.declare(*make_verb_);
    show_.declare(*verb.add_subcommand("show", "Algorithm and id of a public key"));
  }
  Result<> run() override { return make_verb_->parsed() ? make_.run() : show_.run(); }

 private:
  CLI::App* make_verb_ = nullptr;
  NewStatementKey make_;
  ShowStatementKey show_;
};

}  // namespace

std::unique_ptr<Command> make_statement_key() {
  return std::make_unique<StatementKey>();
}

}  // namespace penstock::cli
