#include <CLI/CLI.hpp>

#include "cli/manager/admin_verb.h"
#include "cli/manager/answer_text.h"
#include "keys/held_checkpoint.h"

namespace penstock::cli {
namespace {

class ListCheckpoints final : public AdminVerb {
 public:
  void declare(CLI::App& verb) override { verb.add_flag("--json", json_, "As JSON"); }

  Result<> run(AdminClient& manager) override {
    const Json answer = TRY(manager.get("/v1/services"));
    const Json& list = list_of(answer, "services");
    if (json_) {
      fmt::print("{}\n", list.dump(2));
      return {};
    }
    if (list.empty()) fmt::print("No service has shown what it stored yet\n");
    for (const Json& row : list) TRY(print(row));
    return {};
  }

 private:
  static Result<> print(const Json& row) {
    const Json none = Json::object();
    const auto at = row.find("checkpoint");
    const auto held =
        TRY(keys::parse_held_checkpoint(at == row.end() ? none : *at, "the manager's answer"));
    const std::string instance = text_of(row, "instance");
    const std::string holder = text_of(row, "holder");
    fmt::print("{}/{}{}  lease {}  commit {}  held since {}  {}{}\n", text_of(row, "app"),
               text_of(row, "service"), instance.empty() ? "" : "/" + instance,
               row.value("term", std::int64_t{0}), held.number(), moment_of(row, "held_ms"),
               holder.empty() ? "nobody runs it" : "run by guest:" + holder.substr(0, 16),
               row.value("loss_accepted", false) ? "  a loss is accepted at the next start" : "");
    return {};
  }
  bool json_ = false;
};

class AcceptLoss final : public AdminVerb {
 public:
  void declare(CLI::App& verb) override {
    verb.add_option("SERVICE", service_, "service_id of its measured configuration")->required();
    verb.add_option("--app", app_, "Its app")->required();
    verb.add_option("--instance", instance_, "Of a service that several processes share");
    verb.add_flag("--yes", sure_, "Really: records may count twice, or be missing");
  }
  Result<> prepare() override {
    TRY(check_app_name(app_));
    TRY(check_app_name(service_));
    if (sure_) return {};
    return fail(
        ErrorCode::failed_precondition,
        fmt::format("whatever service '{}' shows at its next start is then taken, also what "
                    "a host has put back: add --yes if that is wanted",
                    service_));
  }

  Result<> run(AdminClient& manager) override {
    TRY(manager.post(fmt::format("/v1/services/{}/{}/accept-loss", app_, service_),
                     {{"instance", instance_}}));
    fmt::print("The next start of service '{}' is taken as it is, once\n", service_);
    return {};
  }

 private:
  std::string app_, service_, instance_;
  bool sure_ = false;
};

constexpr AdminVerbEntry kCheckpointVerbs[] = {
    {"list", "How far each service had come when it was heard last, and who runs it",
     "  penstock manager checkpoint list --data manager",
     [] -> std::unique_ptr<AdminVerb> { return std::make_unique<ListCheckpoints>(); }},
    {"accept-loss", "Let a service start from a state that is older than what is held of it",
     "  penstock manager checkpoint accept-loss pay --app payments --yes --data manager \\\n"
     "    --owner-key owner.key.pem",
     [] -> std::unique_ptr<AdminVerb> { return std::make_unique<AcceptLoss>(); }},
};

}  // namespace

AdminVerbGroup checkpoint_verbs() {
  return {"checkpoint", "What is held of services, so that nobody can put back an older state",
          kCheckpointVerbs};
}

}  // namespace penstock::cli
