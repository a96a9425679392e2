// The embedded log's RocksDB (DIR/state). Integers are big endian in keys and little endian in
// values.
//   m topic_id, m format               counters of this store
//   m round                            the newest round that has written no root
//   t <topic>                          topic id, partitions, compacted, retention
//   d <topic>                          its folder is garbage: a create or remove was under way
//   e <topic id> <partition>           committed end (Tail)
//   g <topic id> <partition> <base>    a segment that exists
//   h <topic id> <partition>           first offset that is kept; absent: 0
//   c <service> 0 <task>               checkpoint (checkpoint.h): positions, and the state's guard
//   s <service> 0 <task> 0 <key>       state
//   r <service>                        root (service_root.h): the round that wrote it first
//   f <service> 0 <topic id> <part.>   committed end as of the root
//   a <service>                        a repair has set ends back; the service accepts it or not
#pragma once

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <shared_mutex>
#include <vector>

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include "topics/embedded_log.h"
#include "topics/log.h"

namespace penstock::topics {

struct StoredTopic {
  TopicSpec spec;
  std::uint32_t id;
};

// Where the committed bytes of a partition end.
struct Tail {
  Offset end = 0;              // one past the newest committed record
  Offset segment_base = 0;     // of the segment that holds the last batch
  std::uint64_t bytes = 0;     // committed bytes of that segment; 0: the partition is empty
  std::uint32_t last_crc = 0;  // of the last batch
  friend bool operator==(const Tail&, const Tail&) = default;
};

struct PartitionEnd {
  std::uint32_t topic_id;
  std::int32_t partition;
  Offset end;
};

// Whose task it is: the tasks of one service are kept apart from those of another.
struct ServiceTask {
  std::string_view service;
  const TaskId& task;
};

// The keys of one task's state, made one after the other in the same memory.
class StateKeys {
 public:
  explicit StateKeys(const ServiceTask& task);
  const std::string& with(ByteView key) {
    text_.resize(front_);
    text_.append(as_text(key));
    return text_;
  }

 private:
  std::string text_;
  std::size_t front_;
};

// Changes that are written at once.
class StateBatch {
 public:
  void put_new_topic(const StoredTopic& topic);  // whose id is the largest so far
  void put_topic(const StoredTopic& topic);      // one that is there
  void erase_topic(const StoredTopic& topic);    // with its tails and segments
  void put_garbage(const TopicName& topic);
  void erase_garbage(const TopicName& topic);
  void put_tail(std::uint32_t topic_id, std::int32_t partition, const Tail& tail);
  void put_segment(std::uint32_t topic_id, std::int32_t partition, Offset base);
  void erase_segments_from(std::uint32_t topic_id, std::int32_t partition, Offset base);
  // The segments before this one are gone; its base is the first offset that is kept.
  void put_head(std::uint32_t topic_id, std::int32_t partition, Offset base);
  void put_state(StateKeys& keys, ByteView key, ByteView value);
  void erase_state(StateKeys& keys, ByteView key);
  void put_checkpoint(const ServiceTask& task, ByteView sealed);
  void forget_task(const ServiceTask& task);  // its checkpoint and all its state
  void forget_state(const ServiceTask& task);
  // Its first eight bytes are the number of the round.
  void put_root(std::string_view service, ByteView sealed);
  void put_root_end(std::string_view service, const PartitionEnd& end);
  void erase_root_end(std::string_view service, std::uint32_t topic_id, std::int32_t partition);
  void put_repaired(std::string_view service);
  void erase_repaired(std::string_view service);
  void append(const StateBatch& other);
  void clear() {
    batch_.Clear();
    round_ = 0;
  }
  bool empty() const { return batch_.Count() == 0; }

 private:
  friend class StateStore;
  rocksdb::WriteBatch batch_;
  std::uint64_t round_ = 0;  // that a root in it says; 0: there is no root in it
};

enum class WriteOutcome { written, not_written, unknown };

struct WriteResult {
  WriteOutcome outcome;
  std::optional<Error> error;
};

// Thread-safe; writes come one at a time (the committer's lock).
class StateStore {
 public:
  struct Options {
    std::filesystem::path folder;   // DIR/state
    std::filesystem::path ballast;  // a file whose space is given up to get out of a full disk
    bool sync = false;
    bool may_create = true;  // false: failed_precondition if there is none
    FaultPort* faults = nullptr;
  };
  static Result<std::unique_ptr<StateStore>> open(Options options);
  ~StateStore();

  // After a failure the database is opened again to find out whether the batch is in it. unknown:
  // it cannot be opened, or has lost more than the batch; all later calls fail (poisoned).
  WriteResult write(StateBatch& batch);
  // After an unknown outcome, until the log is opened anew: the error of every later call. Nothing
  // may be cut behind ends of which it is not known whether they are durable. Any thread.
  std::optional<Error> poison() const;
  bool is_poisoned() const { return poisoned_.load(); }
  // What is durable is not known for another reason: as after an unknown outcome.
  void poison_by(const Error& error);
  // The number of the round that is written next; batches in segments carry it.
  std::uint64_t next_round() const { return round_ + 1; }
  void skip_rounds_to(std::uint64_t round) { round_ = std::max(round_, round); }
  Result<> write_or_fail(StateBatch& batch);
  // failed_precondition: poisoned. out_of_space: too little is left to write the state safely.
  Result<> check_usable();
  Result<std::uint32_t> next_topic_id();  // one past the largest that was ever used

  Result<std::vector<StoredTopic>> topics();
  Result<std::vector<TopicName>> garbage();
  Result<Tail> tail(std::uint32_t topic_id, std::int32_t partition);
  Result<Offset> head(std::uint32_t topic_id, std::int32_t partition);
  Result<std::vector<Offset>> segments(std::uint32_t topic_id, std::int32_t partition);
  Result<std::optional<ByteBuffer>> checkpoint(const ServiceTask& task);
  Result<std::vector<std::pair<TaskId, std::string>>> checkpoints(const std::string& service);
  // Of all services, as they are stored: unverified.
  Result<std::vector<Checkpoint>> all_checkpoints();
  Result<std::optional<std::string>> root(const std::string& service);
  Result<std::vector<PartitionEnd>> root_ends(const std::string& service);
  Result<std::vector<std::string>> services();  // those that have a root
  Result<bool> is_repaired(const std::string& service);
  Result<std::vector<TaskId>> tasks_with_state(const std::string& service);
  // In pages, so that the visitor runs without a lock of ours.
  Result<> restore(const ServiceTask& task, const StateVisitor& visitor);

 private:
  explicit StateStore(Options options) : options_(std::move(options)) {}
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  Result<> open_database();
  Result<> check_format();
  Result<std::uint64_t> stored_round() const;
  Result<std::optional<std::string>> get(const std::string& key);
  Result<Pairs> scan(const std::string& prefix);
  Result<std::size_t> scan_page(const std::string& prefix, const std::string& from, Pairs& page);
  WriteResult look_after_failure(const rocksdb::Status& failed);
  WriteResult poisoned_by(const Error& error);
  bool injected(DiskStep step) const;

  const Options options_;
  std::shared_mutex mutex_;  // held alone while the database is opened again
  std::unique_ptr<rocksdb::DB> db_;
  std::uint64_t round_ = 0;  // of the newest batch in it
  std::atomic<bool> poisoned_ = false;
  bool has_ballast_ = false;
};

}  // namespace penstock::topics
