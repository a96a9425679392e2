// The files of a manager's backup: a folder like the manager's own.
#pragma once

#include <filesystem>
#include <string>

#include "base/error.h"

namespace penstock::cli {

// Makes `out` (mode 0700) of the manager's files and of the copy of its store, which is taken away.
// already_exists.
Result<> make_backup(const std::filesystem::path& data, const std::string& store_copy,
                     const std::filesystem::path& out);

// Makes the folder `data` of a backup; the manager notes at its next start that it was restored.
// already_exists, not_found.
Result<> restore_backup(const std::filesystem::path& from, const std::filesystem::path& data);

}  // namespace penstock::cli
