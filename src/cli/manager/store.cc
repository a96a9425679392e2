#include <deque>

#include <CLI/CLI.hpp>

#include "cli/limits.h"
#include "cli/manager/admin_verb.h"
#include "cli/manager/answer_text.h"
#include "cli/manager/audit_pages.h"
#include "cli/manager/audit_text.h"
#include "cli/paragraph.h"
#include "cli/terminal.h"

namespace penstock::cli {
namespace {

class ShowInfo final : public AdminVerb {
 public:
  void declare(CLI::App& verb) override { verb.add_flag("--json", json_, "As JSON"); }

  Result<> run(AdminClient& manager) override {
    const Json info = TRY(manager.get("/v1/info"));
    if (json_) {
      fmt::print("{}\n", info.dump(2));
      return {};
    }
    const Json head = info.value("audit_head", Json::object());
    const bool development = text_of(info, "development") == "true";
    fmt::print("manager     {}\nversion     {}\n", manager.url(), text_of(info, "version"));
    fmt::print("{}", paragraph("store",
                               development ? "for DEVELOPMENT: simulated TEEs may get keys, and "
                                             "they protect nothing"
                                           : "for production: simulated TEEs get nothing",
                               {.label_width = 12}, report_columns()));
    const Json collateral = info.value("collateral", Json());
    const bool some = collateral.is_object();
    const std::int64_t days = some ? number_of(collateral, "ends_in_s") / 86'400 : 0;
    const std::string held = !some ? std::string("none")
                             : number_of(collateral, "alarms") > 0
                                 ? fmt::format(
                                       "ALARM: the first of it ends in {} days (penstock "
                                       "manager collateral show)",
                                       days)
                                 : fmt::format("holds for {} days", days);
    fmt::print("{}", paragraph("collateral", held, {.label_width = 12}, report_columns()));
    fmt::print("apps        {}\naudit log   {} entries, hash {}\n", apps_text(info),
               number_of(head, "sequence"), text_of(head, "hash"));
    return {};
  }

 private:
  static std::string apps_text(const Json& info) {
    const auto apps = info.find("apps");
    if (apps == info.end()) return "";
    return apps->is_array() ? std::to_string(apps->size()) : text_of(info, "apps");
  }
  bool json_ = false;
};

class ShowAudit final : public AdminVerb {
 public:
  void declare(CLI::App& verb) override {
    verb.add_option("--limit", limit_, "The last so many entries")
        ->check(CLI::Range(std::int64_t{1}, kAuditShownMax))
        ->capture_default_str();
    verb.add_option("--app", app_, "Only those of this app");
    verb.add_flag("--denied", denied_, "Only denials");
    verb.add_flag("--json", json_, "As JSON");
  }

  Result<> run(AdminClient& manager) override {
    keys::AuditHead head = TRY(audit_page(manager, 1, 1)).head;
    const bool some = !app_.empty() || denied_;  // any of all entries may be among the last wanted
    const std::int64_t from = some ? 1 : std::max<std::int64_t>(1, head.sequence - limit_ + 1);
    head = TRY(read_audit(manager, from, [&](const Json& entry) -> Result<> {
      if (wanted(entry)) shown_.push_back(entry);
      if (shown_.size() > static_cast<std::size_t>(limit_)) shown_.pop_front();
      return {};
    }));
    Output output;
    if (json_) {
      const Json all = {{"entries", Json(shown_)}, {"head", keys::to_json(head)}};
      TRY(output.line(all.dump(2)));
      return output.flush();
    }
    for (const Json& entry : shown_) TRY(output.write(audit_entry_text(entry, report_columns())));
    if (shown_.empty()) TRY(output.line("No such entries"));
    return output.flush();
  }

 private:
  bool wanted(const Json& entry) const {
    return (app_.empty() || text_of(entry, "app") == app_) &&
           (!denied_ || text_of(entry, "outcome") == "denied");
  }

  std::int64_t limit_ = 20;
  std::string app_;
  bool denied_ = false, json_ = false;
  std::deque<Json> shown_;
};

constexpr AdminVerbEntry kStoreVerbs[] = {
    {"info", "Version, kind of store, and the head of the audit log",
     "  penstock manager info --data manager",
     [] -> std::unique_ptr<AdminVerb> { return std::make_unique<ShowInfo>(); }},
    {"audit", "What was released or denied, and what to do about a denial",
     "  penstock manager audit --app payments --denied --limit 3\n"
     "`penstock audit verify` checks that nothing was taken out of the log.",
     [] -> std::unique_ptr<AdminVerb> { return std::make_unique<ShowAudit>(); }},
};

}  // namespace

AdminVerbGroup store_verbs() {
  return {"", "", kStoreVerbs};
}

}  // namespace penstock::cli
