// One task of a connector that is open: a thread steps it until it fails or is told to end. Private
// to engine.
#pragma once

#include <memory>
#include <mutex>

#include "engine/connector.h"
#include "engine/query.h"
#include "engine/runtime.h"
#include "seal/key_source.h"
#include "sql/plan.h"
#include "topics/log.h"

namespace penstock::engine {

// What all tasks of all connectors share. Outlives them.
struct ConnectorPlace {
  topics::Log& log;
  const seal::KeySource* keys;  // may be null
  const seal::TopicSettingsTable& sealed_topics;
  const RuntimeOptions& runtime;
  const ConnectorRules& rules;
};

// What a connector is, as its statement says. Lives as long as its tasks.
struct ConnectorSpec {
  std::string name;
  ConnectorDirection direction = ConnectorDirection::source;
  const ConnectorKind* kind = nullptr;
  ConnectorTexts texts = {};  // secrets as references
  sql::SinkStep stream = {};  // its topic, and how that is sealed
  std::int32_t tasks = 1;

  QueryId id() const { return connector_id(name); }
  static QueryId connector_id(std::string_view name);  // "CONNECTOR_SENSORS"
};

class ConnectorWork {
 public:
  virtual ~ConnectorWork() = default;
  // One round: what is at hand, and its commit. What was done is added to `done`. After an error
  // the work must be destroyed and opened again from committed data.
  virtual Result<> step(topics::Deadline deadline, Work& done) = 0;
  // No step follows: commits what was done and is not committed yet.
  virtual Result<> end() { return {}; }
  virtual ConnectorStatus status() const = 0;  // any thread
  virtual void wake() = 0;                     // any thread: ends a step that waits
};

Result<std::unique_ptr<ConnectorWork>> open_source_work(const ConnectorPlace& place,
                                                        const ConnectorSpec& spec,
                                                        std::int32_t number);
Result<std::unique_ptr<ConnectorWork>> open_sink_work(const ConnectorPlace& place,
                                                      const ConnectorSpec& spec,
                                                      std::int32_t number);

// What a commit that is not committed means for its task.
Result<> require_committed(const topics::CommitResult& result, std::string_view task);

// Under which the connector's own position stands in its checkpoint.
Result<topics::TopicPartition> own_place(const ConnectorSpec& spec, std::int32_t number);

}  // namespace penstock::engine
