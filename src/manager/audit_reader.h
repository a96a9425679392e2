// Reads the audit log over a connection of its own, while the committer writes. Any thread.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>

#include "base/json.h"
#include "manager/database.h"

namespace penstock::manager {

class AuditReader {
 public:
  static Result<std::unique_ptr<AuditReader>> open(const std::filesystem::path& database);

  // Entries from sequence `from` on as JSON (keys::parse_audit_entry), at most `limit` of them and
  // kAuditPageBytesMax bytes but at least one. One that cannot be read any more is given as
  // {"sequence", "damaged": true}, which no check accepts.
  Result<Json> page(std::int64_t from, std::int64_t limit);

 private:
  AuditReader(Database database, Statement select)
      : database_(std::move(database)), select_(std::move(select)) {}

  std::mutex mutex_;
  Database database_;
  Statement select_;
};

}  // namespace penstock::manager
