#include "manager/audit_log.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/crash_point.h"
#include "manager/limits.h"
#include "manager/trust_files.h"

namespace penstock::manager {
namespace {

// Cut between characters, never inside one.
std::string cut(std::string_view text) {
  if (text.size() <= kAuditTextBytesMax) return std::string(text);
  std::size_t end = kAuditTextBytesMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return fmt::format("{}... ({} bytes)", text.substr(0, end), text.size());
}

Result<keys::AuditHead> read_head(Database& database) {
  Statement last =
      TRY(database.prepare("SELECT entry, hash FROM audit ORDER BY sequence DESC LIMIT 1"));
  if (!TRY(last.step())) return keys::AuditHead{};
  const auto read = [&]() -> Result<keys::AuditEntry> {
    Json json = TRY(parse_json(last.text(0), "the last audit entry"));
    json["hash"] = last.text(1);
    keys::AuditEntry entry = TRY(keys::parse_audit_entry(json));
    if (TRY(keys::audit_hash(entry)) != entry.hash)
      return fail(ErrorCode::corrupt,
                  fmt::format("audit entry {} does not have its hash", entry.sequence));
    return entry;
  };
  const auto entry = read();
  if (!entry) {
    return fail(ErrorCode::corrupt,
                fmt::format("the end of the audit log is damaged ({}): bring the store back from "
                            "a backup",
                            entry.error().text()));
  }
  return keys::AuditHead{entry->sequence, entry->hash};
}

}  // namespace

// Lives on the stack of the thread that waits for it.
struct AuditLog::Job {
  AuditDraft draft;
  StoreChange change;
  std::optional<std::uint64_t> decided_at;
  bool services_only = false;

  std::mutex mutex;
  std::condition_variable finished;
  bool done = false;
  Result<> result;

  void finish() {
    const std::lock_guard lock(mutex);
    done = true;
    finished.notify_one();  // under the lock: the waiter takes this away as soon as it has it
  }
};

Result<std::unique_ptr<AuditLog>> AuditLog::open(Database database, const Clock& clock,
                                                 const StoreRoot* root) {
  const keys::AuditHead head = TRY(read_head(database));
  std::unique_ptr<AuditLog> log(new AuditLog(std::move(database), clock, root, head));
  log->insert_ =
      TRY(log->database_.prepare("INSERT INTO audit(sequence, entry, hash) VALUES(?, ?, ?)"));
  log->thread_ = std::thread([l = log.get()] { l->run(); });
  return log;
}

AuditLog::AuditLog(Database database, const Clock& clock, const StoreRoot* root,
                   keys::AuditHead head)
    : database_(std::move(database)), clock_(clock), root_(root), end_(head), head_(head) {}

AuditLog::~AuditLog() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void AuditLog::observe(ChangeObserver* observer) {
  const std::lock_guard lock(mutex_);
  observer_ = observer;
}

Result<> AuditLog::append(AuditDraft draft) {
  Job job;
  job.draft = std::move(draft);
  return wait_for(job);
}

Result<> AuditLog::change(AuditDraft draft, StoreChange change) {
  Job job;
  job.draft = std::move(draft);
  job.change = std::move(change);
  return wait_for(job);
}

Result<> AuditLog::change_services(AuditDraft draft, StoreChange change) {
  Job job;
  job.draft = std::move(draft);
  job.change = std::move(change);
  job.services_only = true;
  return wait_for(job);
}

Result<> AuditLog::append_at(std::uint64_t generation, AuditDraft draft) {
  Job job;
  job.draft = std::move(draft);
  job.decided_at = generation;
  return wait_for(job);
}

keys::AuditHead AuditLog::head() const {
  const std::lock_guard lock(mutex_);
  return head_;
}

Result<> AuditLog::wait_for(Job& job) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return fail(ErrorCode::unavailable, "the manager is stopping");
    waiting_.push_back(&job);
  }
  wake_.notify_one();
  std::unique_lock lock(job.mutex);
  job.finished.wait(lock, [&] { return job.done; });
  return std::move(job.result);
}

void AuditLog::run() {
  while (true) {
    std::vector<Job*> jobs;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      const auto count = static_cast<std::ptrdiff_t>(std::min(waiting_.size(), kGroupMax));
      jobs.assign(waiting_.begin(), waiting_.begin() + count);
      waiting_.erase(waiting_.begin(), waiting_.begin() + count);
    }
    commit(jobs);
    for (Job* job : jobs) job->finish();
  }
}

void AuditLog::commit(const std::vector<Job*>& jobs) {
  const keys::AuditHead end = end_;
  const std::uint64_t generation = generation_;
  std::vector<std::string> changed;
  const Result<> committed = database_.transaction([&] { return write(jobs, changed); });
  if (!committed) {
    end_ = end;
    generation_ = generation;
    for (Job* job : jobs) job->result = committed;
    return;
  }
  ChangeObserver* observer = nullptr;
  {
    const std::lock_guard lock(mutex_);
    head_ = end_;
    observer = observer_;
  }
  if (observer != nullptr && !changed.empty()) observer->changed(database_, changed, generation_);
}

Result<> AuditLog::write(const std::vector<Job*>& jobs, std::vector<std::string>& changed) {
  for (Job* job : jobs) {
    job->result = {};
    if (job->decided_at && *job->decided_at != generation_) {
      job->result = fail(ErrorCode::fenced, "the store has changed since the decision");
      continue;
    }
    if (job->change) {
      TRY(job->services_only ? write_services(*job) : write_change(*job, changed));
      continue;
    }
    const auto entry = make_entry(job->draft);
    if (entry) {
      TRY(insert(*entry));
    } else {
      job->result = fail(entry.error());
    }
  }
  CRASH_POINT("manager.audit.written");
  return {};
}

// An error is the whole transaction's; that of the change alone goes into the job.
Result<> AuditLog::write_change(Job& job, std::vector<std::string>& changed) {
  TRY(database_.execute("SAVEPOINT change"));
  const auto entry = [&]() -> Result<PreparedEntry> {
    TRY(job.change(database_, job.draft));
    std::string store;
    if (root_ != nullptr) {
      TRY(write_meta(database_, kServicesRootRow, TRY(root_->compute_services(database_))));
      store = TRY(root_->compute(database_, end_));
    }
    return make_entry(job.draft, std::move(store));
  }();
  if (!entry) {
    job.result = fail(entry.error());
    TRY(database_.execute("ROLLBACK TO change"));
    return database_.execute("RELEASE change");
  }
  CRASH_POINT("manager.change.stored");
  TRY(insert(*entry));
  TRY(database_.execute("RELEASE change"));
  ++generation_;
  changed.push_back(job.draft.app);
  return {};
}

Result<> AuditLog::write_services(Job& job) {
  TRY(database_.execute("SAVEPOINT change"));
  const auto done = [&]() -> Result<> {
    TRY(job.change(database_, job.draft));
    if (root_ != nullptr)
      TRY(write_meta(database_, kServicesRootRow, TRY(root_->compute_services(database_))));
    if (job.draft.action.empty()) return {};
    return insert(TRY(make_entry(job.draft)));
  }();
  job.result = done;
  if (!done) TRY(database_.execute("ROLLBACK TO change"));
  CRASH_POINT("manager.services.stored");
  return database_.execute("RELEASE change");
}

Result<AuditLog::PreparedEntry> AuditLog::make_entry(const AuditDraft& draft,
                                                     std::string store) const {
  keys::AuditEntry entry{.sequence = end_.sequence + 1,
                         .time_ms = clock_.now_ms(),
                         .actor = cut(draft.actor),
                         .action = cut(draft.action),
                         .app = cut(draft.app),
                         .subject = cut(draft.subject),
                         .outcome = cut(draft.outcome),
                         .store = std::move(store),
                         .rules = draft.rules,
                         .previous = end_.hash};
  std::string text = TRY(canonical_json(keys::hashed_part(entry)));
  const crypto::Sha256Digest hash = crypto::sha256(as_bytes(text));
  return PreparedEntry{{entry.sequence, hash}, std::move(text)};
}

Result<> AuditLog::insert(const PreparedEntry& entry) {
  insert_->bind(1, entry.head.sequence).bind(2, entry.text).bind(3, to_hex(entry.head.hash));
  TRY(insert_->run());
  end_ = entry.head;
  return {};
}

Json granted_rules(const std::vector<attest::RuleOutcome>& outcomes) {
  Json rules = Json::array();
  for (const attest::RuleOutcome& outcome : outcomes) rules.push_back(outcome.name);
  return rules;
}

Json denied_rules(const std::vector<attest::RuleOutcome>& outcomes) {
  Json rules = Json::array();
  for (attest::RuleOutcome outcome : outcomes) {
    outcome.expected = cut(outcome.expected);
    outcome.seen = cut(outcome.seen);
    rules.push_back(attest::to_json(outcome));
  }
  return rules;
}

}  // namespace penstock::manager
