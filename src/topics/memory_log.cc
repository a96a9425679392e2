#include "topics/memory_log.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <variant>

#include <fmt/format.h>

#include "base/check.h"
#include "topics/commit_limits.h"
#include "topics/limits.h"
#include "topics/open_task.h"
#include "topics/ready_set.h"

namespace penstock::topics {
namespace {

struct StoredRecord {
  std::optional<ByteBuffer> key, value;
  data::TimestampMs timestamp_ms;
  ByteBuffer headers;

  std::size_t bytes() const {
    return (key ? key->size() : 0) + (value ? value->size() : 0) + headers.size();
  }
};

Offset end_of(const std::vector<StoredRecord>& records) {
  return static_cast<Offset>(records.size());
}

struct Topic {
  TopicSpec spec;
  std::uint64_t incarnation;  // a topic that was removed and created again is another one
  std::vector<std::vector<StoredRecord>> partitions;
  std::vector<Offset> firsts;                       // by partition: what is kept begins there
  std::vector<std::shared_ptr<Watchers>> watchers;  // of each
};

using StateMap = std::map<ByteBuffer, ByteBuffer>;

struct Task {
  ByteBuffer checkpoint;  // as it would be stored
  Digest hash;            // of it
  StateMap state;
};

// All that the log holds; guarded by the mutex.
struct Store {
  explicit Store(StateIdentity whose) : identity(std::move(whose)) {}
  const StateIdentity identity;
  std::mutex mutex;
  std::condition_variable changed;
  std::uint64_t wakes = 0;
  std::uint64_t incarnations = 0;
  std::map<TopicName, Topic> topics;
  std::map<WriterId, std::uint64_t> epochs;
  std::map<TaskId, Task> tasks;

  Result<Topic*> find(const TopicName& name) {
    auto found = topics.find(name);
    if (found == topics.end()) return fail(no_such_topic(name));
    return &found->second;
  }
  Result<Topic*> find(const TopicPartition& at) {
    Topic* topic = TRY(find(at.topic));
    TRY(check_partition(topic->spec, at.partition));
    return topic;
  }
};

// Of the store, whose lock is held.
TopicIdOf topic_ids_locked(Store& store) {
  return [&store](const TopicPartition& at) -> std::optional<std::string> {
    auto topic = store.find(at);
    if (!topic) return std::nullopt;
    return std::to_string((*topic)->incarnation);
  };
}

std::optional<ByteBuffer> copy_of(std::optional<ByteView> bytes) {
  if (!bytes) return std::nullopt;
  return to_buffer(*bytes);
}

// Lays records into a buffer whose storage has been sized for them.
class BufferFiller {
 public:
  explicit BufferFiller(ReadBuffer& buffer, std::size_t bytes) : buffer_(buffer) {
    buffer_.clear();
    if (buffer_.storage.size() < bytes + kReadPadding) buffer_.storage.resize(bytes + kReadPadding);
  }
  void add(const StoredRecord& record, Offset offset) {
    buffer_.keys.push_back(record.key ? place(*record.key) : Slice{});
    buffer_.values.push_back(record.value ? place(*record.value) : Slice{});
    if (!record.headers.empty()) buffer_.headers.resize(buffer_.offsets.size());
    if (!record.headers.empty() || !buffer_.headers.empty())
      buffer_.headers.push_back(place(record.headers));
    buffer_.timestamps_ms.push_back(record.timestamp_ms);
    buffer_.offsets.push_back(offset);
  }

 private:
  Slice place(const ByteBuffer& bytes) {
    std::uint8_t* to = buffer_.storage.data() + used_;
    std::copy(bytes.begin(), bytes.end(), to);
    used_ += bytes.size();
    return {to, static_cast<std::uint32_t>(bytes.size())};
  }
  ReadBuffer& buffer_;
  std::size_t used_ = 0;
};

class MemoryReader final : public WatchedReader {
 public:
  MemoryReader(Store& store, TopicPartition from, const Topic& topic, Offset start)
      : store_(store),
        from_(std::move(from)),
        incarnation_(topic.incarnation),
        watchers_(topic.watchers[static_cast<std::size_t>(from_.partition)]),
        position_(start) {}

  Result<std::size_t> next(ReadBuffer& buffer, std::size_t bytes_max) override {
    std::lock_guard lock(store_.mutex);
    const std::vector<StoredRecord>& records = *TRY(records_locked());
    auto first = static_cast<std::size_t>(position_);
    std::size_t last = first, bytes = 0;
    while (last < records.size() && (last == first || bytes + records[last].bytes() <= bytes_max))
      bytes += records[last++].bytes();
    BufferFiller filler(buffer, bytes);
    for (std::size_t i = first; i < last; ++i) filler.add(records[i], static_cast<Offset>(i));
    position_ = static_cast<Offset>(last);
    return last - first;
  }
  Offset position() const override { return position_; }
  Result<Offset> end() override {
    std::lock_guard lock(store_.mutex);
    return static_cast<Offset>(TRY(records_locked())->size());
  }
  Offset known_end() const override {
    std::lock_guard lock(store_.mutex);
    auto records = records_locked();
    return records ? static_cast<Offset>((*records)->size()) : position_;
  }
  // True also when the topic is gone, so that the next call of next() says so.
  bool ready_locked() const {
    auto records = records_locked();
    return !records || static_cast<std::size_t>(position_) < (*records)->size();
  }
  bool ready() const override {
    std::lock_guard lock(store_.mutex);
    return ready_locked();
  }
  std::shared_ptr<Watchers> watchers() const override { return watchers_; }

 private:
  Result<const std::vector<StoredRecord>*> records_locked() const {
    Topic* topic = TRY(store_.find(from_.topic));
    if (topic->incarnation != incarnation_) return fail(no_such_topic(from_.topic));
    const auto index = static_cast<std::size_t>(from_.partition);
    if (position_ < topic->firsts[index])
      return fail(records_deleted(from_, position_, topic->firsts[index]));
    return &topic->partitions[index];
  }

  Store& store_;
  const TopicPartition from_;
  const std::uint64_t incarnation_;
  const std::shared_ptr<Watchers> watchers_;
  Offset position_;
};

struct Append {
  TopicPartition to;
  std::uint64_t incarnation;
  RecordBatch records;
};
struct StateChange {
  ByteBuffer key;
  std::optional<ByteBuffer> value;
};

// Gathers the changes of one task.
class MemoryTaskState final : public StateWrites {
 public:
  MemoryTaskState(OpenTask& open, CommitLimits& limits) : changes(open), limits_(limits) {}
  void put(ByteView key, ByteView value) override {
    if (!limits_.take_state(key, value)) return;
    state.push_back({to_buffer(key), to_buffer(value)});
    changes.put(key, value);
  }
  void erase(ByteView key) override {
    if (!limits_.take_state(key, {})) return;
    state.push_back({to_buffer(key), std::nullopt});
    changes.erase(key);
  }

  TaskChanges changes;
  std::vector<StateChange> state;

 private:
  CommitLimits& limits_;
};

// The writer's, which its commits use.
struct WriterSide {
  const WriterId id;
  const std::uint64_t epoch;
  bool open = false;  // a commit is
  std::map<TaskId, std::unique_ptr<OpenTask>> tasks{};
};

class MemoryCommit final : public Commit {
 public:
  MemoryCommit(Store& store, WriterSide& writer) : store_(store), writer_(writer) {}
  ~MemoryCommit() override { abort(); }

  Result<> append(const TopicPartition& to, const RecordBatch& batch) override {
    CHECK(!done_);
    std::uint64_t incarnation;
    {
      std::lock_guard lock(store_.mutex);
      incarnation = TRY(store_.find(to))->incarnation;
    }
    TRY(limits_.take_records(batch));
    appends_.push_back({to, incarnation, batch});
    return {};
  }
  void advance(const TaskId& task, const TopicPartition& from, Position next) override {
    if (MemoryTaskState* state = state_of(task)) state->changes.advance(from, std::move(next));
  }
  StateWrites& state(const TaskId& task) override {
    if (MemoryTaskState* state = state_of(task)) return *state;
    return refused_;
  }
  CommitResult finish() override {
    CHECK(!done_);
    CommitResult result = apply();
    abort();
    return result;
  }
  void abort() override {
    if (std::exchange(done_, true)) return;
    states_.clear();  // they use what the writer has open, which restore() may replace from here on
    writer_.open = false;
  }

 private:
  // null: the commit is broken.
  MemoryTaskState* state_of(const TaskId& task) {
    CHECK(!done_);
    if (!limits_.take_task(task)) return nullptr;
    const auto found = states_.find(task);
    if (found != states_.end()) return &found->second;
    const auto open = writer_.tasks.find(task);
    if (open != writer_.tasks.end())
      return &states_.try_emplace(task, *open->second, limits_).first->second;
    limits_.refuse(task_not_open(task));
    return nullptr;
  }
  CommitResult apply() {
    if (limits_.broken()) return {Outcome::aborted, *limits_.broken()};
    std::lock_guard lock(store_.mutex);
    if (CommitResult refused = check(); refused.error) return refused;
    std::vector<const SealedCheckpoint*> sealed;
    for (auto& [task, state] : states_) {
      auto done = state.changes.seal(store_.identity, topic_ids_locked(store_));
      if (!done) return {Outcome::aborted, done.error()};
      sealed.push_back(*done);
    }
    for (const Append& append : appends_) store_records(append);
    auto next = sealed.begin();
    for (auto& [task, state] : states_) store_task(task, state, **next++);
    store_.changed.notify_all();
    return {Outcome::committed, std::nullopt};
  }
  CommitResult check() {
    if (store_.epochs[writer_.id] != writer_.epoch)
      return {Outcome::fenced, fenced_error(writer_.id)};
    for (const auto& [task, state] : states_) {
      const auto stored = store_.tasks.find(task);
      if (stored == store_.tasks.end() || stored->second.hash != state.changes.task().hash)
        return {Outcome::fenced, task_fenced(task)};
    }
    for (const Append& append : appends_) {
      auto topic = store_.find(append.to);
      if (!topic) return {Outcome::aborted, topic.error()};
      if ((*topic)->incarnation != append.incarnation)
        return {Outcome::aborted, no_such_topic(append.to.topic)};
    }
    return {};
  }
  void store_task(const TaskId& task, MemoryTaskState& state, const SealedCheckpoint& sealed) {
    Task& stored = store_.tasks[task];
    for (StateChange& change : state.state) {
      if (change.value)
        stored.state.insert_or_assign(std::move(change.key), std::move(*change.value));
      else
        stored.state.erase(change.key);
    }
    stored.checkpoint = sealed.bytes;
    stored.hash = sealed.hash;
    state.changes.apply();
  }
  void store_records(const Append& append) {
    Topic& topic = store_.topics.find(append.to.topic)->second;
    auto& records = topic.partitions[static_cast<std::size_t>(append.to.partition)];
    for (std::size_t i = 0; i < append.records.size(); ++i) {
      RecordView r = append.records[i];
      records.push_back({copy_of(r.key), copy_of(r.value), r.timestamp_ms, to_buffer(r.headers)});
    }
    topic.watchers[static_cast<std::size_t>(append.to.partition)]->notify();
  }

  Store& store_;
  WriterSide& writer_;  // the Writer's, which outlives this
  bool done_ = false;
  CommitLimits limits_;
  std::vector<Append> appends_;
  std::map<TaskId, MemoryTaskState> states_;
  NoStateWrites refused_;
};

class MemoryWriter final : public Writer {
 public:
  MemoryWriter(Store& store, WriterId id, std::uint64_t epoch)
      : store_(store), side_{std::move(id), epoch} {}

  Result<Checkpoint> restore(const TaskId& task, const StateVisitor& visitor) override {
    TRY(check_id(task));
    if (side_.open) return fail(commit_is_open(side_.id));
    StateMap copy;  // so that the visitor may use the log
    std::optional<ByteBuffer> stored;
    {
      std::lock_guard lock(store_.mutex);
      auto found = store_.tasks.find(task);
      if (found != store_.tasks.end()) {
        copy = found->second.state;
        stored = found->second.checkpoint;
      }
    }
    TaskOpening opening(store_.identity, task);
    for (const auto& [key, value] : copy) {
      opening.add(key, value);
      visitor(key, value);
    }
    std::lock_guard lock(store_.mutex);
    auto open = TRY(opening.finish(stored, topic_ids_locked(store_)));
    if (store_.epochs[side_.id] != side_.epoch) return fail(fenced_error(side_.id));
    auto now = store_.tasks.find(task);
    if (now == store_.tasks.end() ? stored.has_value() : now->second.checkpoint != stored)
      return fail(task_fenced(task));
    SealedCheckpoint sealed = opening_checkpoint(*open, store_.identity, kernel_random, 0);
    Task& kept = store_.tasks[task];
    kept.checkpoint = sealed.bytes;
    kept.hash = open->hash = sealed.hash;
    open->checkpoint = sealed.checkpoint;
    side_.tasks.insert_or_assign(task, std::move(open));
    return std::move(sealed.checkpoint);
  }
  Result<> reset(const TaskId& task, std::vector<TaskPosition> positions) override {
    TRY(check_id(task));
    if (side_.open) return fail(commit_is_open(side_.id));
    std::lock_guard lock(store_.mutex);
    if (store_.epochs[side_.id] != side_.epoch) return fail(fenced_error(side_.id));
    std::optional<ByteBuffer> stored;
    const auto found = store_.tasks.find(task);
    if (found != store_.tasks.end()) stored = found->second.checkpoint;
    SealedCheckpoint sealed =
        TRY(reset_checkpoint(task, std::move(positions), stored, store_.identity,
                             topic_ids_locked(store_), kernel_random, 0));
    side_.tasks.erase(task);
    store_.tasks.insert_or_assign(task, Task{std::move(sealed.bytes), sealed.hash, {}});
    return {};
  }
  Result<> forget(const TaskId& task) override {
    TRY(check_id(task));
    if (side_.open) return fail(commit_is_open(side_.id));
    std::lock_guard lock(store_.mutex);
    if (store_.epochs[side_.id] != side_.epoch) return fail(fenced_error(side_.id));
    side_.tasks.erase(task);
    store_.tasks.erase(task);
    return {};
  }
  Result<std::unique_ptr<Commit>> begin() override {
    if (side_.open) return fail(commit_is_open(side_.id));
    side_.open = true;
    return std::make_unique<MemoryCommit>(store_, side_);
  }

 private:
  Store& store_;
  WriterSide side_;
};

class MemoryLog final : public Log {
 public:
  explicit MemoryLog(StateIdentity identity) : store_(std::move(identity)) {}
  Result<> create(const TopicSpec& spec) override {
    TRY(check_spec(spec));
    std::lock_guard lock(store_.mutex);
    if (store_.topics.contains(spec.name)) return fail(topic_exists(spec.name));
    if (store_.topics.size() >= kTopicsMax) return fail(too_many_topics());
    Topic topic{spec, ++store_.incarnations, {}, {}, {}};
    topic.partitions.resize(static_cast<std::size_t>(spec.partitions));
    topic.firsts.resize(topic.partitions.size());
    while (topic.watchers.size() < topic.partitions.size())
      topic.watchers.push_back(std::make_shared<Watchers>());
    store_.topics.emplace(spec.name, std::move(topic));
    return {};
  }
  Result<TopicInfo> describe(const TopicName& name) override {
    std::lock_guard lock(store_.mutex);
    const Topic& topic = *TRY(store_.find(name));
    TopicInfo info{topic.spec, {}};
    for (std::size_t i = 0; i < topic.partitions.size(); ++i)
      info.partitions.push_back({topic.firsts[i], end_of(topic.partitions[i])});
    return info;
  }
  Result<std::vector<TopicName>> list() override {
    std::lock_guard lock(store_.mutex);
    std::vector<TopicName> names;
    for (const auto& [name, topic] : store_.topics) names.push_back(name);
    return names;
  }
  Result<> remove(const TopicName& name) override {
    std::lock_guard lock(store_.mutex);
    const auto watchers = std::move(TRY(store_.find(name))->watchers);
    store_.topics.erase(name);
    store_.changed.notify_all();
    for (const auto& each : watchers) each->notify();
    return {};
  }
  Result<> set_retention(const TopicName& name, const Retention& retention) override {
    TRY(check_retention(retention));
    std::lock_guard lock(store_.mutex);
    TRY(store_.find(name))->spec.retention = retention;  // nothing is ever deleted by it
    return {};
  }
  Result<> trim(const TopicPartition& at, Offset before, bool unread) override {
    std::lock_guard lock(store_.mutex);
    Topic& topic = *TRY(store_.find(at));
    const auto index = static_cast<std::size_t>(at.partition);
    std::vector<StoredRecord>& records = topic.partitions[index];
    TRY(check_start(at, before, {topic.firsts[index], end_of(records)}));
    if (!unread) TRY(check_read(at, before));
    for (Offset gone = topic.firsts[index]; gone < before; ++gone)
      records[static_cast<std::size_t>(gone)] = {};
    topic.firsts[index] = before;
    store_.changed.notify_all();
    topic.watchers[index]->notify();
    return {};
  }
  Result<std::unique_ptr<Reader>> reader(const TopicPartition& from, Offset start,
                                         ReadCheck) override {
    std::lock_guard lock(store_.mutex);
    const Topic& topic = *TRY(store_.find(from));
    const auto index = static_cast<std::size_t>(from.partition);
    TRY(check_start(from, start, {topic.firsts[index], end_of(topic.partitions[index])}));
    return std::make_unique<MemoryReader>(store_, from, topic, start);
  }
  Result<std::unique_ptr<Writer>> writer(const WriterId& id) override {
    TRY(check_id(id));
    std::lock_guard lock(store_.mutex);
    return std::make_unique<MemoryWriter>(store_, id, ++store_.epochs[id]);
  }
  Result<bool> wait(std::span<Reader* const> readers, Deadline deadline) override {
    std::unique_lock lock(store_.mutex);
    auto ready = [&] {
      return std::any_of(readers.begin(), readers.end(),
                         [](Reader* r) { return static_cast<MemoryReader*>(r)->ready_locked(); });
    };
    std::uint64_t wakes = store_.wakes;
    bool at_hand = ready();
    while (!at_hand && wakes == store_.wakes) {
      bool late = store_.changed.wait_until(lock, deadline) == std::cv_status::timeout;
      at_hand = ready();
      if (late) break;
    }
    return at_hand;
  }
  void wake() override {
    std::lock_guard lock(store_.mutex);
    ++store_.wakes;
    store_.changed.notify_all();
  }
  std::unique_ptr<WaitSet> wait_set() override {
    return std::make_unique<ReadySet>([] { return Result<>(); });
  }

 private:
  Result<> check_read(const TopicPartition& at, Offset before) {
    for (const auto& [id, task] : store_.tasks) {
      const Checkpoint checkpoint = TRY(read_checkpoint(task.checkpoint, id));
      const Position* position = checkpoint.find(at);
      const auto* log = position ? std::get_if<LogPosition>(position) : nullptr;
      if (log && log->next < before) return fail(records_unread(at, before, id, log->next));
    }
    return {};
  }

  Store store_;
};

}  // namespace

std::unique_ptr<Log> make_memory_log(StateIdentity identity) {
  CHECK(identity.key != nullptr);
  return std::make_unique<MemoryLog>(std::move(identity));
}

}  // namespace penstock::topics
