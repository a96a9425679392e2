// The append-only audit log, and with it every change of the store: an entry and the change it
// reports are one SQLite transaction. One thread commits; what waits meanwhile shares the next
// commit, so the disk is synced once for many.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "attest/rule.h"
#include "base/clock.h"
#include "keys/audit_chain.h"
#include "manager/database.h"
#include "manager/store_root.h"

namespace penstock::manager {

// An entry before it has its place in the chain.
struct AuditDraft {
  std::string actor;
  std::string action;
  std::string app;
  std::string subject;
  std::string outcome;
  Json rules = Json::array();
};

// Runs in the committer's thread inside the transaction. An error takes back what it did and writes
// no entry. May complete the draft (with what only the change knows).
using StoreChange = std::function<Result<>(Database&, AuditDraft&)>;

// Told after changes were committed and before their callers go on; in the committer's thread.
class ChangeObserver {
 public:
  virtual ~ChangeObserver() = default;
  // `apps`: of the changes' drafts, "" for what belongs to no app. `generation` counts changes.
  virtual void changed(Database& database, const std::vector<std::string>& apps,
                       std::uint64_t generation) = 0;
};

class AuditLog {
 public:
  // Takes the writing connection (schema of store.h). corrupt: the last entry does not have its
  // hash. The clock outlives it, and so does `root`, whose digest goes into the entry of each
  // change (null: none does).
  static Result<std::unique_ptr<AuditLog>> open(Database database, const Clock& clock,
                                                const StoreRoot* root = nullptr);
  ~AuditLog();  // what waits is committed first
  AuditLog(const AuditLog&) = delete;

  // Once, before any change. It is called for changes until the log is gone.
  void observe(ChangeObserver* observer);

  // These return when the entry is on disk; any thread. On an error nothing was written.
  Result<> append(AuditDraft draft);
  Result<> change(AuditDraft draft, StoreChange change);
  // A change of services' rows alone: decisions under way stay what they are. With no entry if the
  // draft's action is empty.
  Result<> change_services(AuditDraft draft, StoreChange change);
  // For a decision taken on what the store held at `generation`. fenced: it has changed since; the
  // caller decides again.
  Result<> append_at(std::uint64_t generation, AuditDraft draft);

  keys::AuditHead head() const;

 private:
  struct Job;
  struct PreparedEntry {
    keys::AuditHead head;  // with this entry
    std::string text;      // what is hashed
  };
  AuditLog(Database database, const Clock& clock, const StoreRoot* root, keys::AuditHead head);
  Result<> wait_for(Job& job);
  void run();
  void commit(const std::vector<Job*>& jobs);
  Result<> write(const std::vector<Job*>& jobs, std::vector<std::string>& changed);
  Result<> write_change(Job& job, std::vector<std::string>& changed);
  Result<> write_services(Job& job);
  Result<PreparedEntry> make_entry(const AuditDraft& draft, std::string store = {}) const;
  Result<> insert(const PreparedEntry& entry);

  Database database_;  // the committer's thread alone, like the next two
  const Clock& clock_;
  const StoreRoot* root_;
  keys::AuditHead end_;  // of what is being written
  std::uint64_t generation_ = 0;
  std::optional<Statement> insert_;
  ChangeObserver* observer_ = nullptr;

  mutable std::mutex mutex_;  // for what follows
  std::condition_variable wake_;
  std::deque<Job*> waiting_;
  keys::AuditHead head_;  // committed
  bool stopping_ = false;
  std::thread thread_;
};

// What entries hold of rules: of a grant their names, of a denial all that was expected and seen
// (long texts are cut).
Json granted_rules(const std::vector<attest::RuleOutcome>& outcomes);
Json denied_rules(const std::vector<attest::RuleOutcome>& outcomes);

}  // namespace penstock::manager
