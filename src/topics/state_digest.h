// The digest of a task's state: the sum mod 2^256 of PRF(task, key, value) over all its entries, so
// that a commit's cost follows what it changed. Only an input of the checkpoint's MAC: it is never
// stored, shown or sent.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "topics/checkpoint.h"
#include "topics/keyed_hash.h"
#include "topics/term_table.h"

namespace penstock::topics {

// A number of 256 bits, least significant word first.
class Sum256 {
 public:
  void add(const Digest& term);
  void subtract(const Digest& term);
  Digest bytes() const;
  friend bool operator==(const Sum256&, const Sum256&) = default;

 private:
  std::array<std::uint64_t, 4> words_{};
};

class StateDigestUpdate;

// Of the committed entries; remembers each entry's term, so that a change needs no look at the old
// value. One thread.
class StateDigest {
 public:
  StateDigest(const StateKey& key, const TaskId& task);
  void add(ByteView entry_key, ByteView value);  // while restoring; a key comes once
  void apply(StateDigestUpdate&& update);        // was committed
  Digest bytes() const { return sum_.bytes(); }
  std::size_t entries() const { return terms_.size(); }

 private:
  friend class StateDigestUpdate;

  const std::unique_ptr<const Prf> prf_;  // the task's own
  KeyedHash hash_;
  TermTable terms_;
  Sum256 sum_;
};

// The changes of one commit on top of a digest, which outlives it and does not change meanwhile.
// One at a time of each digest; destroyed without apply(): nothing was.
class StateDigestUpdate {
 public:
  explicit StateDigestUpdate(StateDigest& base) : base_(base), sum_(base.sum_) {}
  StateDigestUpdate(const StateDigestUpdate&) = delete;
  StateDigestUpdate& operator=(const StateDigestUpdate&) = delete;
  ~StateDigestUpdate();
  void put(ByteView entry_key, ByteView value);
  void erase(ByteView entry_key);
  Digest bytes();  // with all changes so far

 private:
  friend class StateDigest;
  using Term = std::optional<Digest>;  // absent: erased
  struct Pending {
    Hash128 hash;
    Term term;
  };
  struct Change {
    TermTable::Entry* entry;
    Term term;
  };
  struct FirstWord {
    std::size_t operator()(const Hash128& hash) const { return hash[0]; }
  };
  void add(ByteView entry_key, const Term& term);
  void take_pending();
  Term& term_of(const Hash128& hash);

  StateDigest& base_;
  // Put a few calls ago: where their terms are is fetched into the cache meanwhile.
  std::vector<Pending> pending_;
  std::vector<Change> changed_;                           // of committed entries
  std::unordered_map<Hash128, Term, FirstWord> fresh_{};  // of others
  Sum256 sum_;
};

}  // namespace penstock::topics
