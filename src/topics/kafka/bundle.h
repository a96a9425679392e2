// A transactional producer that several writers share: commits that wait at the same time are one
// transaction, so threads and connections do not grow with tasks.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "topics/kafka/core.h"
#include "topics/kafka/producer.h"

namespace penstock::topics::kafka {

// What one commit brings into a transaction. Used by the bundle's thread from submit() until it is
// settled.
class Contribution {
 public:
  virtual ~Contribution() = default;
  // Before the transaction: whatever can fail for reasons of its own.
  virtual Result<> prepare() = 0;
  // Within. Again, in another transaction, if this one failed by somebody else's fault.
  virtual Result<> write(Producer& producer) = 0;
  virtual std::size_t bytes() const = 0;  // so much is written, about
  // Why it cannot be committed, better known than the transaction's error. Any time.
  virtual std::optional<Error> hindrance() const { return std::nullopt; }
};

// Thread-safe. A failed transaction fails none but the guilty: each of its commits is then tried
// alone. An unknown outcome, or a newer producer elsewhere, ends the producer and is the outcome of
// all in it; the next open() makes a new one, which settles what was left.
class Bundle {
 public:
  // transactional: the id that fences. core outlives it.
  Bundle(Core& core, WriterId transactional);
  ~Bundle();  // no contribution is left

  const WriterId& transactional() const { return transactional_; }

  // One opening of one writer. Later ones of the same writer end it.
  struct Seat {
    WriterId writer;
    std::uint64_t opening;
  };
  // Makes a producer unless there is one that lives; may_take comes first, with all writers that
  // were ever opened here: taking the id would fence whoever has it now. Waits for what the
  // writer's earlier seat has under way.
  using MayTake = std::function<Result<>(const std::vector<WriterId>&)>;
  Result<Seat> open(const WriterId& writer, const MayTake& may_take);
  // unavailable: the writer must be opened again. fenced: somebody else has it, here or elsewhere.
  Result<> check(const Seat& seat) const;

  class Entry;
  using Ref = std::shared_ptr<Entry>;
  // contribution outlives the entry's settling.
  Ref submit(const Seat& seat, Contribution& contribution);
  bool settled(const Ref& entry) const;
  // Waits; from `give_up` on whatever it waits for is abandoned.
  CommitResult finish(const Ref& entry, Deadline give_up);
  // Takes it out of the queue, or waits as finish() does.
  void drop(const Ref& entry, Deadline give_up);

 private:
  using Round = std::vector<Ref>;
  enum class State : std::uint8_t { queued, writing, settled };

  void run();
  Round take_round();
  void write_round(Round round);
  // One transaction of all of them. Those that are guilty are settled; the others are left when it
  // is aborted.
  void transact(Round& round);
  void prepare(Round& round);
  bool write_all(Round& round);
  void settle(const Ref& entry, CommitResult result);
  void settle_all(Round& round, const CommitResult& result);
  void apply_deadlines(const Round& round);
  Result<> check_locked(const Seat& seat) const;
  bool is_under_way(const WriterId& writer) const;
  void take_producer(std::unique_ptr<Producer> fresh);

  Core& core_;
  const WriterId transactional_;
  std::mutex opening_;  // one open() at a time

  mutable std::mutex mutex_;
  std::condition_variable queued_, settled_;
  std::unique_ptr<Producer> producer_;  // replaced while nothing is under way
  std::map<WriterId, std::uint64_t> seats_;
  std::uint64_t openings_ = 0;
  std::vector<Ref> queue_;
  Round writing_;  // what the thread has taken
  bool ending_ = false;
  std::thread thread_;
};

// The bundles of one log, each alive as long as a writer uses it. Thread-safe.
class Bundles {
 public:
  // The writer's own: no other shares it.
  std::shared_ptr<Bundle> own(Core& core, const WriterId& writer);
  // One of a few, by the writer's name.
  std::shared_ptr<Bundle> shared(Core& core, const WriterId& writer);

 private:
  std::shared_ptr<Bundle> find(Core& core, const WriterId& transactional);

  std::mutex mutex_;
  std::map<WriterId, std::weak_ptr<Bundle>> bundles_;
};

}  // namespace penstock::topics::kafka
