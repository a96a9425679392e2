// The root of one service: binds the checkpoints of all its tasks and the ends of what they wrote
// together, so that none of them can be removed, put back or moved alone. Its sums are kept like
// the digest of a state (state_digest.h), so a commit's cost follows what it changed.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "topics/checkpoint.h"
#include "topics/log.h"
#include "topics/state_digest.h"
#include "topics/state_store.h"

namespace penstock::topics {

// One thread at a time: the committer's lock.
class ServiceRoot {
 public:
  // What is known of a task without looking at the disk.
  struct Known {
    Incarnation incarnation;
    Digest hash;  // of its checkpoint
    Digest term;  // in the sum
  };
  // The committed end of a partition; absent: there is no such topic.
  using EndOf =
      std::function<std::optional<Offset>(std::uint32_t topic_id, std::int32_t partition)>;

  ServiceRoot(StateIdentity identity, std::uint64_t lease_term);
  const StateIdentity& identity() const { return identity_; }
  std::uint64_t lease_term() const { return lease_term_; }
  void set_lease_term(std::uint64_t term) { lease_term_ = term; }  // before any writer is opened
  // Of the stored root; no parts: there is none yet. Any thread.
  Result<ServiceProgress> progress(StateStore& store) const;

  // Reads and verifies what is stored. corrupt: names the service and what differs. accept: takes
  // it as it is (an owner accepts the loss) and stages the ends that are there.
  Result<> load(StateStore& store, const EndOf& end_of, bool accept);

  const Known* find(const TaskId& task) const;

  // Changes of one round: staged, written with it, then applied or dropped.
  void stage_task(const TaskId& task, const Incarnation& incarnation, const Digest& hash);
  void stage_forget(const TaskId& task);
  void stage_end(const PartitionEnd& end);
  void stage_removal(std::uint32_t topic_id);  // of its ends
  bool is_staged() const { return staged_.has_value(); }
  void write(StateBatch& batch, std::uint64_t round);  // the root and the ends that were staged
  void apply();
  void drop() { staged_.reset(); }

 private:
  using EndKey = std::uint64_t;  // topic id, partition
  struct KnownEnd {
    Offset end;
    Digest term;
  };
  struct Sums {
    Sum256 tasks, ends;
    std::uint64_t task_count = 0, end_count = 0;
  };
  struct Staged {
    Sums sums;
    std::vector<std::pair<TaskId, std::optional<Known>>> tasks;
    std::vector<std::pair<EndKey, std::optional<KnownEnd>>> ends;
  };
  Staged& staged();
  Digest term_of(const TaskId& task, const Digest& hash) const;
  Digest term_of(const PartitionEnd& end) const;
  ByteBuffer sealed(const Sums& sums, std::uint64_t round) const;
  Digest mac_of(ByteView body, const Sums& sums) const;
  Result<> load_tasks(StateStore& store);
  Result<> load_ends(StateStore& store);
  Result<> check_ends(const EndOf& end_of) const;
  void accept_ends(const EndOf& end_of);
  Result<> verify(StateStore& store) const;
  Error differs(std::string_view what) const;
  std::string lost_tasks(const std::vector<TaskId>& with_state) const;

  const StateIdentity identity_;
  std::uint64_t lease_term_;
  std::unique_ptr<const Prf> task_prf_, end_prf_;
  std::map<TaskId, Known> tasks_;
  std::unordered_map<EndKey, KnownEnd> ends_;
  Sums sums_;
  std::optional<Staged> staged_;
};

}  // namespace penstock::topics
