// Approved builds of several claims: registers of one never pass with registers of another.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "manager/database.h"
#include "manager/snapshot.h"

namespace penstock::manager {

// {"tpm.pcr4": hex, "tpm.pcr11": hex}: 1 to 32 claims of texts, at least one of which is a digest
// of 16 to 64 bytes; digests of zeros name nothing and are refused. invalid_argument.
Result<WholeBuild> parse_whole_build(const Json& claims, std::string note, std::int64_t now_ms);

Result<std::vector<WholeBuild>> read_whole_builds(Database& database, std::string_view app);

Json to_json(const WholeBuild& build);

}  // namespace penstock::manager
