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

struct Topic {
  TopicSpec spec;
  std::uint64_t incarnation;  // a topic that was removed and created again is another one
  std::vector<std::vector<StoredRecord>> partitions;
};

using StateMap = std::map<ByteBuffer, ByteBuffer>;

struct Task {
  std::map<TopicPartition, Position> positions;
  StateMap state;
};

// All that the log holds; guarded by the mutex.
struct Store {
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

class MemoryReader final : public Reader {
 public:
  MemoryReader(Store& store, TopicPartition from, std::uint64_t incarnation, Offset start)
      : store_(store), from_(std::move(from)), incarnation_(incarnation), position_(start) {}

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
  bool ready_locked() {
    auto records = records_locked();
    return !records || static_cast<std::size_t>(position_) < (*records)->size();
  }

 private:
  Result<const std::vector<StoredRecord>*> records_locked() const {
    Topic* topic = TRY(store_.find(from_.topic));
    if (topic->incarnation != incarnation_) return fail(no_such_topic(from_.topic));
    return &topic->partitions[static_cast<std::size_t>(from_.partition)];
  }

  Store& store_;
  const TopicPartition from_;
  const std::uint64_t incarnation_;
  Offset position_;
};

struct Append {
  TopicPartition to;
  std::uint64_t incarnation;
  RecordBatch records;
};
struct Advance {
  TaskId task;
  TopicPartition from;
  Position next;
};
struct StateChange {
  TaskId task;
  ByteBuffer key;
  std::optional<ByteBuffer> value;
};

// Gathers the changes of one task.
class MemoryStateWrites final : public StateWrites {
 public:
  MemoryStateWrites(TaskId task, CommitLimits& limits, std::vector<StateChange>& changes)
      : task_(std::move(task)), limits_(limits), changes_(changes) {}
  void put(ByteView key, ByteView value) override {
    if (limits_.take_state(key, value))
      changes_.push_back({task_, to_buffer(key), to_buffer(value)});
  }
  void erase(ByteView key) override {
    if (limits_.take_state(key, {})) changes_.push_back({task_, to_buffer(key), std::nullopt});
  }

 private:
  const TaskId task_;
  CommitLimits& limits_;
  std::vector<StateChange>& changes_;
};

class MemoryCommit final : public Commit {
 public:
  MemoryCommit(Store& store, const WriterId& writer, std::uint64_t epoch, bool& open)
      : store_(store), writer_(writer), epoch_(epoch), open_(open) {}
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
    if (limits_.take_task(task)) advances_.push_back({task, from, std::move(next)});
  }
  StateWrites& state(const TaskId& task) override {
    limits_.take_task(task);
    auto [found, fresh] = states_.try_emplace(task);
    if (fresh) found->second = std::make_unique<MemoryStateWrites>(task, limits_, state_changes_);
    return *found->second;
  }
  CommitResult finish() override {
    CHECK(!done_);
    CommitResult result = apply();
    abort();
    return result;
  }
  void abort() override {
    if (!std::exchange(done_, true)) open_ = false;
  }

 private:
  CommitResult apply() {
    if (limits_.broken()) return {Outcome::aborted, *limits_.broken()};
    std::lock_guard lock(store_.mutex);
    if (store_.epochs[writer_] != epoch_) return {Outcome::fenced, fenced_error(writer_)};
    for (const Append& append : appends_) {
      auto topic = store_.find(append.to);
      if (!topic) return {Outcome::aborted, topic.error()};
      if ((*topic)->incarnation != append.incarnation)
        return {Outcome::aborted, no_such_topic(append.to.topic)};
    }
    for (const Append& append : appends_) store_records(append);
    for (const Advance& a : advances_)
      store_.tasks[a.task].positions.insert_or_assign(a.from, a.next);
    for (StateChange& change : state_changes_) {
      StateMap& state = store_.tasks[change.task].state;
      if (change.value)
        state.insert_or_assign(std::move(change.key), std::move(*change.value));
      else
        state.erase(change.key);
    }
    store_.changed.notify_all();
    return {Outcome::committed, std::nullopt};
  }
  void store_records(const Append& append) {
    Topic& topic = store_.topics.find(append.to.topic)->second;
    auto& records = topic.partitions[static_cast<std::size_t>(append.to.partition)];
    for (std::size_t i = 0; i < append.records.size(); ++i) {
      RecordView r = append.records[i];
      records.push_back({copy_of(r.key), copy_of(r.value), r.timestamp_ms, to_buffer(r.headers)});
    }
  }

  Store& store_;
  const WriterId& writer_;  // the Writer's, which outlives this
  const std::uint64_t epoch_;
  bool& open_;
  bool done_ = false;
  CommitLimits limits_;
  std::vector<Append> appends_;
  std::vector<Advance> advances_;
  std::vector<StateChange> state_changes_;
  std::map<TaskId, std::unique_ptr<MemoryStateWrites>> states_;
};

class MemoryWriter final : public Writer {
 public:
  MemoryWriter(Store& store, WriterId id, std::uint64_t epoch)
      : store_(store), id_(std::move(id)), epoch_(epoch) {}

  Result<Checkpoint> restore(const TaskId& task, const StateVisitor& visitor) override {
    TRY(check_id(task));
    StateMap copy;  // so that the visitor may use the log
    Checkpoint out{.task = task};
    {
      std::lock_guard lock(store_.mutex);
      auto found = store_.tasks.find(task);
      if (found != store_.tasks.end()) {
        copy = found->second.state;
        for (const auto& [from, next] : found->second.positions) out.set(from, next);
      }
    }
    for (const auto& [key, value] : copy) visitor(key, value);
    return out;
  }
  Result<> reset(const TaskId& task, std::vector<TaskPosition> positions) override {
    std::lock_guard lock(store_.mutex);
    if (store_.epochs[id_] != epoch_) return fail(fenced_error(id_));
    auto& stored = store_.tasks[task];
    stored = {};
    for (TaskPosition& position : positions)
      stored.positions.insert_or_assign(position.from, std::move(position.position));
    return {};
  }
  Result<> forget(const TaskId& task) override {
    std::lock_guard lock(store_.mutex);
    if (store_.epochs[id_] != epoch_) return fail(fenced_error(id_));
    store_.tasks.erase(task);
    return {};
  }
  Result<std::unique_ptr<Commit>> begin() override {
    if (open_) return fail(commit_is_open(id_));
    open_ = true;
    return std::make_unique<MemoryCommit>(store_, id_, epoch_, open_);
  }

 private:
  Store& store_;
  const WriterId id_;
  const std::uint64_t epoch_;
  bool open_ = false;
};

class MemoryLog final : public Log {
 public:
  Result<> create(const TopicSpec& spec) override {
    TRY(check_spec(spec));
    std::lock_guard lock(store_.mutex);
    if (store_.topics.contains(spec.name)) return fail(topic_exists(spec.name));
    if (store_.topics.size() >= kTopicsMax) return fail(too_many_topics());
    Topic topic{spec, ++store_.incarnations, {}};
    topic.partitions.resize(static_cast<std::size_t>(spec.partitions));
    store_.topics.emplace(spec.name, std::move(topic));
    return {};
  }
  Result<TopicInfo> describe(const TopicName& name) override {
    std::lock_guard lock(store_.mutex);
    const Topic& topic = *TRY(store_.find(name));
    TopicInfo info{topic.spec, {}};
    for (const auto& records : topic.partitions)
      info.partitions.push_back({0, static_cast<Offset>(records.size())});
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
    TRY(store_.find(name));
    store_.topics.erase(name);
    for (auto& [id, task] : store_.tasks)
      std::erase_if(task.positions, [&](const auto& entry) { return entry.first.topic == name; });
    store_.changed.notify_all();
    return {};
  }
  Result<std::unique_ptr<Reader>> reader(const TopicPartition& from, Offset start,
                                         ReadCheck) override {
    std::lock_guard lock(store_.mutex);
    const Topic& topic = *TRY(store_.find(from));
    auto end = topic.partitions[static_cast<std::size_t>(from.partition)].size();
    TRY(check_start(from, start, {0, static_cast<Offset>(end)}));
    return std::make_unique<MemoryReader>(store_, from, topic.incarnation, start);
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

 private:
  Store store_;
};

}  // namespace

std::unique_ptr<Log> make_memory_log() {
  return std::make_unique<MemoryLog>();
}

}  // namespace penstock::topics
