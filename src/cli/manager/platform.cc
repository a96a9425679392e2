#include <CLI/CLI.hpp>

#include "cli/manager/admin_verb.h"
#include "cli/manager/answer_text.h"
#include "cli/paragraph.h"
#include "cli/private_file.h"
#include "crypto/jwk.h"

namespace penstock::cli {
namespace {

class NewPlatform final : public AdminVerb {
 public:
  void declare(CLI::App& verb) override {
    verb.add_option("--out", out_, "File for the platform's private key; must not exist")
        ->required();
  }
  Result<> prepare() override { return require_absent(out_); }

  Result<> run(AdminClient& manager) override {
    Json answer = TRY(manager.post("/v1/platforms", Json::object()));
    const std::string id = text_of(answer, "id");
    Result<> written = write_key(answer);
    crypto::wipe_json(answer);
    TRY(std::move(written));
    fmt::print("{}: key of the simulated platform\n  {}\n{}", out_.string(), id,
               paragraph(fmt::format("It is for `penstockd --tee simulated --platform-key {}`. "
                                     "Whoever has it can pretend to be any program: a simulated "
                                     "TEE protects nothing.",
                                     out_.string()),
                         report_columns()));
    return {};
  }

 private:
  Result<> write_key(const Json& answer) const {
    const auto pem = answer.is_object() ? answer.find("private_key_pem") : answer.end();
    if (pem == answer.end() || !pem->is_string())
      return fail(ErrorCode::io, "the manager's answer holds no private_key_pem");
    return write_private_file(out_, as_bytes(pem->get_ref<const std::string&>()));
  }

  std::filesystem::path out_;
};

class ListPlatforms final : public AdminVerb {
 public:
  void declare(CLI::App& verb) override { verb.add_flag("--json", json_, "As JSON"); }

  Result<> run(AdminClient& manager) override {
    const Json answer = TRY(manager.get("/v1/platforms"));
    const Json& list = answer.is_array() ? answer : list_of(answer, "platforms");
    if (json_) {
      fmt::print("{}\n", list.dump(2));
      return {};
    }
    if (list.empty()) fmt::print("No simulated platform is believed\n");
    for (const Json& platform : list)
      fmt::print("{}{}{}\n", text_of(platform, "id"),
                 moment_of(platform, "added_ms").empty() ? "" : "  since ",
                 moment_of(platform, "added_ms"));
    return {};
  }

 private:
  bool json_ = false;
};

constexpr AdminVerbEntry kPlatformVerbs[] = {
    {"new", "Make a simulated platform (development managers only)",
     "  penstock manager platform new --out platform.key.pem",
     [] -> std::unique_ptr<AdminVerb> { return std::make_unique<NewPlatform>(); }},
    {"list", "Simulated platforms that are believed", "  penstock manager platform list",
     [] -> std::unique_ptr<AdminVerb> { return std::make_unique<ListPlatforms>(); }},
};

}  // namespace

AdminVerbGroup platform_verbs() {
  return {"platform", "Simulated platforms, for development", kPlatformVerbs};
}

}  // namespace penstock::cli
