// What a configuration or SQL file would change about another.
#pragma once

#include <filesystem>
#include <vector>

#include "base/error.h"
#include "session/session.h"

namespace penstock::cli {

// The SQL of a file: of a *.sql the file itself; of a configuration (plain, or packed as
// `config pack` makes it) its `sql`, then its `sql_files`.
Result<std::vector<session::MeasuredScript>> scripts_of(const std::filesystem::path& file);

}  // namespace penstock::cli
