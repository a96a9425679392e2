// One source partition of one query, from fetch to commit. Owned by one thread; no locks inside.
#pragma once

#include <chrono>
#include <limits>
#include <memory>
#include <vector>

#include "engine/dead_letter.h"
#include "engine/failure_log.h"
#include "engine/operator.h"
#include "engine/query.h"
#include "engine/sink_edge.h"
#include "engine/source_edge.h"
#include "topics/log.h"

namespace penstock::engine {

// What all tasks of a runtime share. Outlives them.
struct TaskContext {
  topics::Log& log;
  const seal::KeySource* keys;
  const RuntimeOptions& options;
  ProgressSignal& progress;
  const std::atomic<bool>& shared;  // among processes
};

class Task final : private Emitter {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // Takes the writer (which fences an earlier task of the same partition) and everything that was
  // committed: position, guards, operators' state. When that cannot be taken up, ever, the query
  // has failed with the reason.
  static Result<std::unique_ptr<Task>> build(const TaskContext& context,
                                             std::shared_ptr<Query> query, std::int32_t partition);

  // Whether tasks of the query could be built: its formats, operators and keys, without a writer.
  static Result<> check(const TaskContext& context, const Query& query);

  enum class Step {
    worked,      // a batch was processed; there may be more
    idle,        // nothing is at hand and everything is committed
    gathering,   // nothing is at hand yet, and what was gathered is not due
    committing,  // nothing is at hand, but the log has yet to say what became of a commit
    full,        // as committing, and until then nothing more can be gathered
  };
  // After an error the task must be destroyed and built again from committed data, or given up.
  Result<Step> step(Time now);
  // Begins to commit what has been gathered, unless the commit before is not settled yet.
  Result<> begin_commit();
  // Commits what has been gathered, and waits for the outcome.
  Result<> commit();

  // Calls f(reader) for each input.
  template <typename F>
  void each_reader(F&& f) {
    for (const Input& input : inputs_) f(input.edge->reader());
  }
  void note_ends();  // as far as the readers know them
  // When what was gathered is due, if nothing more comes.
  Time due() const { return first_uncommitted_ + context_.options.commit.age; }
  std::uint64_t commits() const { return commits_; }
  // All is committed, and nothing but new records could give it work.
  bool is_at_rest() const;

 private:
  static constexpr data::TimestampMs kNoStreamTime = std::numeric_limits<data::TimestampMs>::min();

  Task(const TaskContext& context, std::shared_ptr<Query> query, std::int32_t partition);

  // What it reads: one input, with joins several.
  struct Input {
    std::unique_ptr<SourceEdge> edge;
    bool passes_headers = false;
    topics::Offset committed = 0, flying = 0, trimmed_to = 0;  // positions
    MissingRecords flying_missing;
  };

  Result<> add_input(const sql::SourceStep& step, const data::Schema& schema,
                     const topics::TopicName& topic);
  Result<bool> next_batch();
  Result<bool> next_of_several();
  bool more_is_coming() const;
  bool positions_have_moved() const;
  MissingRecords missing() const;
  Result<> restore();
  Result<> take_up();
  Result<> process_batch();
  void warn_of_seconds(data::TimestampMs timestamp_ms);
  Result<Step> step_idle(Time now);
  std::size_t output_bytes() const;
  bool is_past(std::size_t times) const;  // so often what a commit gathers
  bool commit_is_due(Time now) const;
  bool is_full() const;
  Result<> settle();          // the commit in flight, if there is one: waits for its outcome
  Result<> settle_if_done();  // does not wait
  Result<> start_commit();
  Result<> hand_over();  // to the next commit, what is worth it already
  Result<> append_letters(topics::Commit& commit);
  Result<> fill(topics::Commit& commit);
  void count_committed();
  void show_missing();
  void note_memory();
  // Time goes on: operators may have something to say.
  Result<> advance_time(const data::Batch& batch);
  Result<> move_time();
  void note_speaking();
  void trim_exchange(Input& input);

  // Emitter: what the chain makes of a batch.
  Result<Flow> emit(const data::Batch& batch) override;
  void reject(data::RowOrigin origin, std::string_view reason) override;
  void note_failure(std::string_view step, std::string_view reason) override {
    failures_.add(step, reason);
  }
  data::Arena& arena() override { return source_->arena(); }
  Flow emitted() const;
  void bury(data::RowIndex row, std::string_view reason);

  const TaskContext& context_;
  const std::shared_ptr<Query> query_;
  const std::int32_t partition_;
  const topics::TaskId id_;
  std::unique_ptr<topics::Writer> writer_;
  std::vector<Input> inputs_;
  SourceEdge* source_ = nullptr;  // the one that the batch at hand comes from
  std::size_t source_number_ = 0;
  std::unique_ptr<SinkEdge> sink_;  // null: rows are counted and dropped
  Chain chain_;
  bool keeps_time_ = false;    // operators keep state: so does the checkpoint of time
  bool time_moves_ = false;    // on_stream_time is being called
  bool time_pending_ = false;  // it was blocked, or not called yet since the task was built
  data::TimestampMs stream_time_ms_ = kNoStreamTime;  // the greatest timestamp so far
  FailureLog failures_;
  sql::RowErrors refused_by_sink_;
  std::vector<std::uint8_t> buried_;  // per row of the batch: has a dead letter

  // Since the last commit was filled. Outputs are in the sink, or in the next commit already.
  Work gathered_;
  std::unique_ptr<topics::Commit>
      next_;  // null: nothing is handed over; destroyed before the writer
  DeadLetters dead_letters_;
  Time first_uncommitted_{};

  // The commit whose outcome is open. Destroyed before the writer.
  std::unique_ptr<topics::Commit> in_flight_;
  Work flying_;
  Time flying_since_{};

  Time last_commit_ = std::chrono::steady_clock::now();
  std::size_t memory_peak_ = 0;
  std::uint64_t commits_ = 0;  // all
};

}  // namespace penstock::engine
