// Serves a log to other processes of the same user over a unix socket (protocol: wire.h).
#pragma once

#include <filesystem>
#include <memory>

#include "topics/log.h"

namespace penstock::topics {

class LogServer {
 public:
  // Listens at folder/log.sock (mode 0600); replaces a socket that a dead holder left. The caller
  // holds the folder's lock. The log outlives the server. Threads: one that accepts, one per
  // connection (at most kConnectionsMax; more wait).
  static Result<std::unique_ptr<LogServer>> start(Log& log, const std::filesystem::path& folder);
  ~LogServer();  // ends all connections

 private:
  struct Parts;
  explicit LogServer(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace penstock::topics
