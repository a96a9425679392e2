#include <unistd.h>

#include <CLI/CLI.hpp>

#include "cli/manager/admin_verb.h"
#include "cli/manager/answer_text.h"
#include "cli/manager/secret_path.h"
#include "cli/paragraph.h"
#include "cli/private_file.h"
#include "cli/terminal.h"
#include "keys/resource.h"

namespace penstock::cli {

Result<keys::ResourcePath> parse_secret_path(std::string_view app, std::string_view typed) {
  const std::size_t slash = typed.find('/');
  const bool two_parts = slash != std::string_view::npos && slash > 0 && slash + 1 < typed.size() &&
                         typed.find('/', slash + 1) == std::string_view::npos;
  if (!two_parts)
    return fail(ErrorCode::invalid_argument,
                fmt::format("'{}': a secret is named KIND/NAME, such as secret/database; its app "
                            "comes from --app",
                            typed));
  return keys::ResourcePath::parse(fmt::format("{}/{}", app, typed));
}

std::string api_path(const keys::ResourcePath& secret) {
  return fmt::format("/v1/apps/{}/secrets/{}/{}", secret.app, secret.kind, secret.name);
}

namespace {

// --app and KIND/NAME, as two of the verbs take them.
class SecretName {
 public:
  void declare(CLI::App& verb) {
    verb.add_option("--app", app_, "Of which app")->required();
    verb.add_option("KIND/NAME", typed_, "Such as secret/database")->required();
  }
  Result<keys::ResourcePath> path() const {
    TRY(check_app_name(app_));
    return parse_secret_path(app_, typed_);
  }

 private:
  std::string app_, typed_;
};

class PutSecret final : public AdminVerb {
 public:
  void declare(CLI::App& verb) override { name_.declare(verb); }

  Result<> prepare() override {
    path_ = TRY(name_.path());
    if (::isatty(STDIN_FILENO) == 1) note("the secret comes from standard input; Ctrl-D ends it");
    secret_ = TRY(read_secret_from_stdin(keys::resource_bytes_max(path_.kind)));
    if (secret_.empty()) return fail(ErrorCode::invalid_argument, "standard input gave no secret");
    if (secret_.view().back() == '\n')
      note("the secret ends with a newline, which is part of it; printf '%s' writes none");
    return {};
  }

  Result<> run(AdminClient& manager) override {
    TRY(manager.put_bytes(api_path(path_), secret_.view()));
    fmt::print("{}", paragraph(fmt::format("{}: {} bytes. Nobody can read it back but an enclave "
                                           "that the policy of '{}' allows",
                                           path_.text(), secret_.size(), path_.app),
                               report_columns()));
    return {};
  }

 private:
  SecretName name_;
  keys::ResourcePath path_;
  SecretBuffer secret_;
};

class ListSecrets final : public AdminVerb {
 public:
  void declare(CLI::App& verb) override {
    verb.add_option("--app", app_, "Of which app")->required();
    verb.add_flag("--json", json_, "As JSON");
  }
  Result<> prepare() override { return check_app_name(app_); }

  Result<> run(AdminClient& manager) override {
    const Json answer = TRY(manager.get("/v1/apps/" + app_));
    const Json& list = list_of(answer, "secrets");
    fmt::print("{}", json_ ? list.dump(2) + "\n" : secrets_text(list));
    return {};
  }

 private:
  std::string app_;
  bool json_ = false;
};

class RemoveSecret final : public AdminVerb {
 public:
  void declare(CLI::App& verb) override { name_.declare(verb); }
  Result<> prepare() override {
    path_ = TRY(name_.path());
    return {};
  }
  Result<> run(AdminClient& manager) override {
    TRY(manager.remove(api_path(path_)));
    fmt::print("{} is gone; enclaves that have it keep it until they end\n", path_.text());
    return {};
  }

 private:
  SecretName name_;
  keys::ResourcePath path_;
};

constexpr AdminVerbEntry kSecretVerbs[] = {
    {"put", "Store a secret, or replace it; it comes from standard input",
     "  penstock manager secret put --app payments secret/database < password.txt",
     [] -> std::unique_ptr<AdminVerb> { return std::make_unique<PutSecret>(); }},
    {"list", "Names of an app's secrets", "  penstock manager secret list --app payments",
     [] -> std::unique_ptr<AdminVerb> { return std::make_unique<ListSecrets>(); }},
    {"remove", "Remove a secret for ever",
     "  penstock manager secret remove --app payments secret/database",
     [] -> std::unique_ptr<AdminVerb> { return std::make_unique<RemoveSecret>(); }},
};

}  // namespace

AdminVerbGroup secret_verbs() {
  return {"secret", "Secrets that an app's enclaves may fetch", kSecretVerbs};
}

}  // namespace penstock::cli
