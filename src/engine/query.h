// What the tasks of one running query share, and what others may see of it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "engine/pipeline.h"
#include "engine/runtime.h"

namespace penstock::engine {

// Wakes those who wait for commits and failures (drain).
class ProgressSignal {
 public:
  void notify() {
    count_.fetch_add(1);
    changed_.notify_all();
  }
  std::uint64_t count() const { return count_.load(); }
  void wait_a_little() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::milliseconds(5));
  }

 private:
  std::atomic<std::uint64_t> count_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
};

// How far one input of a task has come.
struct InputStatus {
  std::atomic<topics::Offset> position = 0;  // committed
  std::atomic<topics::Offset> end = 0;       // as far as its reader knows
};

// One source partition of a query: written by its task, read by anybody.
class PartitionStatus {
 public:
  explicit PartitionStatus(std::size_t count) : inputs(count), undecided_(count) {}

  void count(const Work& more) {
    std::lock_guard lock(mutex_);
    work_ += more;
  }
  Work work() const {
    std::lock_guard lock(mutex_);
    return work_;
  }

  void set_missing(const MissingRecords& missing) {
    std::lock_guard lock(mutex_);
    missing_ = missing;
  }
  MissingRecords missing() const {
    std::lock_guard lock(mutex_);
    return missing_;
  }

  void set_undecided(std::size_t input, const std::optional<topics::Undecided>& undecided) {
    std::lock_guard lock(mutex_);
    undecided_[input] = undecided;
  }
  // The first that an input waits behind; nothing once the task has passed it.
  std::optional<topics::Undecided> undecided() const {
    std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < inputs.size(); ++i)
      if (undecided_[i] && inputs[i].position <= undecided_[i]->from) return undecided_[i];
    return std::nullopt;
  }

  std::vector<InputStatus> inputs;  // one; with joins several
  std::atomic<std::size_t> memory_peak_bytes = 0;
  std::atomic<bool> owned = true;      // its task is this process's
  std::atomic<bool> speaking = false;  // time has brought out rows that are not committed yet

 private:
  mutable std::mutex mutex_;
  Work work_;
  MissingRecords missing_;
  std::vector<std::optional<topics::Undecided>> undecided_;  // by input
};

class Query;
// The stages of one query, in the order of the data; one at least.
using QueryStages = std::vector<std::shared_ptr<Query>>;

// Whether a query runs: of all its stages. Thread-safe.
class QueryHealth {
 public:
  QueryState state() const { return state_.load(); }
  void set_state(QueryState state);     // running or paused; forgets the error
  void set_failed(const Error& error);  // the first error stays
  std::optional<Error> error() const;

 private:
  std::atomic<QueryState> state_ = QueryState::running;
  mutable std::mutex mutex_;
  std::optional<Error> error_;
};

// One stage of a query that runs: most have one. Thread-safe. The plan lives as long as this.
class Query {
 public:
  // As Runtime::start_query says. Makes the dead-letter topic and the topics between stages.
  static Result<QueryStages> create(topics::Log& log, QueryId id,
                                    std::shared_ptr<const sql::PlanNode> plan, StartAt start);

  const QueryId& id() const { return id_; }
  std::size_t stage() const { return stage_; }
  const PlanParts& parts() const { return parts_; }
  // What its tasks read, by number of the input: one topic; with joins several.
  const std::vector<topics::TopicName>& sources() const { return sources_; }
  const topics::TopicName& source_topic() const { return sources_.front(); }
  bool reads_exchange() const { return parts_.source->stream.exchange; }
  const topics::TopicName& dead_letters_topic() const { return dead_letters_topic_; }
  const topics::TopicRules& dead_letters_rules() const { return dead_letters_rules_; }
  StartAt start() const { return start_; }
  // Where a task without a position begins: partitions that were added to the topic since the query
  // began are read whole.
  StartAt start(std::int32_t partition) const {
    return has_run_ || partition >= first_partitions_ ? StartAt::earliest : start_;
  }
  void note_has_run() { has_run_ = true; }  // a task has a position from before
  std::int32_t partitions() const { return partitions_.load(); }
  // The source's topic has these now, more than before. One thread at a time.
  void add_partitions(const std::vector<topics::PartitionInfo>& all);
  PartitionStatus& status(std::int32_t partition) {
    return *status_[static_cast<std::size_t>(partition)];
  }
  const PartitionStatus& status(std::int32_t partition) const {
    return *status_[static_cast<std::size_t>(partition)];
  }
  bool is_sealed() const;         // its source, or one of them
  std::string task_name() const;  // task_id() without the number
  // Names under which things are stored: query, stage of its plan, partition.
  topics::TaskId task_id(std::int32_t partition) const { return task_id(id_, stage_, partition); }
  topics::WriterId writer_id(std::int32_t partition) const {
    return writer_id(id_, stage_, partition);
  }
  static topics::TaskId task_id(const QueryId& id, std::size_t stage,
                                std::int32_t partition);  // "CSAS_MASKED_1.0/7"
  static topics::WriterId writer_id(const QueryId& id, std::size_t stage,
                                    std::int32_t partition);  // "....0.7"

  // Of the whole query.
  QueryState state() const { return health_->state(); }
  void set_state(QueryState state) { health_->set_state(state); }
  void set_failed(const Error& error) { health_->set_failed(error); }
  std::optional<Error> error() const { return health_->error(); }

  // Asks nobody. Ends are those that the tasks' readers know.
  QueryStats stats() const;

  std::atomic<std::int64_t> cpu_ns = 0;       // of the threads while they worked for it
  std::atomic<bool> said_seconds = false;     // that its times look like seconds
  std::atomic<bool> waits_for_space = false;  // said in the log, until a commit succeeds

 private:
  struct Spec {
    QueryId id;
    std::size_t stage;
    std::shared_ptr<QueryHealth> health;
    std::shared_ptr<const sql::PlanNode> plan;
    PlanParts parts;
    std::vector<topics::TopicName> sources;
    topics::TopicName dead_letters;
    StartAt start;
    std::size_t partitions;
  };
  void add_status();
  explicit Query(Spec spec)
      : id_(std::move(spec.id)),
        stage_(spec.stage),
        health_(std::move(spec.health)),
        plan_(std::move(spec.plan)),
        parts_(std::move(spec.parts)),
        sources_(std::move(spec.sources)),
        dead_letters_topic_(std::move(spec.dead_letters)),
        start_(spec.start),
        first_partitions_(static_cast<std::int32_t>(spec.partitions)) {
    status_.reserve(topics::kPartitionsMax);
    for (std::size_t p = 0; p < spec.partitions; ++p) add_status();
  }

  static Result<std::shared_ptr<Query>> create_stage(topics::Log& log, Spec spec);

  const QueryId id_;
  const std::size_t stage_;
  const std::shared_ptr<QueryHealth> health_;
  const std::shared_ptr<const sql::PlanNode> plan_;
  const PlanParts parts_;
  const std::vector<topics::TopicName> sources_;
  const topics::TopicName dead_letters_topic_;
  topics::TopicRules dead_letters_rules_;  // set before there are tasks
  const StartAt start_;
  const std::int32_t first_partitions_;
  std::atomic<bool> has_run_ = false;
  // Never moved, so that those who count by partitions_ need no lock while more are added.
  std::vector<std::unique_ptr<PartitionStatus>> status_;
  std::atomic<std::int32_t> partitions_ = 0;
};

// Of a query as a whole: what its first stage reads and its last one writes.
QueryStats stats_of(const QueryStages& stages);

}  // namespace penstock::engine
