#include <CLI/CLI.hpp>

#include "attest/collateral.h"
#include "attest/limits.h"
#include "attest/rfc3339.h"
#include "base/file.h"
#include "cli/console/cell_text.h"
#include "cli/manager/admin_verb.h"
#include "cli/manager/answer_text.h"
#include "cli/paragraph.h"
#include "cli/terminal.h"

namespace penstock::cli {
namespace {

constexpr const char* kCollateralPath = "/v1/collateral";
constexpr std::int64_t kCollateralDaySeconds = 86'400;

Result<> print_collateral(AdminClient& manager) {
  const Json answer = TRY(manager.get(kCollateralPath));
  const Json& items = list_of(answer, "items");
  if (items.empty()) {
    fmt::print("{}", paragraph("The manager has no collateral: guests of SGX, TDX and SNP are "
                               "refused unless they bring their own. Make a bundle with `penstock "
                               "collateral import`, then `penstock manager collateral import`",
                               report_columns()));
    return {};
  }
  for (const Json& item : items) {
    const std::int64_t number = number_of(item, "number");
    fmt::print("{:<18} {} to {}  {}{}{}\n", printable(text_of(item, "kind")),
               attest::rfc3339(number_of(item, "from_s")), attest::rfc3339(number_of(item, "to_s")),
               printable(text_of(item, "about")),
               number > 0 ? fmt::format(" (number {})", number) : "",
               text_of(item, "alarm") == "true" ? "  ENDS SOON" : "");
  }
  const std::int64_t left_s = number_of(answer, "ends_in_s");
  fmt::print("{}", paragraph(left_s < 0 ? std::string("Some of it has ended: import newer")
                                        : fmt::format("All of it holds for {} days more; the "
                                                      "oldest is {} days old",
                                                      left_s / kCollateralDaySeconds,
                                                      number_of(answer, "oldest_age_s") /
                                                          kCollateralDaySeconds),
                             report_columns()));
  return {};
}

class ImportCollateral final : public AdminVerb {
 public:
  void declare(CLI::App& verb) override {
    verb.add_option("BUNDLE", file_, "The bundle that `penstock collateral import` makes")
        ->required();
  }
  Result<> prepare() override {
    bundle_ = TRY(read_file(file_, attest::kCollateralBundleBytesMax));
    TRY_IN(attest::Collateral::parse(bundle_), file_.string());
    return {};
  }
  bool needs_owner() const override { return true; }
  Result<> run(AdminClient& manager) override {
    TRY(manager.put_bytes(kCollateralPath, as_bytes(bundle_)));
    return print_collateral(manager);
  }

 private:
  std::filesystem::path file_;
  std::string bundle_;
};

class ShowCollateral final : public AdminVerb {
 public:
  void declare(CLI::App& verb) override { verb.add_flag("--json", json_, "As JSON"); }
  Result<> run(AdminClient& manager) override {
    if (!json_) return print_collateral(manager);
    const Json answer = TRY(manager.get(kCollateralPath));
    fmt::print("{}\n", answer.dump(2));
    return {};
  }

 private:
  bool json_ = false;
};

constexpr AdminVerbEntry kCollateralVerbs[] = {
    {"import", "Put a bundle of signed collateral in force, under the owner's signature",
     "  penstock manager collateral import collateral.json --data manager",
     [] -> std::unique_ptr<AdminVerb> { return std::make_unique<ImportCollateral>(); }},
    {"show", "What is in force, how old it is and until when it holds",
     "  penstock manager collateral show --data manager",
     [] -> std::unique_ptr<AdminVerb> { return std::make_unique<ShowCollateral>(); }},
};

}  // namespace

AdminVerbGroup collateral_verbs() {
  return {"collateral", "Vendors' signed statements that evidence is judged with",
          kCollateralVerbs};
}

}  // namespace penstock::cli
