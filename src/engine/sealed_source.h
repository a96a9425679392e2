// A sealed input of one task: its grants, what it opens, and what it finds out about the log that
// hands the records over: replays, gaps, partitions that come and go.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>

#include "base/clock.h"
#include "engine/grant_follower.h"
#include "engine/runtime.h"
#include "engine/state.h"
#include "seal/key_source.h"
#include "seal/opener.h"
#include "seal/topic_settings.h"
#include "sql/plan.h"
#include "topics/log.h"

namespace penstock::engine {

// failed_precondition unless the topic has as many partitions as the measured configuration says.
Result<> require_partitions(const topics::TopicInfo& topic, const seal::TopicSettings& settings,
                            std::string_view policy_id);

// One partition. One thread. Log, keys and options outlive it.
class SealedSource {
 public:
  // permission_denied: the key source does not let us read it. failed_precondition: the topic does
  // not keep timestamps. Reads the grants that are there.
  static Result<std::unique_ptr<SealedSource>> create(topics::Log& log, const seal::KeySource* keys,
                                                      const RuntimeOptions& options,
                                                      const sql::StreamInfo& stream,
                                                      topics::TopicPartition from);

  // Takes up what an earlier task stored; before start(). corrupt.
  // input: its number among those of the task.
  Result<> restore(const StoredState& state, std::size_t input);
  // failed_precondition: the topic's number of partitions is not the configured one, or without a
  // configured one not the one first seen.
  Result<> start();

  // Opens a batch in its partition's order. fresh: it was fetched since the last call, so grants
  // may have come with it. Errors end the query: a gap with on_gap = "stop", more epochs than can
  // be followed, another number of partitions.
  Result<> open(const seal::Opener::Batch& batch, bool fresh);
  seal::OpenedBatch& opened() { return opened_; }

  // What has changed since the last call, for the commit of the records opened so far; and says in
  // the log which records are missing.
  void write_state(topics::StateWrites& state, std::size_t input);
  const MissingRecords& missing() const { return missing_; }
  std::size_t memory_bytes() const { return opened_.text().size() + guard_.memory_bytes(); }

 private:
  SealedSource(topics::Log& log, const RuntimeOptions& options, topics::TopicPartition from,
               std::string policy_id, seal::TopicSettings settings);
  Result<> check_partitions();
  Result<> look_around();  // now and then: partitions, ended grants
  Result<> note_gaps();
  void tell_gaps();

  topics::Log& log_;
  const Clock& clock_;
  const topics::TopicPartition from_;
  const std::string policy_id_;
  const seal::TopicSettings settings_;
  std::unique_ptr<seal::Opener> opener_;
  seal::SequenceGuard guard_;
  seal::OpenedBatch opened_;
  std::optional<std::int32_t> pinned_partitions_;  // none: nothing seen yet
  bool pin_is_stored_ = false;
  MissingRecords missing_;
  seal::GapTotals stored_totals_;
  std::vector<MissingRecords::Epoch> untold_;  // gaps since the last write_state()
  std::chrono::steady_clock::time_point next_look_{};
};

}  // namespace penstock::engine
