// Connectors: where records come from and go to that are not topics. `connect` implements sources
// and sinks, app hands its catalogue to sessions, engine runs them (connector_runtime.h).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/secret.h"
#include "topics/checkpoint.h"
#include "topics/log.h"
#include "topics/record.h"

namespace penstock::engine {

// What WITH (...) of a connector may say. Docs are checked against the declaration.
struct ConnectorOption {
  enum class Type : std::uint8_t { text, number, flag };
  std::string_view name;  // lower case
  Type type = Type::text;
  std::string_view fallback = {};  // what holds when it is not given; empty: nothing
  std::string_view help;           // what it means, a sentence without a full stop
  bool required = false;
  bool secret = false;            // never shown, and no literal once keys are loaded
  std::int64_t min = 0, max = 0;  // of a number
};

// Values as written, by lower-case name.
using ConnectorTexts = std::map<std::string, std::string, std::less<>>;

// Checked values; secrets are resolved.
class ConnectorOptions {
 public:
  bool has(std::string_view name) const;  // given, or there is a fallback
  // Of declared options (CHECKed); what is not there is empty, 0, false.
  std::string_view text(std::string_view name) const;
  std::int64_t number(std::string_view name) const;
  bool flag(std::string_view name) const;
  ByteView secret(std::string_view name) const;

 private:
  friend class ConnectorOptionReader;
  std::map<std::string, std::string, std::less<>> texts_;
  std::map<std::string, SecretBuffer, std::less<>> secrets_;
};

// "${secret:NAME}" -> "NAME"; absent: it is no such reference.
std::optional<std::string_view> secret_reference(std::string_view text);

// The bytes of a secret by its name. not_found: there is none.
using SecretSource = std::function<Result<SecretBuffer>(std::string_view name)>;

// What this process allows its connectors.
struct ConnectorRules {
  // Keys are loaded: literal secrets are refused (the configuration is read by the host), and so
  // are connections without TLS and a pinned CA unless `insecure` ones are allowed.
  bool keys_loaded = false;
  bool insecure_allowed = false;
  SecretSource secrets = {};  // none: there are no secrets here
  std::string service = {};   // for names that others see (client ids)
};

struct SourceBatch;

// Opens payloads that devices have sealed (seal/payload.h). Made by the source's task where the
// option `payload` says 'sealed'; used by its thread.
class PayloadOpening {
 public:
  virtual ~PayloadOpening() = default;
  // All records of the batch, whose keys are the names of the channels that they came over: grants
  // move to batch.grants, repeats are dropped, what does not open is refused as it came. keep_keys:
  // the channel stays the record's key. Errors end the task.
  virtual Result<> open(SourceBatch& batch, bool keep_keys) = 0;
  struct Counts {
    std::uint64_t repeats = 0, grants_refused = 0;
  };
  virtual Counts counts() const = 0;
};

// A task of a connector.
struct ConnectorTask {
  std::string connector;  // its name
  std::int32_t number = 0, tasks = 1;
  const ConnectorOptions& options;
  const ConnectorRules& rules;
  PayloadOpening* opening = nullptr;  // of a source whose payloads are sealed; outlives it
};

// For DESCRIBE CONNECTOR and metrics.
struct ConnectorStatus {
  bool connected = false;
  std::string reason;                     // why it is not; or what was noticed last
  std::string position;                   // in words
  std::optional<std::uint64_t> lag = {};  // records that wait, where that is known
  std::vector<std::pair<std::string, std::uint64_t>> counters;  // by snake_case name
};

// An entry of a task's stored state; an absent value deletes.
struct StateChange {
  ByteBuffer key;
  std::optional<ByteBuffer> value;
};

// What an earlier task has committed. No position: the source has never run.
struct SourceStart {
  std::optional<topics::SourcePosition> position = {};
  std::vector<std::pair<ByteBuffer, ByteBuffer>> state = {};
};

// What came since the last poll. Records are in the order of their receipt.
struct SourceBatch {
  topics::RecordBatch records;
  // Rows of `records` that are dead letters, with their reasons (snake_case), in order.
  std::vector<std::pair<std::size_t, std::string_view>> refused;
  bool refused_are_sealed = false;  // they may stand on a disk as they came
  topics::RecordBatch grants;       // of sealed payloads: records for the topic's grants
  // To be committed with them; absent: nothing has changed.
  std::optional<topics::SourcePosition> position;
  std::vector<StateChange> state;  // likewise, beside the position: what does not fit into one
};

// Brings records from outside. Used by one thread, but for status() and wake().
class Source {
 public:
  virtual ~Source() = default;  // ends connections; what is not committed comes again
  virtual Result<> open(const SourceStart& start) = 0;
  // What is at hand, waiting until the deadline for the first record. An error ends the task, which
  // is built again after a pause. The batch is valid until the next call.
  virtual Result<const SourceBatch*> poll(topics::Deadline deadline) = 0;
  // Everything of the last poll is committed: acknowledgements may go out, in order of receipt.
  virtual Result<> committed() = 0;
  virtual ConnectorStatus status() const = 0;
  virtual void wake() = 0;  // ends a poll that waits
};

// A record of the sink's topic, opened.
struct SinkRecord {
  topics::TopicPartition from;
  topics::Offset offset = 0;
  topics::RecordView record;  // views hold until the call returns
};

// Takes records to the outside, in two steps, so that what is sent again after a crash is known to
// be a repeat: prepare() says what will be sent and under which names, which is committed; then
// flush() sends it. After a crash the same records come with the position that was committed.
class Sink {
 public:
  virtual ~Sink() = default;
  // settled: the position of the last commit, all of which was sent; null: some may be under way,
  // of which prepare() tells first.
  virtual Result<> open(const topics::SourcePosition* settled) = 0;
  // Records that one commit takes at most.
  virtual std::size_t records_max() const = 0;
  // These are next. `again`: what an earlier task said about the same records (its position), and
  // may have sent in part. Otherwise `last` is the position of the commit before. Returns what is
  // to be committed before they are sent; refused gets rows that cannot be sent, with reasons.
  struct Prepare {
    std::span<const SinkRecord> records;
    std::uint64_t commit_id = 0;  // rises with every commit of the task
    const topics::SourcePosition* again = nullptr;
    const topics::SourcePosition* last = nullptr;
    std::vector<std::pair<std::size_t, std::string_view>>& refused;
  };
  virtual Result<topics::SourcePosition> prepare(const Prepare& what) = 0;
  // Sends what was prepared, and returns when the other side has it. `commit` commits a new
  // position of the sink's in between (what is known of the sending); an error of it is passed on.
  using Between = std::function<Result<>(topics::SourcePosition)>;
  virtual Result<> flush(const Between& commit) = 0;
  virtual ConnectorStatus status() const = 0;
  virtual void wake() = 0;  // the task is to end: flush() gives up
};

enum class ConnectorDirection : std::uint8_t { source, sink };
std::string_view name_of(ConnectorDirection direction);  // "SOURCE", "SINK"

// connector='mqtt'
struct ConnectorKind {
  std::string_view name;
  std::string_view help;
  std::span<const ConnectorOption> source_options, sink_options;  // empty: it has no such end
  // What options say together; connects to nobody.
  Result<> (*check)(ConnectorDirection direction, const ConnectorTask& task);
  // Of a source: into how many tasks its options divide it.
  Result<std::int32_t> (*tasks)(const ConnectorOptions& options);
  Result<std::unique_ptr<Source>> (*make_source)(const ConnectorTask& task);
  Result<std::unique_ptr<Sink>> (*make_sink)(const ConnectorTask& task);
  // Of a source that was dropped: what others keep for it (a session) may go. Tries once.
  void (*forget)(const ConnectorTask& task);
};

class ConnectorCatalogue {
 public:
  virtual ~ConnectorCatalogue() = default;
  virtual std::span<const ConnectorKind> all() const = 0;
  const ConnectorKind* find(std::string_view name) const;  // null: there is none
};

// Options that every connector has beside its own: connector, topic, partitions.
std::span<const ConnectorOption> common_options(ConnectorDirection direction);

// A statement's options against their declaration. invalid_statement: unknown (with the nearest
// name), missing, or of another type; permission_denied: a literal where keys are loaded and the
// option is secret; not_found: a secret that is not there (resolve only). resolve: false leaves
// secrets unread (checks of a script; sessions that only look).
Result<ConnectorOptions> read_options(const ConnectorKind& kind, ConnectorDirection direction,
                                      const ConnectorTexts& texts, const ConnectorRules& rules,
                                      bool resolve);

}  // namespace penstock::engine
