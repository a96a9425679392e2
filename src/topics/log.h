// The log: ordered, partitioned, durable topics, and commits that make outputs, positions and state
// visible at once. Three implementations: memory (tests), embedded (files; the default), kafka.
// One conformance suite (conformance.h) holds them to what is written here.
#pragma once

#include <chrono>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "topics/checkpoint.h"
#include "topics/limits.h"
#include "topics/names.h"
#include "topics/record.h"

namespace penstock::topics {

// What a log may delete by itself, oldest records first. It deletes in pieces (segments), so more
// than this is there at times; the piece that is written to stays.
struct Retention {
  std::optional<std::chrono::milliseconds> age =
      {};                                   // of a record, by its timestamp; absent: for ever
  std::optional<std::uint64_t> bytes = {};  // of a partition on the disk; absent: any number
  bool is_set() const { return age || bytes; }
  friend bool operator==(const Retention&, const Retention&) = default;
};

struct TopicSpec {
  TopicName name;
  std::int32_t partitions = 1;
  bool compacted = false;  // the newest record of each key may be all that is kept
  Retention retention = {};
};

struct PartitionInfo {
  Offset first = 0;         // the oldest offset that can be read
  Offset end = 0;           // one past the newest committed record
  std::uint64_t bytes = 0;  // on this machine's disk; 0 when they are elsewhere
};

// What a topic asks of its records. append() refuses others; who makes records looks here first.
struct TopicRules {
  std::size_t record_bytes_max = kRecordBytesMax;  // key + value + headers
  data::TimestampMs timestamp_ms_min = std::numeric_limits<data::TimestampMs>::min();
  // false: the log replaces a record's timestamp by its own (Kafka's LogAppendTime), so sealed
  // records, which are bound to theirs, would not open.
  bool keeps_timestamps = true;
};

struct TopicInfo {
  TopicSpec spec;
  std::vector<PartitionInfo> partitions;
  TopicRules rules = {};
};

enum class Outcome {
  committed,  // all of it is visible, and durable as the log's durability says
  aborted,    // nothing of it is or will be visible; the reason is in CommitResult::error
  fenced,     // nothing is visible: a newer writer has this id. Stop; the other one carries on
  unknown,  // the log cannot tell (a time-out): open the writer again, read positions, go on there
};

struct CommitResult {
  Outcome outcome = Outcome::aborted;
  std::optional<Error> error;  // set unless committed
};

using Deadline = std::chrono::steady_clock::time_point;

// Reads committed records of one partition, in order. Used by one thread at a time.
class Reader {
 public:
  virtual ~Reader() = default;
  // Replaces the buffer's contents by the records that follow position(): as many as are at hand
  // and fit into bytes_max, at least one if there is one; returns their number. 0: none is at hand,
  // which is the end only when position() has reached end() (Kafka fetches in the background; see
  // read_to_end.h). Never waits (see Log::wait). corrupt: the stored bytes are damaged or not those
  // that were promised (names partition and offset).
  virtual Result<std::size_t> next(ReadBuffer& buffer, std::size_t bytes_max) = 0;
  // Of the record that next() would bring first. Moves on without records when what follows holds
  // none (Kafka: markers of transactions, records of aborted ones).
  virtual Offset position() const = 0;
  // One past the newest committed record, now; beyond it, when what follows is being committed.
  virtual Result<Offset> end() = 0;
  // One past the newest record known of without asking: beyond position(), records that next() will
  // bring at once or soon.
  virtual Offset known_end() const = 0;
};

// State of a task: keys and values, opaque bytes. An absent value deletes.
class StateWrites {
 public:
  virtual ~StateWrites() = default;
  virtual void put(ByteView key, ByteView value) = 0;
  virtual void erase(ByteView key) = 0;
};

// A set of changes that becomes visible whole or not at all. Used by one thread; lives shorter than
// its Writer. Destroyed without finish(): aborted.
class Commit {
 public:
  virtual ~Commit() = default;
  // The batch is copied or serialised before the call returns. Errors (unknown topic or partition,
  // record too large, too much gathered) leave the commit as it was.
  virtual Result<> append(const TopicPartition& to, const RecordBatch& batch) = 0;
  // The task has consumed the input up to here. Of tasks that this writer has restored, as state().
  // Every task that either names gets a checkpoint in this commit.
  virtual void advance(const TaskId& task, const TopicPartition& from, Position next) = 0;
  virtual StateWrites& state(const TaskId& task) = 0;
  // Optional, before finish(), and nothing may be added afterwards: the log begins to commit in the
  // background if it can (Kafka: some 10 ms). settled(): finish() would not wait any more.
  virtual void start() {}
  virtual bool settled() const { return true; }
  virtual CommitResult finish() = 0;  // once
  virtual void abort() = 0;
};

// (key, value) of one task, in the order of the keys' bytes.
using StateVisitor = std::function<void(ByteView key, ByteView value)>;

// The right to commit under one id. Opening one fences the predecessor of the same id, in this
// process or another. One thread uses it and its commits; one commit at a time.
class Writer {
 public:
  virtual ~Writer() = default;
  // Opens a task: hands over its state, verifies it with its checkpoint, and commits a checkpoint
  // with an incarnation of its own at once; returns that one (commit 1 when the task is new). What
  // the visitor got counts only if this succeeds. corrupt: what is stored is not what this service
  // committed last, or a part of it is missing (position_lost, where the task has run before and
  // its checkpoint is gone); the text says what differs and what can be done.
  virtual Result<Checkpoint> restore(const TaskId& task, const StateVisitor& visitor) = 0;
  // Replaces what is stored of a task, verified or not, by these positions and no state: commits a
  // checkpoint. For an owner's word only; restore() comes next.
  virtual Result<> reset(const TaskId& task, std::vector<TaskPosition> positions) = 0;
  // Forgets positions and state of a task whose query was dropped.
  virtual Result<> forget(const TaskId& task) = 0;
  virtual Result<std::unique_ptr<Commit>> begin() = 0;  // failed_precondition while one is open
};

// Readers of one log whose records a thread waits for. A wait costs what is ready or has changed,
// whatever the number of those that are idle (where the log has a set of its own). One thread uses
// it, but for wake(). The readers stay until they are removed.
class WaitSet {
 public:
  virtual ~WaitSet() = default;
  virtual void add(Reader& reader, void* tag) = 0;  // armed; once per reader
  virtual void remove(Reader& reader) = 0;          // its tag does not come any more
  // wait() says once of an armed reader that it is ready; then it is to be armed again.
  virtual void arm(Reader& reader) = 0;
  // The tags of those that have records, have moved their position or lost their topic (next() says
  // so). Returns when there are some, after wake(), or when the deadline has passed.
  virtual Result<> wait(std::vector<void*>& ready, Deadline deadline) = 0;
  virtual void wake() = 0;  // any thread: ends the wait that has begun, or the next one
};

class Log;
// Over Log::wait(); each wait looks at all readers.
std::unique_ptr<WaitSet> make_polling_wait_set(Log& log);

// Which tasks are this process's, when several processes of one service share them (Kafka). The
// tasks of one query, one per partition of its source, are spread evenly; those of different
// queries begin at different processes.
class Membership {
 public:
  virtual ~Membership() = default;  // leaves; the others take over
  virtual bool owns(std::string_view query, std::int32_t partition,
                    std::int32_t partitions) const = 0;
};

// Called on a thread of the log, one call at a time.
class MembershipListener {
 public:
  virtual ~MembershipListener() = default;
  // All tasks go. Returns when they have committed (lost: or been dropped, since others may have
  // them already) and ended.
  virtual void on_revoked(bool lost) = 0;
  virtual void on_assigned(const Membership& membership) = 0;  // those of owns() are to be started
  // The log gives up (another process has this member's name): the reason. No task is owned.
  virtual void on_expelled(const Error& reason) = 0;
};

// Something the log's server did that an honest one does not; counted since the log was opened.
struct Misbehaviour {
  std::string kind;  // "offset_repeated", "topic_recreated", "changelog_truncated", ...
  std::string topic;
  std::int32_t partition = 0;
  std::uint64_t count = 0;
  std::string last;  // the newest occurrence, in words
};

// Records of a partition that are written and cannot be read: a transaction is neither committed
// nor aborted yet, and holds back what others have committed behind it (Kafka).
struct Undecided {
  Offset from = 0;     // the transaction's first record
  Offset offsets = 0;  // from there to the end; markers of transactions are counted
  std::optional<data::TimestampMs> since_ms = {};  // that record's own time, where it is known
  std::optional<std::int64_t> producer_id = {};  // the brokers' number of who has it open, likewise
  friend bool operator==(const Undecided&, const Undecided&) = default;
};

// What a log has done since it was opened.
struct LogFigures {
  std::uint64_t committed = 0, aborted = 0, fenced = 0, unknown = 0;  // outcomes of commits
  double commit_seconds = 0;          // in all, from start() or finish() to the outcome
  double commit_seconds_max = 0;      // the longest
  std::uint64_t client_restarts = 0;  // connections made anew after a fatal error
  std::uint64_t rebalances = 0;       // memberships that changed
  std::vector<Misbehaviour> misbehaviour;
};

enum class ReadCheck {
  checksums,      // the CRC of every batch is compared
  authenticated,  // the caller authenticates every record itself (sealed topics): no CRC
};

// Thread-safe. Must outlive its readers and writers.
// What was committed last, by name: a folder's service as a whole (""), or each task.
struct ServiceProgress {
  struct Part {
    std::uint64_t number = 0;  // rises with what is committed
    std::string hash;          // of what that left, keyed; 64 hex digits
  };
  std::uint64_t lease_term = 0;  // under which it was written
  std::map<std::string, Part> parts;
};

class Log {
 public:
  virtual ~Log() = default;
  virtual Result<> create(const TopicSpec& spec) = 0;              // already_exists
  virtual Result<TopicInfo> describe(const TopicName& topic) = 0;  // not_found
  virtual Result<std::vector<TopicName>> list() = 0;               // sorted
  virtual Result<> remove(const TopicName& topic) = 0;  // readers of it get not_found afterwards
  // unsupported, these two: not on this log.
  virtual Result<> set_retention(const TopicName& topic, const Retention& retention);
  // Records before this offset may be deleted: as many as can be by whole pieces are, at once.
  // Readers behind them get failed_precondition. failed_precondition: a task of a service of this
  // log has not read them, unless unread is true.
  virtual Result<> trim(const TopicPartition& partition, Offset before, bool unread);
  // How many partitions the topic has, as it was seen lately; asks nobody. Absent where the number
  // never changes (files, memory), or the topic was never asked for.
  virtual std::optional<std::int32_t> partitions_seen(const TopicName& topic) {
    (void)topic;
    return std::nullopt;
  }
  // What cannot be read of the topic for open transactions, by partition. Asks brokers.
  virtual Result<std::map<std::int32_t, Undecided>> undecided(const TopicName& topic) {
    (void)topic;
    return std::map<std::int32_t, Undecided>();
  }
  // Adds partitions until there are so many; nothing happens if there are. unsupported: this log
  // adds none.
  virtual Result<> grow(const TopicName& topic, std::int32_t partitions) {
    return fail(ErrorCode::unsupported, "topic '" + topic.text() + "' cannot have " +
                                            std::to_string(partitions) +
                                            " partitions: this log adds no partitions to a topic");
  }
  // Tasks "<name>/0" to "<name>/<tasks-1>" will be restored: room is made for all of them at once.
  // Optional; otherwise each makes its own.
  virtual Result<> expect_tasks(const std::string& name, std::int32_t tasks) {
    (void)name, (void)tasks;
    return {};
  }
  // limit: from below PartitionInfo::first or beyond end is invalid_argument.
  virtual Result<std::unique_ptr<Reader>> reader(const TopicPartition& from, Offset start,
                                                 ReadCheck check = ReadCheck::checksums) = 0;
  virtual Result<std::unique_ptr<Writer>> writer(const WriterId& id) = 0;
  // The same, of a task of the service that this process has as a whole (or shares by join()): the
  // log may bring the commits of such writers together. Opening one may fence those of all tasks
  // that another process has.
  virtual Result<std::unique_ptr<Writer>> task_writer(const WriterId& id) { return writer(id); }
  // Returns when one of the readers (all of this log, used by the calling thread) has records, has
  // moved its position or lost its topic (next() says so), wake() was called, or the deadline has
  // passed. true: call next().
  virtual Result<bool> wait(std::span<Reader* const> readers, Deadline deadline) = 0;
  // Ends the waits that have begun, of all threads. One that begins afterwards is not affected.
  virtual void wake() = 0;
  // The program ends: calls that wait for others (brokers) fail then at the latest, also those that
  // are under way. What cannot be committed by then is abandoned. Thread-safe; for good.
  virtual void end_by(Deadline deadline) { (void)deadline; }
  // For a thread that waits for many readers again and again.
  virtual std::unique_ptr<WaitSet> wait_set() { return make_polling_wait_set(*this); }
  // Shares the tasks of this log's service with other processes. null: this log (or the way it was
  // opened) does not share, and every task is this process's. The listener outlives the membership.
  virtual Result<std::unique_ptr<Membership>> join(MembershipListener& listener) {
    (void)listener;
    return std::unique_ptr<Membership>();
  }
  virtual LogFigures figures() const { return {}; }
  // How far the service of this log has come, for who holds that elsewhere. Absent: this log cannot
  // say. Any thread.
  virtual Result<std::optional<ServiceProgress>> progress() {
    return std::optional<ServiceProgress>();
  }
  // The term of the lease that this process got; before any writer is opened.
  virtual void set_lease_term(std::uint64_t term) { (void)term; }
};

}  // namespace penstock::topics
