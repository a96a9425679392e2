// For tests: a log whose commits fail at seeded random.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <random>

#include "topics/log.h"

namespace penstock::engine::test {

// A gate for those who open writers.
class Gate {
 public:
  void close() { set(false); }
  void open() { set(true); }
  int waiting() const {
    std::lock_guard lock(mutex_);
    return waiting_;
  }
  void pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.wait(lock, [this] { return open_; });
    --waiting_;
  }

 private:
  void set(bool open) {
    {
      std::lock_guard lock(mutex_);
      open_ = open;
    }
    changed_.notify_all();
  }
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = true;
  int waiting_ = 0;
};

// Decides what becomes of each commit. Thread-safe.
class Fate {
 public:
  enum class Kind { commit, abort, io, out_of_space, unknown_done, unknown_lost };
  explicit Fate(std::uint32_t seed) : random_(seed) {}

  void set_trouble_percent(int percent) { percent_ = percent; }
  void fill_disk(bool full) { full_ = full; }
  void fail_disk(int times) { failing_ = times; }  // the next commits
  Gate writers;
  std::uint64_t troubles() const { return troubles_; }

  Kind draw() {
    std::lock_guard lock(mutex_);
    if (full_) return trouble(Kind::out_of_space);
    if (failing_ > 0) {
      --failing_;
      return trouble(Kind::io);
    }
    if (std::uniform_int_distribution(0, 99)(random_) >= percent_) {
      io_in_a_row_ = 0;
      return Kind::commit;
    }
    auto kind = static_cast<Kind>(std::uniform_int_distribution(1, 5)(random_));
    if (kind == Kind::io && ++io_in_a_row_ > 5) kind = Kind::abort;  // ten in a row end a query
    return trouble(kind);
  }

 private:
  Kind trouble(Kind kind) {
    ++troubles_;
    return kind;
  }
  std::mutex mutex_;
  std::mt19937 random_;
  std::atomic<int> percent_ = 0;
  std::atomic<bool> full_ = false;
  std::atomic<std::uint64_t> troubles_ = 0;
  int io_in_a_row_ = 0;
  std::atomic<int> failing_ = 0;
};

class FaultyCommit final : public topics::Commit {
 public:
  FaultyCommit(std::unique_ptr<topics::Commit> inner, Fate& fate)
      : inner_(std::move(inner)), fate_(fate) {}
  Result<> append(const topics::TopicPartition& to, const topics::RecordBatch& batch) override {
    return inner_->append(to, batch);
  }
  void advance(const topics::TaskId& task, const topics::TopicPartition& from,
               topics::Position next) override {
    inner_->advance(task, from, std::move(next));
  }
  topics::StateWrites& state(const topics::TaskId& task) override { return inner_->state(task); }
  void abort() override { inner_->abort(); }
  topics::CommitResult finish() override {
    using topics::Outcome;
    Fate::Kind kind = fate_.draw();
    if (kind == Fate::Kind::commit) return inner_->finish();
    if (kind == Fate::Kind::unknown_done) {
      topics::CommitResult result = inner_->finish();
      if (result.outcome != Outcome::committed) return result;
      return {Outcome::unknown, Error(ErrorCode::timeout, "no answer (done)")};
    }
    inner_->abort();
    switch (kind) {
      case Fate::Kind::io:
        return {Outcome::aborted, Error(ErrorCode::io, "write failed")};
      case Fate::Kind::out_of_space:
        return {Outcome::aborted, Error(ErrorCode::out_of_space, "the disk is full")};
      case Fate::Kind::unknown_lost:
        return {Outcome::unknown, Error(ErrorCode::timeout, "no answer (lost)")};
      default:
        return {Outcome::aborted, Error(ErrorCode::unavailable, "aborted")};
    }
  }

 private:
  std::unique_ptr<topics::Commit> inner_;
  Fate& fate_;
};

class FaultyWriter final : public topics::Writer {
 public:
  FaultyWriter(std::unique_ptr<topics::Writer> inner, Fate& fate)
      : inner_(std::move(inner)), fate_(fate) {}
  Result<topics::Checkpoint> restore(const topics::TaskId& task,
                                     const topics::StateVisitor& visitor) override {
    return inner_->restore(task, visitor);
  }
  Result<> reset(const topics::TaskId& task, std::vector<topics::TaskPosition> positions) override {
    return inner_->reset(task, std::move(positions));
  }
  Result<> forget(const topics::TaskId& task) override { return inner_->forget(task); }
  Result<std::unique_ptr<topics::Commit>> begin() override {
    return std::make_unique<FaultyCommit>(TRY(inner_->begin()), fate_);
  }

 private:
  std::unique_ptr<topics::Writer> inner_;
  Fate& fate_;
};

class FaultyLog final : public topics::Log {
 public:
  FaultyLog(topics::Log& inner, Fate& fate) : inner_(inner), fate_(fate) {}
  Result<> create(const topics::TopicSpec& spec) override { return inner_.create(spec); }
  Result<topics::TopicInfo> describe(const topics::TopicName& topic) override {
    return inner_.describe(topic);
  }
  Result<std::vector<topics::TopicName>> list() override { return inner_.list(); }
  Result<> remove(const topics::TopicName& topic) override { return inner_.remove(topic); }
  Result<std::unique_ptr<topics::Reader>> reader(const topics::TopicPartition& from,
                                                 topics::Offset start,
                                                 topics::ReadCheck check) override {
    return inner_.reader(from, start, check);
  }
  Result<std::unique_ptr<topics::Writer>> writer(const topics::WriterId& id) override {
    fate_.writers.pass();
    return std::make_unique<FaultyWriter>(TRY(inner_.writer(id)), fate_);
  }
  Result<bool> wait(std::span<topics::Reader* const> readers, topics::Deadline deadline) override {
    return inner_.wait(readers, deadline);
  }
  void wake() override { inner_.wake(); }

 private:
  topics::Log& inner_;
  Fate& fate_;
};

}  // namespace penstock::engine::test
