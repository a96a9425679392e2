#include <algorithm>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "attest/collateral.h"
#include "attest/limits.h"
#include "attest/rfc3339.h"
#include "base/clock.h"
#include "base/file.h"
#include "cli/command.h"
#include "cli/console/cell_text.h"
#include "cli/limits.h"

namespace penstock::cli {
namespace {

// `collateral import`, `show` and `check`: a bundle of signed collateral, all offline.
class CollateralCommand final : public Command {
 public:
  void declare(CLI::App& verb) override {
    verb.require_subcommand(1);
    CLI::App& import = *verb.add_subcommand("import", "Put files into a bundle");
    import.add_option("BUNDLE", bundle_, "The bundle; made if it is not there")->required();
    import
        .add_option("FILES", files_,
                    "KIND=FILE, where KIND is tcb_info, qe_identity, tcb_signing_chain, "
                    "root_ca_crl, pck_crl, amd_chain, amd_crl or tpm_crl")
        ->required();
    import.callback([this] { action_ = &CollateralCommand::import; });
    CLI::App& show = *verb.add_subcommand("show", "What is in a bundle, and until when it holds");
    show.add_option("BUNDLE", bundle_, "The bundle")->required();
    show.callback([this] { action_ = &CollateralCommand::show; });
    CLI::App& check = *verb.add_subcommand("check",
                                           "Ends with status 1 when something in a bundle "
                                           "does not hold, or not for long");
    check.add_option("BUNDLE", bundle_, "The bundle")->required();
    check.add_option("--days", days_, "How many more days everything must hold (0)");
    check.add_option("--at", at_,
                     "As of this time, such as 2026-02-01T00:00:00Z; now unless given");
    check.callback([this] { action_ = &CollateralCommand::check; });
  }

  Result<> run() override { return (this->*action_)(); }
  int answer_status() const override { return status_; }

 private:
  Result<Json> read_bundle() const {
    const std::string text = TRY(read_file(bundle_, attest::kCollateralBundleBytesMax));
    return parse_json(text, "collateral bundle", {.bytes_max = attest::kCollateralBundleBytesMax});
  }

  // What is new replaces nothing: the newest of a kind is taken when judging. What was made later
  // and has a lower number is refused.
  Result<> import() {
    Json bundle = {{"penstock_collateral", 1}, {"items", Json::array()}};
    std::error_code ignored;
    if (std::filesystem::exists(bundle_, ignored)) bundle = TRY(read_bundle());
    const attest::Collateral before = TRY(attest::Collateral::parse(bundle.dump()));
    for (const std::string& each : files_) {
      const std::size_t at = each.find('=');
      if (at == std::string::npos)
        return fail(ErrorCode::invalid_argument, fmt::format("'{}' is not KIND=FILE", each));
      const std::string text = TRY(read_file(each.substr(at + 1), kEvidenceFileBytesMax));
      Json item = {{"kind", each.substr(0, at)}, {"data", to_base64(as_bytes(text))}};
      Json& items = bundle["items"];
      if (std::ranges::find(items, item) == items.end()) items.push_back(std::move(item));
    }
    const std::string text = bundle.dump(1) + "\n";
    const attest::Collateral after = TRY(attest::Collateral::parse(text));
    TRY(after.check_follows(before));
    TRY(write_file(bundle_, as_bytes(text)));
    return show();
  }

  Result<> show() {
    const Json bundle = TRY(read_bundle());
    const attest::Collateral collateral = TRY(attest::Collateral::parse(bundle.dump()));
    for (const attest::CollateralItem& item : collateral.items())
      fmt::print("{:<18} {} to {}  {}{}\n", item.kind, attest::rfc3339(item.from_s),
                 attest::rfc3339(item.to_s), printable(item.about),
                 item.number > 0 ? fmt::format(" (number {})", item.number) : "");
    if (const auto end = collateral.expires_s())
      fmt::print("Everything in it holds until {}.\n", attest::rfc3339(*end));
    else
      fmt::print("The bundle is empty.\n");
    return {};
  }

  Result<> check() {
    const Json bundle = TRY(read_bundle());
    const attest::Collateral collateral = TRY(attest::Collateral::parse(bundle.dump()));
    const std::int64_t now_s =
        at_.empty() ? system_clock().now_ms() / 1000 : TRY_IN(attest::parse_rfc3339(at_), "--at");
    for (const attest::CollateralItem& item : collateral.state(now_s, days_).alarms) {
      const bool early = now_s < item.from_s;
      status_ = 1;
      fmt::print("{} {}: {} {}\n", item.kind, printable(item.about),
                 early ? "does not hold before" : "holds only until",
                 attest::rfc3339(early ? item.from_s : item.to_s));
    }
    if (collateral.items().empty()) {
      status_ = 1;
      fmt::print("The bundle is empty.\n");
    } else if (status_ == 0) {
      fmt::print("All {} items hold.\n", collateral.current().size());
    }
    return {};
  }

  std::filesystem::path bundle_;
  std::vector<std::string> files_;
  std::string at_;
  std::int64_t days_ = 0;
  Result<> (CollateralCommand::*action_)() = &CollateralCommand::show;
  int status_ = 0;
};

}  // namespace

std::unique_ptr<Command> make_collateral() {
  return std::make_unique<CollateralCommand>();
}

}  // namespace penstock::cli
