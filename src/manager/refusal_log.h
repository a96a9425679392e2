// Refusals of strangers on their way into the audit log. The first of each (app, source, code) is
// an entry at once and whole; those that follow are counted, and one entry per interval says how
// many there were. Everything is bounded, per app, so that nobody can fill the disk or hide one
// app's refusals behind another's.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "manager/audit_log.h"

namespace penstock::manager {

struct Refusal {
  std::string source;  // of the connection, as quotas count
  std::string code;    // of the rule, or what was malformed
  AuditDraft draft;    // its app: "" unless the app exists
};

// Thread-safe. What it is given outlives it.
class RefusalLog {
 public:
  using Append = std::function<Result<>(AuditDraft)>;
  RefusalLog(Append append, const Clock& clock) : append_(std::move(append)), clock_(clock) {}

  // Returns whether an entry of its own was written; otherwise it was counted.
  bool refuse(Refusal refusal);

  // Writes what is due: call it about once a second.
  void tick();
  // Writes all that was counted, at the end.
  void flush();

  std::size_t size() const;  // rows of the table

 private:
  struct Row {
    std::string actor, action, subject;                 // of its first refusal
    std::int64_t count = 0, first_ms = 0, last_ms = 0;  // since the last entry
    std::int64_t due_ms = 0, interval_ms = 0;
  };
  using Key = std::pair<std::string, std::string>;  // source, code
  // Of one app.
  struct Section {
    std::map<Key, Row> rows;
    std::int64_t tokens_thousandths = 0;  // entries that may still be whole
    std::int64_t refilled_ms = 0;
  };
  // The row that counts it, and whether it is a new one.
  std::pair<Row*, bool> row_for(Section& section, const Refusal& refusal, std::int64_t now_ms);
  bool take_token(Section& section, std::int64_t now_ms) const;
  std::vector<AuditDraft> take_due(std::int64_t now_ms, bool all);
  void write(std::vector<AuditDraft> drafts);

  const Append append_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::map<std::string, Section, std::less<>> sections_;
};

}  // namespace penstock::manager
