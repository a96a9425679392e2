// The configuration of a stream server: TOML, measured as a whole when it runs inside an enclave.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "engine/runtime.h"
#include "net/http_server.h"
#include "topics/embedded_log.h"

namespace penstock::server {

//   service_id = "payments"
//   sql        = "CREATE STREAM ..."        # text, or
//   sql_files  = ["masking.sql"]            # files, relative to this one; sql first, then these
//   durability = "disk"                     # or "os" (default)
//   threads    = 2
//   [limits]
//   connections = 256          # each as in HttpServerOptions
//   streams = 64
//   body_bytes = 1048576
//   commit_records = 65536     # each as in engine::CommitLimits
//   commit_output_bytes = 8388608
//   commit_age_ms = 50
struct Config {
  std::string service_id = "default_";
  std::string sql;
  std::vector<std::filesystem::path> sql_files;  // as written
  topics::Durability durability = topics::Durability::os;
  int threads = 1;
  net::HttpServerOptions http;
  engine::CommitLimits commit;
};

// invalid_argument: not TOML, an unknown key (names the nearest one), a wrong type or a number out
// of range; the text names line and key.
Result<Config> parse_config(std::string_view text);

}  // namespace penstock::server
