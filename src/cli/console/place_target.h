// Who takes statements for a data folder or for Kafka.
#pragma once

#include <memory>
#include <string>

#include "cli/console/http_target.h"
#include "cli/console/sql_target.h"
#include "cli/log_place.h"

namespace penstock::cli {

// The server that holds the folder; a session in this process when nobody does, or on Kafka.
// keys_file: for such a session; may be empty. busy: the holder takes no statements.
// invalid_argument: a signature was asked for, and there is no server.
Result<std::unique_ptr<SqlTarget>> open_place_target(const LogPlace& place,
                                                     const std::string& keys_file,
                                                     HttpTargetOptions options);

}  // namespace penstock::cli
