#include <CLI/CLI.hpp>

#include "base/file.h"
#include "cli/advice.h"
#include "cli/audit_check.h"
#include "cli/command.h"
#include "cli/limits.h"
#include "cli/manager/admin_options.h"
#include "cli/manager/audit_pages.h"
#include "cli/paragraph.h"
#include "cli/terminal.h"

namespace penstock::cli {
namespace {

// `audit verify`
class VerifyAudit {
 public:
  void declare(CLI::App& verb) {
    verb.add_option("--head", head_file_,
                    "File that remembers the end of the log; written when all is well. Keep it "
                    "where the manager's host cannot write")
        ->required();
    options_.declare(verb);
    verb.footer(
        "Example:\n  penstock audit verify --data manager --head audit-head.json\n"
        "Ends with status 9 when the log was changed, cut, or an older copy was put back.");
  }

  Result<> run() const {
    const std::optional<keys::AuditHead> remembered = TRY(read_head());
    AdminClient manager = TRY(options_.connect());
    AuditCheck check(remembered);
    ProgressLine progress;
    std::int64_t taken = 0;
    const keys::AuditHead claimed = TRY(read_audit(manager, 1, [&](const Json& entry) -> Result<> {
      if (progress.due()) progress.show(fmt::format("{} entries checked", taken));
      ++taken;
      return check.take(entry);
    }));
    progress.clear();
    const keys::AuditHead reached = TRY(check.finish(claimed));
    TRY(write_head(reached));
    print(remembered, reached);
    return {};
  }

 private:
  Result<std::optional<keys::AuditHead>> read_head() const {
    std::error_code ignored;
    if (!std::filesystem::exists(head_file_, ignored)) return std::optional<keys::AuditHead>();
    const std::string where = fmt::format("'{}'", head_file_.string());
    const std::string text = TRY(read_file(head_file_, kHeadFileBytesMax));
    const Json json = TRY(parse_json(text, where));
    return std::optional(TRY_IN(keys::parse_audit_head(json), where));
  }

  Result<> write_head(const keys::AuditHead& head) const {
    const std::string text = keys::to_json(head).dump() + "\n";
    return write_file(head_file_, as_bytes(text), 0600);
  }

  void print(const std::optional<keys::AuditHead>& remembered,
             const keys::AuditHead& reached) const {
    fmt::print("The audit log is whole: {} entries, the last one has the hash\n  {}\n",
               reached.sequence, to_hex(reached.hash));
    const std::string told =
        remembered ? fmt::format("It holds everything that was seen before (up to entry {}).",
                                 remembered->sequence)
                   : std::string(
                         "Nothing was remembered before, so an older copy could not have been "
                         "noticed this time.");
    fmt::print("{}", paragraph(fmt::format("{} '{}' remembers this for the next time.", told,
                                           head_file_.string()),
                               report_columns()));
  }

  std::filesystem::path head_file_;
  AdminOptions options_;
};

class Audit final : public Command {
 public:
  void declare(CLI::App& verb) override {
    verb.require_subcommand(1);
    verify_.declare(*verb.add_subcommand(
        "verify", "Recompute the chain of all entries and compare it with what was seen before"));
  }
  Result<> run() override { return verify_.run(); }
  std::string_view advice(const Error& error) const override {
    return error.code() == ErrorCode::corrupt ? "" : advice_for(error);
  }

 private:
  VerifyAudit verify_;
};

}  // namespace

std::unique_ptr<Command> make_audit() {
  return std::make_unique<Audit>();
}

}  // namespace penstock::cli
