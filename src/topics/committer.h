// The one committer of an embedded log: commits that wait while a round is under way share the
// next, and so its syncs.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "topics/batch_codec.h"
#include "topics/partition.h"
#include "topics/service_root.h"
#include "topics/state_store.h"
#include "topics/sync_journal.h"
#include "topics/waits.h"

namespace penstock::topics {

// What one commit appends to one partition. The directory of topics owns the partition too; this
// share keeps it until the commit is over, should the topic be removed meanwhile.
struct CommitPiece {
  std::shared_ptr<Partition> partition;
  EncodedBatches batches;
};

// The new checkpoint of a task.
struct TaskMark {
  const TaskId* task;
  Incarnation incarnation;
  Digest hash;
};

struct CommitRequest {
  const WriterId& writer;
  std::uint64_t epoch;
  std::vector<CommitPiece>& pieces;  // each partition at most once
  StateBatch& changes;               // checkpoints and state; used up
  ServiceRoot& root;                 // of the writer's service
  std::vector<TaskMark> tasks;       // of which there is a checkpoint in the changes
};

// Replaces the checkpoint of one task outside of any commit: it is opened, reset or forgotten.
struct TaskReplacement {
  const TaskId& task;
  // The hash of the stored checkpoint, which another writer must not have replaced meanwhile; any:
  // whatever it is.
  std::optional<Digest> expected;
  bool any = false;
  std::optional<TaskMark> now;  // absent: forgotten
  StateBatch& changes;
};

// A commit on its way. Stays where it is until it is done.
struct CommitTicket {
  explicit CommitTicket(CommitRequest what) : request(std::move(what)) {}
  CommitRequest request;
  CommitResult result = {};  // once done
  bool staged = false;       // the committer's
  std::atomic<bool> done = false;
};

class Committer {
 public:
  // All outlive it.
  Committer(const SegmentSettings& settings, StateStore& store, Waits& waits,
            std::filesystem::path journal);
  ~Committer();

  // Takes part in a round. start() returns at once where commits wait for the disk, else when the
  // round is over; wait() returns when it is. Thread-safe.
  void start(CommitTicket& ticket);
  CommitResult wait(CommitTicket& ticket);
  // Its epoch, which fences the writer of that id before it. Kept in memory only: whoever could use
  // an older one went with the process that owned the folder.
  Result<std::uint64_t> open_writer(const WriterId& id);
  void close_writer(const WriterId& id, std::uint64_t epoch);
  // fenced: a newer writer has this id, or another one has opened the task.
  Result<> replace(const WriterId& id, std::uint64_t epoch, ServiceRoot& root,
                   const TaskReplacement& replacement);
  void add_root(ServiceRoot& root) { all_roots_.push_back(&root); }  // outlives the commits
  // Writes the removal of a topic, with its ends out of the roots. Under alone().
  Result<> write_removal(std::uint32_t topic_id, StateBatch& batch);
  void close_files_of(std::uint32_t topic_id);  // under alone()

  // Held by whoever changes topics, writers or segments.
  std::unique_lock<std::mutex> alone() { return std::unique_lock(round_mutex_); }

 private:
  using Round = std::vector<CommitTicket*>;

  bool is_current(const WriterId& id, std::uint64_t epoch) const;
  void end_leading(const Round& round);
  void run();
  void run_round(const Round& round);
  CommitResult check(const CommitRequest& request);
  Result<> stage(const CommitRequest& request);
  Result<> stage_piece(CommitPiece& piece);
  Result<> sync();
  bool fits_journal() const;
  Result<> write_journal();
  Result<> sync_files(std::span<const std::shared_ptr<Partition>> partitions);
  Result<> settle_journal();
  void write_state(const Round& round);
  void stage_roots(const Round& round);
  static bool wrote(const Round& round, const ServiceRoot& root, const Partition& partition);
  void finish(const Round& round, Outcome outcome, const std::optional<Error>& error);
  void touch(const std::shared_ptr<Partition>& partition);
  void close_surplus_files();

  const SegmentSettings& settings_;
  StateStore& store_;
  Waits& waits_;

  std::mutex queue_mutex_;  // of the next five
  std::condition_variable round_over_, queued_;
  Round queue_;
  bool leading_ = false;
  bool ending_ = false;

  std::mutex round_mutex_;                           // of the rest
  std::map<WriterId, std::uint64_t> epochs_;         // of open writers
  std::uint64_t last_epoch_ = 0;                     // of any, never used again
  std::vector<std::shared_ptr<Partition>> touched_;  // by this round
  SyncJournal journal_;
  std::vector<JournalEntry> entries_;  // what this round has written
  bool journaled_ = false;             // this round is in the journal
  std::vector<std::shared_ptr<Partition>>
      ahead_;  // with bytes that only the journal holds for good
  std::vector<ServiceRoot*> all_roots_;
  std::vector<ServiceRoot*> roots_;  // staged by this round
  std::deque<std::shared_ptr<Partition>> with_files_;

  std::thread thread_;  // where commits wait for the disk: leads all rounds
};

}  // namespace penstock::topics
