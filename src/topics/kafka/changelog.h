// A task's state as records of a compacted topic: one per key, and one that says how many commits
// there were and what they add up to, so that a changelog which has lost or changed something is
// noticed. (Against a broker that does so on purpose only a key helps, which this module has not:
// what is stored here is for its owner to seal.)
#pragma once

#include <map>
#include <optional>
#include <unordered_map>

#include "topics/kafka/figures.h"
#include "topics/log.h"

namespace penstock::topics::kafka {

// Of the live entries, in any order.
struct ChangelogSum {
  std::uint64_t commits = 0;  // that wrote state
  std::uint64_t entries = 0;
  std::uint64_t digest = 0;  // sum over the entries of a checksum of key and value
  friend bool operator==(const ChangelogSum&, const ChangelogSum&) = default;
};

// Records' keys: 's' and the state's key; the sum's is "c".
ByteBuffer state_record_key(ByteView key);
ByteView sum_record_key();
ByteBuffer to_record(const ChangelogSum& sum);
Result<ChangelogSum> parse_sum(ByteView record);  // corrupt

class ChangelogUpdate;

// What a writer keeps of a task's committed state: the sum, and enough to bring it up to date.
class ChangelogBalance {
 public:
  ChangelogBalance() = default;
  ChangelogBalance(const std::map<ByteBuffer, ByteBuffer>& entries, std::uint64_t commits);
  const ChangelogSum& sum() const { return sum_; }
  void apply(const ChangelogUpdate& update);  // was committed

 private:
  friend class ChangelogUpdate;
  std::unordered_map<std::uint64_t, std::uint64_t> checksums_;  // of the entry, by that of its key
  ChangelogSum sum_;
};

// The changes of one commit on top of a balance, which outlives it.
class ChangelogUpdate {
 public:
  explicit ChangelogUpdate(const ChangelogBalance& base) : base_(base), sum_(base.sum_) {
    ++sum_.commits;
  }
  void put(ByteView key, ByteView value);
  void erase(ByteView key);
  const ChangelogSum& sum() const { return sum_; }

 private:
  friend class ChangelogBalance;
  // Takes the key's present entry out of the sum; whether there was one.
  bool take_out(std::uint64_t key);

  const ChangelogBalance& base_;
  std::unordered_map<std::uint64_t, std::optional<std::uint64_t>> changed_;  // absent: erased
  ChangelogSum sum_;
};

// The live entries as records come in.
class ChangelogContent {
 public:
  // corrupt: no record of a changelog.
  Result<> take(const RecordView& record);
  const std::map<ByteBuffer, ByteBuffer>& entries() const { return entries_; }
  // The sum that was stored last; absent: none was.
  const std::optional<ChangelogSum>& stored() const { return stored_; }
  ChangelogBalance balance() const;
  // changelog_truncated, through figures: the entries are not those that were written, or fewer
  // commits are there than the positions were committed with.
  Result<> check(const TopicPartition& where, std::uint64_t commits_min, Figures& figures) const;

 private:
  std::map<ByteBuffer, ByteBuffer> entries_;
  std::optional<ChangelogSum> stored_;
};

// Reads `content` on from where the reader is, up to `end`; says in the log how far it is if that
// takes seconds.
Result<> read_changelog(Log& log, Reader& reader, Offset end, const TopicPartition& where,
                        ChangelogContent& content);

}  // namespace penstock::topics::kafka
