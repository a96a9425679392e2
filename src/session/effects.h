// What statements do to the world outside the catalogue. Two implementations: one does it, the
// other only remembers what would be there, for checking a script before its first statement runs.
#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "session/session.h"
#include "session/world.h"
#include "sql/statement.h"
#include "topics/log.h"

namespace penstock::session {

// One accepted statement, for the statements topic.
struct Accepted {
  // proved: a whole script with the proof of its right, beside a record for each of its statements.
  // reset: positions of a query; what it did is in the log's checkpoints.
  enum class Kind : std::uint8_t { create, create_as, insert, drop, terminate, reset, proved } kind;
  std::string name;      // stream; of terminate and reset: empty
  std::string query_id;  // create_as, insert, reset, terminate (empty: all)
  std::string statement;
  engine::StartAt start = engine::StartAt::earliest;
  Properties properties = {};  // that were set (SET, the client's) when it was accepted
  std::string plan = {};       // of create_as and insert: engine::plan_digest
  std::string proof = {};      // of proved; opaque here
};

class Effects {
 public:
  virtual ~Effects() = default;
  // Partitions of a topic; absent: there is none.
  virtual Result<std::optional<std::int32_t>> partitions(const topics::TopicName& topic) = 0;
  virtual Result<> create_topic(const topics::TopicSpec& spec) = 0;
  virtual Result<> remove_topic(const topics::TopicName& topic) = 0;
  virtual Result<> start_query(const PersistentQuery& query) = 0;
  virtual Result<> stop_query(const std::string& id, bool forget) = 0;
  virtual Result<> reset_query(const std::string& id, const engine::ResetTo& to) = 0;
  virtual Result<> insert_row(const sql::InsertValues& row) = 0;
  virtual Result<> record(const Accepted& statement) = 0;
};

}  // namespace penstock::session
