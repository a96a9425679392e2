// Accepted statements in the topic `_statements_<service id>`: one partition, one compact JSON
// record each. Replayed when a session opens; also where ids of queries find their statements.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "session/effects.h"
#include "topics/log.h"

namespace penstock::session {

// Record, version 2 (others are refused): one line of JSON with the members
//   v           2
//   n           the statement's number, from 0
//   kind        create, create_as, insert, drop, terminate, reset or proved
//   name        of the stream; empty of terminate, reset and proved
//   query       id of the query; empty of create, drop and proved
//   sql         the statement as written; of proved the whole script
//   start       where a query begins that has no position yet: earliest or latest
//   properties  object of texts: what was SET when the statement was accepted
//   plan        of create_as and insert alone: the plan's digest (engine::plan_digest)
//   proof       of proved alone
// A statement means, after a restart, what it meant when it was accepted: its text, properties and
// plan. The host can change records: what may be believed is said where they are used.
std::string to_record(const Accepted& statement, std::int64_t number);
struct JournalEntry {
  std::int64_t number = 0;
  Accepted statement;
};
// corrupt, invalid_argument: not such a record; unsupported: of another version.
Result<JournalEntry> parse_record(std::string_view record);

// Of the topic of a service's statements, the service; absent: it is another topic.
std::optional<std::string_view> service_of_journal(const topics::TopicName& topic);

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

  // Appends, unless the same definition is the latest of its name and id already. fenced: another
  // process has begun to write.
  Result<> append(const Accepted& statement);

  // Queries that were not terminated, by id.
  std::map<std::string, KnownQuery> known_queries() const;

 private:
  StatementJournal(topics::Log& log, topics::TopicName topic)
      : log_(log), topic_(std::move(topic)) {}
  Result<> load();
  Result<> open_writer();
  void remember(const Accepted& statement);
  bool knows(const Accepted& statement) const;
  // Under the writer's id nobody else has written since we read the topic.
  Result<topics::CommitResult> write(const JournalEntry& entry);

  topics::Log& log_;
  const topics::TopicName topic_;
  std::string writer_id_;
  bool shared_ = false;
  std::unique_ptr<topics::Writer> writer_;
  std::vector<JournalEntry> entries_;
  std::map<std::string, std::string> live_;  // stream or query -> canonical text
};

}  // namespace penstock::session
