#include <CLI/CLI.hpp>

#include "cli/manager/backup_files.h"
#include "cli/manager/restore.h"

namespace penstock::cli {

void RestoreManager::declare(CLI::App& manager) {
  verb_ = manager.add_subcommand("restore", "Make a manager's folder of a backup");
  verb_->add_option("--from", from_, "The backup")->required();
  verb_->add_option("--data", data_, "Folder to make")->required();
  verb_->footer("Example:\n  penstock manager restore --from backup-1 --data manager");
}

bool RestoreManager::is_chosen() const {
  return verb_ != nullptr && verb_->parsed();
}

Result<> RestoreManager::run() const {
  TRY(restore_backup(from_, data_));
  fmt::print(
      "'{}' is a manager's folder again, as it was at the backup: approvals, withdrawals and "
      "audit entries since then are not in it. Start it with\n  penstock-manager --data {}\n",
      data_.string(), data_.string());
  return {};
}

}  // namespace penstock::cli
