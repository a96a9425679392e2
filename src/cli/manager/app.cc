#include <CLI/CLI.hpp>

#include "cli/manager/admin_verb.h"
#include "cli/manager/answer_text.h"
#include "cli/paragraph.h"

namespace penstock::cli {
namespace {

class CreateApp final : public AdminVerb {
 public:
  void declare(CLI::App& verb) override {
    verb.add_option("APP", app_, "Name of the new app")->required();
    verb.add_option("--description", description_, "What it is, for people");
  }
  Result<> prepare() override { return check_app_name(app_); }

  Result<> run(AdminClient& manager) override {
    const std::string path = "/v1/apps/" + app_;
    Result<Json> known = manager.get(path);
    if (known)
      return fail(
          ErrorCode::already_exists,
          fmt::format("app '{}' is there already: `penstock manager app show {}`", app_, app_));
    if (known.error().code() != ErrorCode::not_found) return fail(std::move(known).error());
    TRY(manager.put(path, {{"description", description_}}));
    fmt::print(
        "App '{}' is there. It releases nothing yet; what it still needs:\n"
        "  penstock manager build approve --app {} --binary penstockd\n"
        "  penstock manager config approve --app {} service.initdata.toml\n",
        app_, app_, app_);
    return {};
  }

 private:
  std::string app_, description_;
};

class ListApps final : public AdminVerb {
 public:
  void declare(CLI::App& verb) override { verb.add_flag("--json", json_, "As JSON"); }

  Result<> run(AdminClient& manager) override {
    const Json answer = TRY(manager.get("/v1/apps"));
    if (json_) {
      fmt::print("{}\n", answer.dump(2));
      return {};
    }
    const Json& apps = answer.is_array() ? answer : list_of(answer, "apps");
    if (apps.empty()) fmt::print("No apps yet: `penstock manager app create NAME`\n");
    std::size_t width = 0;
    for (const Json& app : apps) width = std::max(width, name_of(app).size());
    for (const Json& app : apps)
      fmt::print("{}", paragraph(name_of(app), text_of(app, "description"),
                                 {.label_width = width + 2}, report_columns()));
    return {};
  }

 private:
  static std::string name_of(const Json& app) {
    if (app.is_string()) return app.get<std::string>();
    const std::string name = text_of(app, "name");
    return name.empty() ? text_of(app, "app") : name;
  }
  bool json_ = false;
};

class ShowApp final : public AdminVerb {
 public:
  void declare(CLI::App& verb) override {
    verb.add_option("APP", app_, "Name of the app")->required();
    verb.add_flag("--json", json_, "As JSON");
  }
  Result<> prepare() override { return check_app_name(app_); }

  Result<> run(AdminClient& manager) override {
    const Json answer = TRY(manager.get("/v1/apps/" + app_));
    fmt::print("{}", json_ ? answer.dump(2) + "\n" : app_text(app_, answer, report_columns()));
    return {};
  }

 private:
  std::string app_;
  bool json_ = false;
};

class RemoveApp final : public AdminVerb {
 public:
  void declare(CLI::App& verb) override {
    verb.add_option("APP", app_, "Name of the app")->required();
    verb.add_flag("--yes", sure_, "Really: its secrets are gone for ever");
  }
  Result<> prepare() override {
    TRY(check_app_name(app_));
    if (sure_) return {};
    return fail(ErrorCode::failed_precondition,
                fmt::format("removing app '{}' removes its secrets and approvals for ever; add "
                            "--yes if that is wanted",
                            app_));
  }

  Result<> run(AdminClient& manager) override {
    TRY(manager.remove("/v1/apps/" + app_));
    fmt::print("App '{}', its secrets and its approvals are gone\n", app_);
    return {};
  }

 private:
  std::string app_;
  bool sure_ = false;
};

constexpr AdminVerbEntry kAppVerbs[] = {
    {"create", "Make an app: a name for builds, configurations, a policy and secrets",
     "  penstock manager app create payments --data manager",
     [] -> std::unique_ptr<AdminVerb> { return std::make_unique<CreateApp>(); }},
    {"list", "All apps", "  penstock manager app list --data manager",
     [] -> std::unique_ptr<AdminVerb> { return std::make_unique<ListApps>(); }},
    {"show", "What is approved for an app, its policy, and the names of its secrets",
     "  penstock manager app show payments --data manager",
     [] -> std::unique_ptr<AdminVerb> { return std::make_unique<ShowApp>(); }},
    {"remove", "Remove an app with its secrets",
     "  penstock manager app remove payments --yes --data manager",
     [] -> std::unique_ptr<AdminVerb> { return std::make_unique<RemoveApp>(); }},
};

}  // namespace

AdminVerbGroup app_verbs() {
  return {"app", "Apps: what approvals, policies and secrets belong to", kAppVerbs};
}

}  // namespace penstock::cli
