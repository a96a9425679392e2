#include <CLI/CLI.hpp>

#include "base/file.h"
#include "cli/manager/admin_verb.h"
#include "cli/manager/answer_text.h"
#include "cli/measurement.h"
#include "cli/paragraph.h"

namespace penstock::cli {
namespace {

// The two things that are approved differ in names only.
struct Kind {
  const char* what;        // "build"
  const char* collection;  // of the path and the app's answer
  const char* member;      // of a body and an entry
};
constexpr std::size_t kClaimsFileBytesMax = 64 << 10;
constexpr Kind kBuild{"build", "builds", "measurement"};
constexpr Kind kConfig{"configuration", "configs", "digest"};

std::string path_of(const std::string& app, const Kind& kind) {
  return fmt::format("/v1/apps/{}/{}", app, kind.collection);
}

// Which build or configuration is meant: by its file or by its value.
class Subject {
 public:
  explicit Subject(const Kind& kind) : kind_(kind) {}

  void declare(CLI::App& verb) {
    CLI::Option* file =
        &kind_ == &kBuild
            ? verb.add_option("--binary", file_, "The program; its simulated measurement is taken")
            : verb.add_option("FILE", file_, "The measured configuration (`penstock config pack`)");
    verb.add_option(fmt::format("--{}", kind_.member), value_, "The value itself, in hex")
        ->excludes(file);
  }

  Result<std::string> value() const {
    if (!value_.empty()) return checked_digest(value_, kind_.member);
    if (file_.empty())
      return fail(ErrorCode::invalid_argument,
                  &kind_ == &kBuild ? "which build? Give --binary FILE or --measurement HEX"
                                    : "which configuration? Give its FILE or --digest HEX");
    if (&kind_ == &kBuild) return simulated_measurement(file_);
    return TRY(config_facts(file_)).digest;
  }

  const std::filesystem::path& file() const { return file_; }
  bool is_given() const { return !file_.empty() || !value_.empty(); }

 private:
  const Kind& kind_;
  std::filesystem::path file_;
  std::string value_;
};

class Approve final : public AdminVerb {
 public:
  explicit Approve(const Kind& kind) : kind_(kind), subject_(kind) {}

  void declare(CLI::App& verb) override {
    verb.add_option("--app", app_, "For which app")->required();
    subject_.declare(verb);
    if (&kind_ == &kBuild)
      verb.add_option("--claims", claims_file_,
                      "A build of several claims, all of which must fit: a file with a JSON object "
                      "such as {\"tpm.pcr4\": HEX, \"tpm.pcr11\": HEX}; policies ask by build_in");
    verb.add_option("--note", note_, "For people: where it comes from, who looked at it");
  }

  Result<> prepare() override {
    TRY(check_app_name(app_));
    if (!claims_file_.empty()) return read_claims();
    value_ = TRY(subject_.value());
    if (note_.empty() && !subject_.file().empty()) note_ = subject_.file().filename().string();
    return {};
  }

  Result<> run(AdminClient& manager) override {
    if (!claims_file_.empty()) {
      TRY(manager.post(path_of(app_, kind_), {{"claims", claims_}, {"note", note_}}));
      fmt::print("App '{}' takes this {} from now on:\n{}\n", app_, kind_.what, claims_.dump(2));
      return {};
    }
    TRY(manager.post(path_of(app_, kind_), {{kind_.member, value_}, {"note", note_}}));
    fmt::print("App '{}' takes this {} from now on:\n{}  {}\n", app_, kind_.what, kind_.member,
               value_);
    return {};
  }

 private:
  Result<> read_claims() {
    if (subject_.is_given())
      return fail(ErrorCode::invalid_argument,
                  "--claims: a measurement among several claims is one of them");
    const std::string text = TRY(read_file(claims_file_, kClaimsFileBytesMax));
    claims_ = TRY(parse_json(text, claims_file_.string()));
    return {};
  }

  const Kind& kind_;
  Subject subject_;
  std::string app_, note_, value_;
  std::filesystem::path claims_file_;
  Json claims_;
};

class Revoke final : public AdminVerb {
 public:
  explicit Revoke(const Kind& kind) : kind_(kind), subject_(kind) {}

  void declare(CLI::App& verb) override {
    verb.add_option("--app", app_, "For which app")->required();
    subject_.declare(verb);
  }

  Result<> prepare() override {
    TRY(check_app_name(app_));
    value_ = TRY(subject_.value());
    return {};
  }

  Result<> run(AdminClient& manager) override {
    TRY(manager.remove(fmt::format("{}/{}", path_of(app_, kind_), value_)));
    fmt::print("{}{}  {}\n",
               paragraph(fmt::format("App '{}' refuses this {} from now on, at every release; keys "
                                     "that were released to it before stay known to it:",
                                     app_, kind_.what),
                         report_columns()),
               kind_.member, value_);
    return {};
  }

 private:
  const Kind& kind_;
  Subject subject_;
  std::string app_, value_;
};

class ListApproved final : public AdminVerb {
 public:
  explicit ListApproved(const Kind& kind) : kind_(kind) {}

  void declare(CLI::App& verb) override {
    verb.add_option("--app", app_, "Of which app")->required();
    verb.add_flag("--json", json_, "As JSON");
  }
  Result<> prepare() override { return check_app_name(app_); }

  Result<> run(AdminClient& manager) override {
    const Json answer = TRY(manager.get("/v1/apps/" + app_));
    const Json& list = list_of(answer, kind_.collection);
    fmt::print("{}", json_ ? list.dump(2) + "\n" : approvals_text(list, kind_.member));
    if (&kind_ == &kBuild && !json_)
      fmt::print("{}", whole_builds_text(list_of(answer, "whole_builds")));
    return {};
  }

 private:
  const Kind& kind_;
  std::string app_;
  bool json_ = false;
};

template <typename Verb, const Kind& kKind>
std::unique_ptr<AdminVerb> make() {
  return std::make_unique<Verb>(kKind);
}

constexpr AdminVerbEntry kBuildVerbs[] = {
    {"approve", "Let a build have the app's keys",
     "  penstock manager build approve --app payments --binary penstockd --note '1.4, reviewed'",
     make<Approve, kBuild>},
    {"revoke", "Take that back: it gets nothing any more",
     "  penstock manager build revoke --app payments --binary penstockd", make<Revoke, kBuild>},
    {"list", "Builds that are approved", "  penstock manager build list --app payments",
     make<ListApproved, kBuild>},
};
constexpr AdminVerbEntry kConfigVerbs[] = {
    {"approve", "Let a configuration have the app's keys",
     "  penstock manager config approve --app payments service.initdata.toml",
     make<Approve, kConfig>},
    {"revoke", "Take that back: it gets nothing any more",
     "  penstock manager config revoke --app payments service.initdata.toml",
     make<Revoke, kConfig>},
    {"list", "Configurations that are approved", "  penstock manager config list --app payments",
     make<ListApproved, kConfig>},
};

}  // namespace

AdminVerbGroup build_verbs() {
  return {"build", "Approved builds: which programs get an app's keys", kBuildVerbs};
}

AdminVerbGroup config_verbs() {
  return {"config", "Approved configurations: what those programs may do", kConfigVerbs};
}

}  // namespace penstock::cli
