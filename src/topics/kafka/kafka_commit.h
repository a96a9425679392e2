// What one writer commits at once: gathered here, written by its bundle.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "topics/commit_limits.h"
#include "topics/kafka/kafka_writer.h"

namespace penstock::topics::kafka {

class KafkaCommit final : public Commit, private Contribution {
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
  struct Update {
    explicit Update(OpenTask& task) : changes(task) {}
    TaskChanges changes;
    const SealedCheckpoint* sealed = nullptr;
  };

  // Contribution; on the bundle's thread.
  Result<> prepare() override;  // checkpoints of every task that was named
  Result<> write(Producer& producer) override;
  std::size_t bytes() const override { return bytes_; }
  std::optional<Error> hindrance() const override;

  Result<> check_records(const TopicFacts& topic, const RecordBatch& batch) const;
  bool is_empty() const;
  Result<> prepare_task(const TaskId& task);
  Result<> write_task(Producer& producer, const TaskId& task, const Update& update);
  Result<> write_state(Producer& producer, const TaskPlace& place, const Changes& changes);
  void take_over_updates();  // after the commit

  KafkaWriter& writer_;
  CommitLimits limits_;
  std::vector<TopicRef> topics_;  // appended to
  std::vector<std::pair<TopicPartition, RecordBatch>> records_;
  std::size_t bytes_ = 0;
  std::vector<Advance> advances_;
  std::map<TaskId, std::unique_ptr<Changes>> states_;
  std::map<TaskId, Update> updates_;
  bool started_ = false, done_ = false;
  Deadline give_up_{};  // once started
  Bundle::Ref entry_;   // once started, unless there is nothing to commit
};

}  // namespace penstock::topics::kafka
