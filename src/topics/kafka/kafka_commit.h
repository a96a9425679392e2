// One transaction.
#pragma once

#include <future>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "topics/commit_limits.h"
#include "topics/kafka/kafka_writer.h"

namespace penstock::topics::kafka {

class KafkaCommit final : public Commit {
 public:
  explicit KafkaCommit(KafkaWriter& writer) : writer_(writer) {}
  ~KafkaCommit() override { abort(); }

  Result<> append(const TopicPartition& to, const RecordBatch& batch) override;
  void advance(const TaskId& task, const TopicPartition& from, Position next) override;
  StateWrites& state(const TaskId& task) override;
  void start() override;
  bool settled() const override;
  CommitResult finish() override;
  void abort() override;

 private:
  struct StateChange {
    ByteBuffer key;
    std::optional<ByteBuffer> value;  // absent: erased
  };
  class Changes final : public StateWrites {
   public:
    explicit Changes(CommitLimits& limits) : limits_(limits) {}
    void put(ByteView key, ByteView value) override;
    void erase(ByteView key) override;
    const std::vector<StateChange>& list() const { return list_; }

   private:
    CommitLimits& limits_;
    std::vector<StateChange> list_;
  };
  struct Advance {
    TaskId task;
    TopicPartition from;
    Position next;
  };

  Result<> check_records(const TopicFacts& topic, const RecordBatch& batch) const;
  Result<> begin_once();
  Result<> produce_all(const TopicPartition& to, const RecordBatch& batch);
  CommitResult run();  // everything that waits; on the thread of start() or finish()
  // The first error that means that nothing of this can be committed.
  std::optional<Error> hindrance() const;
  // State, checkpoint and mirrored offsets of every task that was named.
  Result<> write_tasks();
  Result<> write_task(const TaskId& task);
  Result<> write_state(const TaskPlace& place, const Changes& changes, TaskChanges& update);
  void note_start();
  CommitResult take_result();  // waits
  CommitResult give_up(const Error& error);
  void take_over_updates();  // after the commit

  KafkaWriter& writer_;
  CommitLimits limits_;
  std::optional<Error> failed_;  // of the producer, in append()
  bool begun_ = false;           // the transaction
  bool done_ = false;
  std::vector<TopicRef> topics_;  // appended to
  std::vector<Advance> advances_;
  std::map<TaskId, std::unique_ptr<Changes>> states_;
  std::map<TaskId, TaskChanges> updates_;
  std::chrono::steady_clock::time_point started_;
  std::future<CommitResult> result_;  // valid once started
};

}  // namespace penstock::topics::kafka
