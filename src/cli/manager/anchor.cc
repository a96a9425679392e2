#include <CLI/CLI.hpp>

#include "base/file.h"
#include "cli/console/cell_text.h"
#include "cli/manager/admin_verb.h"
#include "cli/manager/answer_text.h"

namespace penstock::cli {
namespace {

constexpr const char* kAnchorsPath = "/v1/trust-anchors";
constexpr std::size_t kAnchorFileBytesMax = 64 << 10;

class AddAnchor final : public AdminVerb {
 public:
  void declare(CLI::App& verb) override {
    verb.add_option("CERTIFICATE", file_, "The root's certificate, PEM")->required();
    verb.add_option("--name", name_, "What it is called in verdicts and entries")->required();
    verb.add_option("--trust", trust_,
                    "provider: TPMs in a provider's or maker's hands; operator: those in the "
                    "operator's own, which a policy must allow (allow_operator_vtpm)")
        ->required();
  }
  Result<> prepare() override {
    certificate_ = TRY(read_file(file_, kAnchorFileBytesMax));
    return {};
  }
  bool needs_owner() const override { return true; }
  Result<> run(AdminClient& manager) override {
    const Json answer = TRY(manager.post(
        kAnchorsPath, {{"name", name_}, {"trust", trust_}, {"certificate", certificate_}}));
    fmt::print("{}: TPMs under this root are worth '{}' from now on\n  {}\n", printable(name_),
               text_of(answer, "trust"), text_of(answer, "id"));
    return {};
  }

 private:
  std::filesystem::path file_;
  std::string name_, trust_, certificate_;
};

class ListAnchors final : public AdminVerb {
 public:
  void declare(CLI::App& verb) override { verb.add_flag("--json", json_, "As JSON"); }
  Result<> run(AdminClient& manager) override {
    const Json answer = TRY(manager.get(kAnchorsPath));
    const Json& list = list_of(answer, "trust_anchors");
    if (json_) {
      fmt::print("{}\n", list.dump(2));
      return {};
    }
    if (list.empty()) fmt::print("No root beside the vendors' is trusted\n");
    for (const Json& each : list)
      fmt::print("{}  {} ({}) since {}\n", text_of(each, "id"), text_of(each, "name"),
                 text_of(each, "trust"), moment_of(each, "added_ms"));
    return {};
  }

 private:
  bool json_ = false;
};

class RemoveAnchor final : public AdminVerb {
 public:
  void declare(CLI::App& verb) override {
    verb.add_option("ID", id_, "SHA-256 of its key, as `anchor list` shows it")->required();
  }
  bool needs_owner() const override { return true; }
  Result<> run(AdminClient& manager) override {
    TRY(manager.remove(std::string(kAnchorsPath) + "/" + id_));
    fmt::print("Nothing under that root is believed any more\n");
    return {};
  }

 private:
  std::string id_;
};

constexpr AdminVerbEntry kAnchorVerbs[] = {
    {"add", "Trust TPMs under a root, under the owner's signature",
     "  penstock manager anchor add root.pem --name 'TPM maker' --trust provider --data manager",
     [] -> std::unique_ptr<AdminVerb> { return std::make_unique<AddAnchor>(); }},
    {"list", "Roots beside the vendors' that are trusted",
     "  penstock manager anchor list --data manager",
     [] -> std::unique_ptr<AdminVerb> { return std::make_unique<ListAnchors>(); }},
    {"remove", "Trust a root no longer, under the owner's signature",
     "  penstock manager anchor remove 3f5a... --data manager",
     [] -> std::unique_ptr<AdminVerb> { return std::make_unique<RemoveAnchor>(); }},
};

}  // namespace

AdminVerbGroup anchor_verbs() {
  return {"anchor", "Roots of TPMs that are trusted beside the vendors'", kAnchorVerbs};
}

}  // namespace penstock::cli
