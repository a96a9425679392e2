#include "manager/audit_reader.h"

#include "manager/limits.h"

namespace penstock::manager {

Result<std::unique_ptr<AuditReader>> AuditReader::open(const std::filesystem::path& path) {
  Database database = TRY(Database::open(path, Database::Access::read));
  Statement select = TRY(database.prepare(
      "SELECT sequence, entry, hash FROM audit WHERE sequence >= ? ORDER BY sequence LIMIT ?"));
  return std::unique_ptr<AuditReader>(new AuditReader(std::move(database), std::move(select)));
}

Result<Json> AuditReader::page(std::int64_t from, std::int64_t limit) {
  const std::lock_guard lock(mutex_);
  Json entries = Json::array();
  std::size_t bytes = 0;
  select_.bind(1, from).bind(2, limit);
  while (true) {
    const Result<bool> row = select_.step();
    if (!row || !*row || bytes > kAuditPageBytesMax) {
      select_.reset();
      if (!row) return fail(row.error());
      return entries;
    }
    const std::string text = select_.text(1);
    bytes += text.size();
    auto entry = parse_json(text, "audit entry");
    if (entry && entry->is_object()) {
      (*entry)["hash"] = select_.text(2);
      entries.push_back(std::move(*entry));
    } else {
      entries.push_back({{"sequence", select_.integer(0)}, {"damaged", true}});
    }
  }
}

}  // namespace penstock::manager
