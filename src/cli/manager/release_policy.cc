#include <CLI/CLI.hpp>

#include "attest/limits.h"
#include "attest/policy.h"
#include "base/file.h"
#include "cli/manager/admin_verb.h"
#include "cli/manager/answer_text.h"

namespace penstock::cli {
namespace {

constexpr std::string_view kDenyAll = "deny-all";
constexpr std::string_view kDefault = "default";

std::string policy_path(const std::string& app) {
  return fmt::format("/v1/apps/{}/policy", app);
}

class ShowReleasePolicy final : public AdminVerb {
 public:
  void declare(CLI::App& verb) override {
    verb.add_option("--app", app_, "Of which app")->required();
    verb.add_flag("--json", json_, "Only the document");
  }
  Result<> prepare() override { return check_app_name(app_); }

  Result<> run(AdminClient& manager) override {
    const Json document = TRY(manager.get(policy_path(app_)));
    if (json_) {
      fmt::print("{}\n", document.dump(2));
      return {};
    }
    const attest::Policy policy =
        TRY_IN(attest::Policy::from_json(document), "the manager's answer");
    fmt::print("{}digest {}\n", policy_text(document), policy.digest());
    return {};
  }

 private:
  std::string app_;
  bool json_ = false;
};

class SetPolicy final : public AdminVerb {
 public:
  void declare(CLI::App& verb) override {
    verb.add_option("--app", app_, "For which app")->required();
    verb.add_option("POLICY", source_,
                    "File with the document, or 'deny-all', or 'default': approved builds and "
                    "configurations, no debugging")
        ->required();
    verb.add_flag("--allow-simulated", allow_simulated_,
                  "With 'default', on a development manager: also simulated TEEs, which protect "
                  "nothing");
  }

  Result<> prepare() override {
    TRY(check_app_name(app_));
    if (allow_simulated_ && source_ != kDefault)
      return fail(ErrorCode::invalid_argument,
                  "--allow-simulated goes with 'default'; a document says it itself, with "
                  "\"allow_simulated\": true");
    document_ = TRY(document());
    return {};
  }

  // Compare-and-set: nobody else's change between reading and writing is lost.
  Result<> run(AdminClient& manager) override {
    const Json present = TRY(manager.get(policy_path(app_)));
    const std::int64_t version =
        TRY_IN(json_integer(present, "policy", "version"), "the manager's answer");
    document_["version"] = version + 1;
    Result<Json> put = manager.put(policy_path(app_), document_);
    if (!put)
      return fail(
          put.error().in(fmt::format("policy of app '{}' stays at version {}", app_, version)));
    fmt::print("Policy of app '{}': version {} became version {}\n{}", app_, version, version + 1,
               policy_text(document_));
    return {};
  }

 private:
  Result<Json> document() const {
    if (source_ == kDenyAll) return attest::Policy::deny_all().document();
    if (source_ == kDefault) return attest::Policy::for_app(allow_simulated_).document();
    const std::string text = TRY(read_file(source_, attest::kPolicyBytesMax));
    return TRY_IN(attest::Policy::parse(text), fmt::format("'{}'", source_)).document();
  }

  std::string app_, source_;
  bool allow_simulated_ = false;
  Json document_;
};

constexpr AdminVerbEntry kReleasePolicyVerbs[] = {
    {"show", "The policy of an app, in words", "  penstock manager policy show --app payments",
     [] -> std::unique_ptr<AdminVerb> { return std::make_unique<ShowReleasePolicy>(); }},
    {"set", "Replace it; the version is counted up",
     "  penstock manager policy set --app payments policy.json\n"
     "  penstock manager policy set --app payments deny-all\n"
     "A document:\n"
     "  {\"version\": 1, \"allow_simulated\": false, \"allOf\": [\n"
     "    {\"claim\": \"measurement\", \"in_list\": \"builds\"},\n"
     "    {\"claim\": \"config_digest\", \"in_list\": \"configs\"},\n"
     "    {\"claim\": \"debug\", \"equals\": false}]}",
     [] -> std::unique_ptr<AdminVerb> { return std::make_unique<SetPolicy>(); }},
};

}  // namespace

AdminVerbGroup release_policy_verbs() {
  return {"policy", "What evidence must say before an app's secrets leave", kReleasePolicyVerbs};
}

}  // namespace penstock::cli
