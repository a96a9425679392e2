// For tests: a log that behaves as one on servers does, around another one. Offsets have gaps (a
// marker follows every record), records are at hand only some calls after they were committed,
// commits are made in the background and settle late, and topics have rules.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "topics/commit_limits.h"
#include "topics/log.h"

namespace penstock::topics {

struct Delays {
  std::chrono::microseconds commit{0};  // from start() to the outcome
  TopicRules rules = {};                // of all topics
};

// A thread that finishes commits after their time.
class LateFinisher {
 public:
  struct Job {
    Commit* commit;
    Deadline due;
    enum class State { waiting, running, done } state = State::waiting;
    CommitResult result = {};
  };

  LateFinisher() : thread_([this] { run(); }) {}
  ~LateFinisher() {
    {
      std::lock_guard lock(mutex_);
      ending_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  void add(Job& job) {
    {
      std::lock_guard lock(mutex_);
      jobs_.push_back(&job);
    }
    changed_.notify_all();
  }
  // While held, no outcome comes.
  void hold(bool held) {
    {
      std::lock_guard lock(mutex_);
      held_ = held;
    }
    changed_.notify_all();
  }
  std::size_t waiting() const {
    std::lock_guard lock(mutex_);
    return jobs_.size();
  }
  bool is_done(const Job& job) const {
    std::lock_guard lock(mutex_);
    return job.state == Job::State::done;
  }
  CommitResult result_of(Job& job) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return job.state == Job::State::done; });
    return job.result;
  }
  // The job will not be touched any more; true: it had not begun.
  bool cancel(Job& job) {
    std::unique_lock lock(mutex_);
    bool waiting = std::erase(jobs_, &job) > 0;
    changed_.wait(lock, [&] { return job.state != Job::State::running; });
    return waiting;
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (!ending_) {
      auto next = std::ranges::min_element(jobs_, {}, [](const Job* job) { return job->due; });
      if (held_ || next == jobs_.end()) {
        changed_.wait(lock);
      } else if ((*next)->due > std::chrono::steady_clock::now()) {
        Deadline due = (*next)->due;
        changed_.wait_until(lock, due);
      } else {
        Job* job = *next;
        jobs_.erase(next);
        job->state = Job::State::running;
        lock.unlock();
        CommitResult result = job->commit->finish();
        lock.lock();
        job->result = std::move(result);
        job->state = Job::State::done;
        changed_.notify_all();
      }
    }
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Job*> jobs_;
  bool held_ = false, ending_ = false;
  std::thread thread_;
};

class DelayedCommit final : public Commit {
 public:
  // open: while the commit is neither finished nor aborted.
  DelayedCommit(std::unique_ptr<Commit> inner, LateFinisher& finisher, const Delays& delays,
                std::shared_ptr<bool> open)
      : inner_(std::move(inner)), finisher_(finisher), delays_(delays), open_(std::move(open)) {
    *open_ = true;
  }
  ~DelayedCommit() override { abort(); }

  Result<> append(const TopicPartition& to, const RecordBatch& batch) override {
    const TopicRules& rules = delays_.rules;
    for (std::size_t row = 0; row < batch.size(); ++row) {
      RecordView record = batch[row];
      std::size_t bytes = (record.key ? record.key->size() : 0) +
                          (record.value ? record.value->size() : 0) + record.headers.size();
      if (bytes > rules.record_bytes_max)
        return fail(ErrorCode::limit_exceeded, "a record is larger than its topic takes");
      if (record.timestamp_ms < rules.timestamp_ms_min)
        return fail(ErrorCode::invalid_argument, "a timestamp is below what its topic takes");
    }
    return inner_->append(to, batch);
  }
  void advance(const TaskId& task, const TopicPartition& from, Position next) override {
    inner_->advance(task, from, std::move(next));
  }
  StateWrites& state(const TaskId& task) override { return inner_->state(task); }
  void start() override {
    if (std::exchange(started_, true)) return;
    job_.commit = inner_.get();
    job_.due = std::chrono::steady_clock::now() + delays_.commit;
    finisher_.add(job_);
  }
  bool settled() const override { return !started_ || finisher_.is_done(job_); }
  CommitResult finish() override {
    start();
    finished_ = true;
    CommitResult result = finisher_.result_of(job_);
    *open_ = false;
    return result;
  }
  void abort() override {
    if (std::exchange(finished_, true)) return;
    if (!started_ || finisher_.cancel(job_)) inner_->abort();
    *open_ = false;
  }

 private:
  std::unique_ptr<Commit> inner_;
  LateFinisher& finisher_;
  const Delays& delays_;
  std::shared_ptr<bool> open_;
  LateFinisher::Job job_ = {};
  bool started_ = false, finished_ = false;
};

class DelayedWriter final : public Writer {
 public:
  DelayedWriter(WriterId id, std::unique_ptr<Writer> inner, LateFinisher& finisher,
                const Delays& delays)
      : id_(std::move(id)), inner_(std::move(inner)), finisher_(finisher), delays_(delays) {}
  Result<Checkpoint> restore(const TaskId& task, const StateVisitor& visitor) override {
    return inner_->restore(task, visitor);
  }
  Result<> reset(const TaskId& task, std::vector<TaskPosition> positions) override {
    return inner_->reset(task, std::move(positions));
  }
  Result<> forget(const TaskId& task) override { return inner_->forget(task); }
  Result<std::unique_ptr<Commit>> begin() override {
    if (*open_) return fail(commit_is_open(id_));  // not asked: it may be finishing one
    return std::make_unique<DelayedCommit>(TRY(inner_->begin()), finisher_, delays_, open_);
  }

 private:
  const WriterId id_;
  std::unique_ptr<Writer> inner_;
  LateFinisher& finisher_;
  const Delays& delays_;
  std::shared_ptr<bool> open_ = std::make_shared<bool>(false);
};

// Record n of the inner log has offset 2n here; 2n + 1 is a marker, which next() passes over in a
// call of its own.
class DelayedReader final : public Reader {
 public:
  DelayedReader(std::unique_ptr<Reader> inner, Offset start)
      : inner_(std::move(inner)), position_(start) {}

  Result<std::size_t> next(ReadBuffer& buffer, std::size_t bytes_max) override {
    buffer.clear();
    if (!fetched_ && TRY(inner_->end()) > inner_->position()) {  // and takes until the next call
      fetched_ = true;
      return 0;
    }
    std::size_t rows = TRY(inner_->next(buffer, bytes_max));
    for (Offset& offset : buffer.offsets) offset *= 2;
    position_ = rows > 0 ? buffer.offsets.back() + 1 : 2 * inner_->position();
    fetched_ = false;
    return rows;
  }
  Offset position() const override { return position_; }
  Result<Offset> end() override { return 2 * TRY(inner_->end()); }
  Offset known_end() const override { return 2 * inner_->known_end(); }
  bool at_marker() const { return position_ % 2 != 0; }
  Reader& inner() { return *inner_; }

 private:
  std::unique_ptr<Reader> inner_;
  Offset position_;
  bool fetched_ = false;
};

// The inner log outlives it. `delays` may be changed while no other thread uses the log.
class DelayedLog : public Log {
 public:
  explicit DelayedLog(Log& inner, Delays delays = {}) : delays(delays), inner_(inner) {}

  Result<> create(const TopicSpec& spec) override { return inner_.create(spec); }
  Result<TopicInfo> describe(const TopicName& topic) override {
    TopicInfo info = TRY(inner_.describe(topic));
    info.rules = delays.rules;
    for (PartitionInfo& partition : info.partitions)
      partition = {2 * partition.first, 2 * partition.end};
    return info;
  }
  Result<std::vector<TopicName>> list() override { return inner_.list(); }
  Result<> remove(const TopicName& topic) override { return inner_.remove(topic); }
  Result<> set_retention(const TopicName& topic, const Retention& retention) override {
    return inner_.set_retention(topic, retention);
  }
  Result<std::unique_ptr<Reader>> reader(const TopicPartition& from, Offset start,
                                         ReadCheck check) override {
    Offset inner_start = start < 0 ? start : (start + 1) / 2;
    return std::make_unique<DelayedReader>(TRY(inner_.reader(from, inner_start, check)), start);
  }
  Result<std::unique_ptr<Writer>> writer(const WriterId& id) override {
    return std::make_unique<DelayedWriter>(id, TRY(inner_.writer(id)), finisher_, delays);
  }
  Result<bool> wait(std::span<Reader* const> readers, Deadline deadline) override {
    std::vector<Reader*> inner;
    for (Reader* reader : readers) {
      auto* delayed = static_cast<DelayedReader*>(reader);
      if (delayed->at_marker()) return true;
      inner.push_back(&delayed->inner());
    }
    return inner_.wait(inner, deadline);
  }
  void wake() override { inner_.wake(); }

  void hold_commits(bool held) { finisher_.hold(held); }
  std::size_t commits_waiting() const { return finisher_.waiting(); }

  Delays delays;

 private:
  Log& inner_;
  LateFinisher finisher_;
};

}  // namespace penstock::topics
