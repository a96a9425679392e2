// Statements against one log: catalogue, planning, queries. What `penstock run`, `penstock sql` on
// a free folder and penstockd share.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "engine/connector.h"
#include "engine/connector_runtime.h"
#include "engine/runtime.h"
#include "session/push_queries.h"
#include "sql/statement.h"

namespace penstock::session {

// 'auto.offset.reset' -> 'earliest' and the like. Names and values are checked by the session.
using Properties = std::map<std::string, std::string>;

// A script of what a session starts with: a file, a text of the configuration.
struct MeasuredScript {
  std::string name;  // for errors: "sql of the configuration", "masking.sql"
  std::string text;
};

// Says whether a script beside the measured ones may run. Called by the session under its lock, one
// call at a time; outlives it.
class Admission {
 public:
  virtual ~Admission() = default;
  // Checks the proof of exactly this script and takes it: the same or an older one is refused from
  // then on. unauthenticated: whoever made the proof is not (or no longer) named; any other error:
  // the proof does not hold.
  virtual Result<> admit(std::string_view script, std::string_view proof) = 0;
  // Begins anew: no proof has been taken. What was recorded is admitted again, in its order.
  virtual void forget() = 0;
};

struct SessionOptions {
  std::string service_id = "default_";
  engine::RuntimeOptions runtime = {};
  // Of topics that CREATE STREAM finds missing and that have no PARTITIONS; absent: refused.
  std::optional<std::int32_t> default_partitions = std::nullopt;
  // Of sinks of queries that are missing and have none; absent: as many as their largest source.
  std::optional<std::int32_t> sink_partitions = std::nullopt;
  // Where the catalogue comes from. stored: the statements topic of the log, replayed at open and
  // written by every accepted statement. measured: `scripts`, and the scripts in that topic whose
  // proof `admission` accepts; nothing else on the disk is believed, and execute() only looks.
  enum class CatalogueFrom { stored, measured } catalogue = CatalogueFrom::stored;
  // Run when the session opens, and as a whole in place of those of the session before (spine.md 1,
  // Start rules): what is unchanged goes on, what changed follows the rules of CREATE OR REPLACE or
  // its ON_CHANGE, what is missing ends; what came by execute() stays. stored: scripts that define
  // nothing replace nothing.
  std::vector<MeasuredScript> scripts = {};
  Admission* admission = nullptr;  // measured: null: no other script may run
  // A look at a service that runs elsewhere: its streams are known, its queries are not started,
  // its statements topic is not written. CREATE STREAM holds for this session alone; what starts or
  // ends a query, or drops a stream, is failed_precondition.
  bool observes = false;
  // Other processes of the service run the same statements now (see topics::Membership): their
  // records of them are as good as ours, and with Again::refused only INSERT ... VALUES changes
  // something (failed_precondition).
  bool shared = false;
  // Under which INSERT ... VALUES writes; empty: "insert_values_<service id>". Opening a writer
  // fences its predecessor, so processes beside each other need names of their own.
  std::string insert_writer = {};
  // Which connectors there are; null: none, and CREATE CONNECTOR is refused. Outlives the session.
  const engine::ConnectorCatalogue* connectors = nullptr;
  // Secrets, and whether connections in clear may be made where keys are loaded. What is said of
  // keys and service is the session's business.
  engine::ConnectorRules connector_rules = {};
};

// Results, one kind per shape; session/entities.h makes ksqlDB's JSON of them.
struct CommandResult {         // CREATE, DROP, INSERT, TERMINATE
  std::string command_id;      // "stream/`S`/create"
  std::string message;         // "Stream created", "Created query with ID CSAS_S_1"
  std::string query_id;        // of the query that was started, or empty
  std::int64_t sequence = -1;  // in the statement log
  bool warning = false;        // an IF NOT EXISTS hit and the like: nothing was done
};
// What SHOW and DESCRIBE give: an entity of ksqlDB's, but for the members that all of them have.
struct Shown {
  std::string type;  // "@type"
  OrderedJson members;
};
// A connector, as its statement says and as it is. Secrets are left out of its configuration.
struct ConnectorRow {
  std::string name, kind, topic;
  bool source = true;
  std::string statement;  // secrets replaced
  std::map<std::string, std::string> config;
  std::int32_t tasks = 1;
  engine::ConnectorStats stats;
};
struct ConnectorCreated {
  ConnectorRow connector;
};
struct ConnectorDropped {
  std::string name;
};
// ASSERT TOPIC that held.
struct AssertedTopic {
  std::string topic;
  bool exists = true;
};
struct QueryRow {
  std::string id, statement, sink, sink_topic, dead_letters_topic;
  engine::QueryStats stats;
};
// EXPLAIN.
struct QueryDescription {
  std::string id;  // empty for EXPLAIN of a statement
  std::string statement;
  std::string plan;  // as sql::to_text
  data::Schema schema;
  std::vector<std::string> sources, sinks;
  std::optional<engine::QueryStats> stats;
};

using ResultBody = std::variant<CommandResult, Shown, QueryDescription, AssertedTopic,
                                ConnectorCreated, ConnectorDropped>;
struct StatementResult {
  std::string statement;  // the text
  ResultBody body;
};
// Statements run in order; the first that fails ends the script. What ran before is in `done`.
struct ScriptResult {
  std::vector<StatementResult> done;
  std::optional<Error> error;
  std::string failed_statement;
};

// What a statement means whose stream or query exists already.
enum class Again : std::uint8_t {
  resume,   // the same text (but for white space and comments) is taken up where it was, another
            // text under the same name or id is refused with both texts
  refused,  // ksqlDB's REST interface: "A stream with the same name already exists"
};

// Thread-safe. The log and keys outlive it.
class Session {
 public:
  virtual ~Session() = default;  // as close()

  // Executes everything but SELECT and PRINT. The whole script is checked against a copy of the
  // catalogue before its first statement runs. SET and UNSET hold for the rest of the script.
  // permission_denied: a statement that changes something, in a measured session.
  virtual ScriptResult execute(std::string_view script, const Properties& properties,
                               Again again = Again::resume) = 0;

  // Of a measured session: a script whose proof `admission` accepts. It is recorded with the proof
  // before it is carried out, so that it holds for later sessions too; one that was recorded before
  // (by another process of the service, or when the answer was lost) is done, and a warning says
  // so. One that cannot be carried out is recorded as refused: its proof is used up. SET is the
  // only way to properties, since the proof covers the text alone.
  virtual ScriptResult execute_proved(std::string_view script, std::string_view proof) = 0;

  struct RunningSelect {
    std::string query_id;  // "transient_PAYMENTS_4711"
    std::unique_ptr<engine::PushQuery> query;
    std::unique_ptr<PushQueries::Entry> entry;  // in push_queries()
  };
  // One SELECT or PRINT. Persistent queries start at the earliest record, push queries at the
  // latest; 'auto.offset.reset' changes either. allow_sealed: false refuses a SELECT that reads
  // a sealed topic (its rows would leave the enclave in clear). PRINT never opens anything.
  virtual Result<RunningSelect> select(std::string_view statement, const Properties& properties,
                                       bool allow_sealed) = 0;

  virtual Result<> drain() = 0;  // see Runtime::drain
  // As of the last statement that was carried out; never waits for one.
  virtual std::vector<QueryRow> queries() const = 0;
  virtual std::vector<ConnectorRow> connectors() const = 0;  // likewise
  // What select() has started and is not over; TERMINATE and end() there end them.
  virtual PushQueries& push_queries() = 0;
  virtual bool is_valid_property(std::string_view name) const = 0;
  virtual void close() = 0;  // finishes batches, commits
};

Result<std::unique_ptr<Session>> open_session(topics::Log& log, const seal::KeySource* keys,
                                              SessionOptions options);

}  // namespace penstock::session
