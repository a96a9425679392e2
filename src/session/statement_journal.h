// Accepted statements in the topic `_statements_<service id>`: one partition, one compact JSON
// record each. Replayed when a session opens; also where ids of queries find their statements.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "session/effects.h"
#include "topics/log.h"

namespace penstock::session {

struct JournalEntry {
  std::int64_t number = 0;
  std::string id;  // of the commit that wrote it; random
  Accepted statement;
};

// Record, version 3 (others are refused): one line of JSON with the members
//   v           3
//   n           the statement's number, from 0
//   id          of the commit that wrote it: 16 hex digits, the same for all records of it
//   kind        create, create_as, insert, drop, terminate, forgotten, pause, resume, reset,
//               row, create_connector, drop_connector, pause_connector, resume_connector,
//               configuration, proved or refused
//   origin      file (of a start's files or configuration), statement or signed
//   name        of the stream or connector, or empty
//   query       id of the query, or empty
//   sql         the statement as written; of proved and refused the whole script; of configuration
//               the plan of changes
//   start       where a query begins that has no position yet: earliest or latest
//   properties  object of texts: what was SET when the statement was accepted
//   plan        of create_as and insert alone: the plan's digest (engine::plan_digest)
//   proof       of proved and refused alone
//   key         of row, reset and configuration alone: see Accepted
//   tasks       of terminate and drop_connector alone
//   topic_deleted  of drop alone
// A statement means, after a restart, what it meant when it was accepted: its text, properties and
// plan. The host can change records: what may be believed is said where they are used.
std::string to_record(const JournalEntry& entry);
// corrupt, invalid_argument: not such a record; unsupported: of another version.
Result<JournalEntry> parse_record(std::string_view record);

// Of the topic of a service's statements, the service; absent: it is another topic.
std::optional<std::string_view> service_of_journal(const topics::TopicName& topic);
// What the records say, together.
class JournalState {
 public:
  void remember(const Accepted& statement);
  // The same definition is the latest of its name and id; the row or script was recorded.
  bool has(const Accepted& statement) const;
  // Queries that have ended and are not forgotten yet, with the number of their tasks.
  const std::map<std::string, std::int32_t>& to_forget() const { return to_forget_; }
  const std::string& configuration() const { return configuration_; }  // key of the latest

 private:
  std::map<std::string, std::string> live_;  // stream or query -> its definition
  std::map<std::string, std::string> rows_;  // key -> stream
  std::map<std::string, std::int32_t> to_forget_;
  std::set<std::string> resets_;   // keys
  std::set<std::string> scripts_;  // with their proofs
  std::string configuration_;
};

Result<> check_service_id(std::string_view id);  // invalid_argument: too long, or empty

class StatementJournal {
 public:
  // Only reads; the first append() makes the topic if it is missing and opens the writer, which
  // fences another process's. The log outlives this. corrupt: a record that cannot be read.
  // shared: processes that record the same definitions at the same time take turns.
  static Result<std::unique_ptr<StatementJournal>> open(topics::Log& log,
                                                        std::string_view service_id,
                                                        bool shared = false);

  const std::vector<JournalEntry>& entries() const { return entries_; }
  std::int64_t next_number() const;
  const JournalState& state() const { return state_; }
  std::uint64_t loads() const { return loads_; }  // how often the topic was read

  // Writes into the commit of the records. Called again when a commit is tried again.
  using Beside = std::function<Result<>(topics::Commit&)>;
  enum class Recorded : std::uint8_t { now, before };
  // All in one commit, but for those that are recorded already; before: all of them were. A commit
  // whose outcome is not known is settled before this returns: the topic is read again under a new
  // writer, which fences the old one. fenced: another process has begun to write (one_turn: or has
  // written in between, so that what was checked may not hold any more).
  Result<Recorded> append(const std::vector<Accepted>& statements, const Beside& beside = {},
                          bool one_turn = false);
  // Opens the writer, unless it is open: from here on nobody else has written what is not in
  // entries(), or the next append is fenced.
  Result<> take_turn();

  // Queries that were not terminated, by id.
  std::map<std::string, KnownQuery> known_queries() const;

 private:
  StatementJournal(topics::Log& log, topics::TopicName topic)
      : log_(log), topic_(std::move(topic)) {}
  Result<> load();
  bool wrote(std::string_view id) const;
  std::vector<JournalEntry> entries_for(const std::vector<Accepted>& statements,
                                        const std::string& id) const;
  Result<topics::CommitResult> write(const std::vector<JournalEntry>& entries,
                                     const Beside& beside);

  topics::Log& log_;
  const topics::TopicName topic_;
  std::string writer_id_;
  bool shared_ = false;
  std::unique_ptr<topics::Writer> writer_;
  std::vector<JournalEntry> entries_;
  JournalState state_;
  std::uint64_t loads_ = 0;
};

}  // namespace penstock::session
