#include "topics/repair.h"

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/folder.h"
#include "cli/terminal.h"

namespace penstock::cli {
namespace {

void print_damage(const topics::PartitionDamage& damage) {
  fmt::print("partition {} of topic '{}': {}\n", damage.partition.partition,
             damage.partition.topic.text(), damage.reason);
  fmt::print("  whole up to offset {}, committed up to {}: {} record{} would be lost\n",
             damage.valid_end, damage.committed_end, damage.records_lost(),
             damage.records_lost() == 1 ? "" : "s");
  for (const topics::LostPosition& position : damage.positions)
    fmt::print("  query task '{}' has read up to {} and would go on from {}\n",
               position.task.value(), position.next, damage.valid_end);
}

void print_lost(const topics::LostCommits& lost) {
  fmt::print("{}: whole records of commit round {}, but the state database ends with round {}\n",
             lost.where, lost.newest_round, lost.known_round);
  fmt::print(
      "  the database has lost the commits in between: these records, positions and state\n");
}

class Repair final : public Command {
 public:
  void declare(CLI::App& verb) override {
    verb.add_option("--data", folder_, "Data folder; no process may hold it")->required();
    verb.add_flag("--apply", apply_, "Do it; without this nothing is changed");
  }

  Result<> run() override {
    TRY(require_folder(folder_));
    if (stderr_is_terminal()) note("checking every record; this takes a while on large folders");
    topics::RepairReport report =
        TRY(apply_ ? topics::apply_repair(folder_) : topics::plan_repair(folder_));
    if (report.whole()) {
      fmt::print("'{}' is whole: nothing to repair\n", folder_.string());
      return {};
    }
    for (const topics::PartitionDamage& damage : report.damages) print_damage(damage);
    for (const topics::LostCommits& lost : report.lost_commits) print_lost(lost);
    if (apply_) return tell_done(report);
    fmt::print(
        "\nNothing was changed. To go on without these records, add --apply: the cut bytes are "
        "kept in '{}/lost'.\nA backup of the folder would keep them all.\n",
        folder_.string());
    const std::size_t places = report.damages.size() + report.lost_commits.size();
    return fail(ErrorCode::corrupt,
                fmt::format("{} place{} damaged", places, places == 1 ? " is" : "s are"));
  }

 private:
  static Result<> tell_done(const topics::RepairReport& report) {
    fmt::print("\nDone. The folder opens again.\n");
    for (const std::filesystem::path& kept : report.kept) fmt::print("  kept: {}\n", kept.string());
    fmt::print("Results that queries computed from lost records stay as they are.\n");
    return {};
  }

  std::filesystem::path folder_;
  bool apply_ = false;
};

}  // namespace

std::unique_ptr<Command> make_repair() {
  return std::make_unique<Repair>();
}

}  // namespace penstock::cli
