#include <array>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/advice.h"
#include "cli/command.h"
#include "cli/manager/admin_options.h"
#include "cli/manager/admin_verb.h"
#include "cli/manager/restore.h"

namespace penstock::cli {
namespace {

class AdminCommand final : public Command {
 public:
  void declare(CLI::App& verb) override {
    verb.require_subcommand(1);
    for (const AdminVerbGroup& group :
         {app_verbs(), build_verbs(), config_verbs(), release_policy_verbs(), secret_verbs(),
          stream_policy_verbs(), platform_verbs(), checkpoint_verbs(), collateral_verbs(),
          anchor_verbs(), rotate_verbs(), backup_verbs(), store_verbs()})
      declare_group(verb, group);
    restore_.declare(verb);
  }

  Result<> run() override {
    if (restore_.is_chosen()) return restore_.run();
    for (const Leaf& leaf : leaves_) {
      if (!leaf.app->parsed()) continue;
      leaf.verb->set_folder(options_.folder());
      TRY(leaf.verb->prepare());
      AdminClient manager = TRY(options_.connect(leaf.verb->needs_owner()));
      return leaf.verb->run(manager);
    }
    return fail(ErrorCode::internal, "no verb was chosen");
  }

  std::string_view advice(const Error& error) const override {
    switch (error.code()) {
      case ErrorCode::unauthenticated:
        return "The token is admin.token in the manager's folder; the CA is ca.pem beside it.";
      case ErrorCode::internal:
        return advice_for(error);
      default:
        return "";
    }
  }

 private:
  struct Leaf {
    CLI::App* app;
    std::unique_ptr<AdminVerb> verb;
  };

  void declare_group(CLI::App& verb, const AdminVerbGroup& group) {
    CLI::App* parent = &verb;
    if (*group.name != '\0') {
      parent = verb.add_subcommand(group.name, group.summary);
      parent->require_subcommand(1);
    }
    for (const AdminVerbEntry& entry : group.verbs) {
      CLI::App* app = parent->add_subcommand(entry.name, entry.summary);
      app->footer(fmt::format("Example:\n{}", entry.example));
      leaves_.push_back({app, entry.make()});
      leaves_.back().verb->declare(*app);
      options_.declare(*app);
    }
  }

  AdminOptions options_;
  RestoreManager restore_;
  std::vector<Leaf> leaves_;
};

}  // namespace

std::unique_ptr<Command> make_manager() {
  return std::make_unique<AdminCommand>();
}

}  // namespace penstock::cli
