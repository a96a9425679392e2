// What statements do to the world outside the catalogue. Two implementations: one does it, the
// other only remembers what would be there, for checking a script before its first statement runs.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "session/session.h"
#include "session/world.h"
#include "sql/statement.h"
#include "topics/log.h"

namespace penstock::session {

// One accepted statement, or what was done about one, for the statements topic.
struct Accepted {
  enum class Kind : std::uint8_t {
    create,
    create_as,
    insert,
    drop,
    terminate,  // the query has ended; what is stored of it is to be forgotten
    forgotten,  // and was
    pause,      // of a query that runs
    resume,
    reset,        // positions of a query; what it did is in the log's checkpoints
    row,          // INSERT ... VALUES that is carried out once; in one commit with its row
    create_type,  // CREATE TYPE
    drop_type,
    create_connector,
    drop_connector,  // and what is stored of it is to be forgotten, as after terminate
    pause_connector,
    resume_connector,
    configuration,  // the files that a start found, and the plan of changes that it made
    proved,         // a whole script with the proof of its right, beside what its statements did
    refused,        // such a script that could not be carried out: its proof is used up
  } kind;
  std::string name;  // of the stream or connector; empty where there is none
  std::string
      query_id;  // create_as, insert, reset, terminate, forgotten; drop_connector: its tasks
  std::string statement;
  engine::StartAt start = engine::StartAt::earliest;
  Properties properties = {};  // that were set (SET, the client's) when it was accepted
  std::string plan = {};       // of create_as and insert: engine::plan_digest
  std::string proof = {};      // of proved and refused; opaque here
  Origin origin = Origin::statement;
  // row, reset: which one of a file, where it is done once; configuration: digest of its scripts
  std::string key = {};
  std::int32_t tasks = 0;      // terminate, drop_connector: how many there are to forget
  bool topic_deleted = false;  // drop
};

class Effects {
 public:
  virtual ~Effects() = default;
  // Absent: there is none.
  virtual Result<std::optional<topics::TopicSpec>> topic(const topics::TopicName& name) = 0;
  virtual Result<> create_topic(const topics::TopicSpec& spec) = 0;
  virtual Result<> remove_topic(const topics::TopicName& topic) = 0;
  virtual Result<> start_query(const PersistentQuery& query) = 0;
  // That each CREATE STREAM AS among the queries may write its topic, beside all that are alive
  // (sink_claims.h); for_good: and that others know.
  virtual Result<> claim_sinks(const std::vector<const PersistentQuery*>& queries,
                               const std::map<std::string, PersistentQuery>& alive,
                               bool for_good) = 0;
  // forget: what is stored of the query too, which was recorded as ended.
  virtual Result<> stop_query(const std::string& id, bool forget) = 0;
  virtual Result<> pause_query(const std::string& id, bool pause) = 0;  // false: resume
  // The connector as the world has it. How its topic is sealed, its streams say.
  virtual Result<> start_connector(const World& world, const Connector& connector) = 0;
  virtual Result<> stop_connector(const std::string& name, bool forget) = 0;
  virtual Result<> pause_connector(const std::string& name, bool pause) = 0;
  virtual Result<> reset_query(const std::string& id, const engine::ResetTo& to) = 0;
  // A row with a record is inserted once: not when the same one was recorded before.
  virtual Result<> insert_row(const sql::InsertValues& row,
                              const std::optional<Accepted>& once) = 0;
  // All or none.
  virtual Result<> record(const std::vector<Accepted>& statements) = 0;
};

}  // namespace penstock::session
