// Runs queries over a log: tasks, threads, commits. What `penstock run`, tests and penstockd share.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "data/schema.h"
#include "data/value.h"
#include "engine/query_id.h"
#include "engine/skipped.h"
#include "seal/key_source.h"
#include "seal/sequence_guard.h"
#include "seal/topic_settings.h"
#include "sql/function.h"
#include "sql/plan.h"
#include "topics/log.h"

namespace penstock::engine {

// All SQL functions and operators of this build.
const sql::FunctionCatalogue& builtin_functions();

// A commit happens at whichever bound is passed first, and when the input is at its end.
struct CommitLimits {
  std::size_t records = 64 << 10;  // of input
  // What is gathered has to stay in a core's cache until the log writes it.
  std::size_t output_bytes = 2 << 20;
  std::chrono::milliseconds age{50};
  std::size_t state_bytes = 32 << 20;  // of groups and rows that operators keep
};
// Where a commit is a transaction of brokers, which costs some 10 ms.
inline constexpr CommitLimits kTransactionLimits{
    .records = 64 << 10, .output_bytes = 8 << 20, .age = std::chrono::milliseconds(100)};

struct RuntimeOptions {
  int threads = 1;
  CommitLimits commit;
  seal::TopicSettingsTable sealed_topics;
  const Clock* clock =
      nullptr;                 // for the ends of grants; null: the machine's. Outlives the runtime
  bool discard_sinks = false;  // benchmarks: outputs are computed to columns, counted and dropped
  // An aggregation writes a row for each that it reads; else one per group and batch.
  bool each_change = false;
  // Of groups and joined rows that one client's own query keeps: whoever may ask for rows cannot
  // take all of the memory.
  std::size_t client_state_bytes_max = 256 << 20;
};

enum class StartAt : std::uint8_t { earliest, latest };

// Where a query goes on after a reset: all its partitions as of now, or those named, from an
// offset.
using ResetTo = std::variant<StartAt, std::map<std::int32_t, topics::Offset>>;

enum class QueryState : std::uint8_t { running, paused, failed };
std::string_view name_of(QueryState state);  // "RUNNING", "PAUSED", "ERROR"

// What was done since the query was started in this process; counts once it is committed.
struct Work {
  std::uint64_t records_in = 0, records_out = 0, dead_letters = 0;
  std::uint64_t bytes_in = 0, bytes_out = 0, commits = 0;
  std::uint64_t restarts = 0;  // tasks built again after an error
  double commit_seconds = 0;   // from the end of the gathering to the outcome; of all commits

  Work& operator+=(const Work& more);
};

// Records of a sealed partition that the log did not hand over, as far as those that it did prove
// it. Totals are of the query's whole life; nothing is known of what is missing at an epoch's end.
struct MissingRecords {
  struct Epoch {
    std::string epoch;          // its id and its producer's thumbprint
    std::uint64_t missing = 0;  // records
    bool head = false;          // before the first that is there: said to have been deleted
    friend bool operator==(const Epoch&, const Epoch&) = default;
  };
  seal::GapTotals totals;
  std::vector<Epoch> epochs;  // the last few seen by this process
};

// Of a source partition.
struct PartitionProgress {
  std::int32_t partition = 0;
  topics::Offset position = 0;  // committed
  topics::Offset end = 0;       // as far as is known; some time ago when the query does not run
  Work work;
  MissingRecords missing;
  std::optional<topics::Undecided> undecided = {};  // behind which it waits, as seen lately
};

// The work is that of all partitions, also of those whose tasks have gone to another process.
struct QueryStats : Work {
  QueryId id;
  QueryState state = QueryState::running;
  std::optional<Error> error;               // why it failed
  double cpu_seconds = 0;                   // of the threads while they worked for it
  std::size_t memory_peak_bytes = 0;        // buffers, arenas and columns of its tasks
  std::int32_t partitions = 0;              // of the source, whoever has their tasks
  std::vector<PartitionProgress> progress;  // those whose tasks are this process's
};

// Rows for one client. One thread uses it (another may call cancel()).
class PushQuery {
 public:
  virtual ~PushQuery() = default;
  virtual const data::Schema& schema() const = 0;
  using Row = std::vector<data::Value>;
  struct JsonRow {
    std::string columns;     // a JSON array, as append_json_row() makes
    bool tombstone = false;  // a table's row is gone: all columns but its keys are null
  };
  struct Rows {
    std::vector<Row> rows;
    std::vector<JsonRow> json_rows;  // in place of `rows`, where the query gives JSON
    bool done = false;               // nothing follows
    bool limit_reached = false;      // done because of LIMIT
    std::optional<Error> error;      // done because of a failure, or cancelled
    SkippedRecords skipped;          // those that could not be opened, decoded or computed, so far
  };
  // Rows that are at hand, waiting until the deadline for the first one. Reading pauses while the
  // client does not call.
  virtual Rows next(std::size_t rows_max, topics::Deadline deadline) = 0;
  // Asks, before the first next(), for rows as JSON, which is written from the columns without
  // values in between. False: this query gives values.
  virtual bool give_json() { return false; }
  virtual void cancel() = 0;  // thread-safe
};

// Tasks beside those of queries that are shared among the same processes (connectors'). Called on a
// thread of the log, one call at a time.
class SharedTasks {
 public:
  virtual ~SharedTasks() = default;
  // All tasks go. Returns when they have committed (lost: or been dropped) and ended.
  virtual void release(bool lost) = 0;
  // Those that `membership` owns are to be started. It is valid until release().
  virtual void assign(const topics::Membership& membership) = 0;
};

// Thread-safe. The log, keys and functions outlive it. When the log shares tasks among processes
// (topics::Log::join), each runs those that it is given; the processes are to start the same
// queries.
class Runtime {
 public:
  virtual ~Runtime() = default;  // as shutdown()

  // Starts (or takes up again, by its id) a query whose plan ends in a SinkStep: one task per
  // source partition, each from its committed position, or from `start` when it has none. Topics
  // must exist (the dead-letter topic "<id>.dead_letters" is created when missing). Sealed topics
  // need their policy's keys in the key source: permission_denied names the policy that is missing.
  // Shared tasks are built later, one by one; what hinders them all is found at once.
  // What is stored of the query and cannot be taken up (it was changed outside, its input was made
  // again, its position is lost) does not fail the call: the query is there, in state ERROR, with
  // the reason, and goes on after reset_query.
  // paused: until resume_query.
  virtual Result<> start_query(const QueryId& id, std::shared_ptr<const sql::PlanNode> plan,
                               StartAt start, bool paused = false) = 0;
  // Finishes the batch, commits, ends the tasks. forget: positions and state too, of the tasks that
  // were this process's.
  virtual Result<> stop_query(const QueryId& id, bool forget) = 0;
  // Stops the query, replaces the positions of its tasks (or of those named), forgets their state
  // and the sequence guards of their inputs, and starts it again (paused when it was paused). For
  // an owner's word: records that were consumed count again. invalid_argument: no such partition,
  // or an offset that its topic does not hold; failed_precondition: tasks are shared among
  // processes.
  virtual Result<> reset_query(const QueryId& id, const ResetTo& to) = 0;
  virtual Result<> pause_query(const QueryId& id) = 0;
  virtual Result<> resume_query(const QueryId& id) = 0;

  // Returns when every running query has consumed and committed all that the topics hold, counting
  // what queries write for each other; with the error of the first query that failed. Counts the
  // tasks of this process, once it is known which those are. What open transactions hold back is no
  // part of it; stats() show it then.
  virtual Result<> drain() = 0;

  virtual std::vector<QueryStats> stats() const = 0;  // sorted by id

  // A plan without a sink. until_end: ends when what was there at the start is read (a pull over a
  // stream); otherwise it goes on until LIMIT or cancel.
  virtual Result<std::unique_ptr<PushQuery>> push(std::shared_ptr<const sql::PlanNode> plan,
                                                  StartAt start, bool until_end) = 0;

  // Whether the log shares tasks among processes; if so, `others` is told from now on which of its
  // tasks are this process's (none at first), until null comes in its place.
  virtual bool share(SharedTasks* others) = 0;

  // Finishes batches, commits, ends all threads.
  virtual void shutdown() = 0;
};

// keys: may be null; then nothing sealed can be read or written.
Result<std::unique_ptr<Runtime>> start_runtime(topics::Log& log, const seal::KeySource* keys,
                                               RuntimeOptions options);

}  // namespace penstock::engine
