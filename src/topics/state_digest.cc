#include "topics/state_digest.h"

#include <cstring>
#include <string>
#include <utility>

#include "base/check.h"
#include "topics/random_source.h"

namespace penstock::topics {
namespace {

constexpr std::string_view kEntryLabel = "penstock state entry 2";

std::string label_of(const TaskId& task) {
  return std::string(kEntryLabel).append(1, ':').append(task.value());
}

constexpr std::size_t kPendingMax = 64;

KeyedHash::Key random_hash_key() {
  KeyedHash::Key key;
  kernel_random(key);
  return key;
}

std::array<std::uint64_t, 4> words_of(const Digest& digest) {
  std::array<std::uint64_t, 4> words;
  std::memcpy(words.data(), digest.data(), digest.size());
  return words;
}

}  // namespace

void Sum256::add(const Digest& term) {
  const auto words = words_of(term);
  unsigned long long carry = 0;
  for (std::size_t i = 0; i < words_.size(); ++i) {
    const unsigned __int128 sum = static_cast<unsigned __int128>(words_[i]) + words[i] + carry;
    words_[i] = static_cast<std::uint64_t>(sum);
    carry = static_cast<unsigned long long>(sum >> 64);
  }
}

void Sum256::subtract(const Digest& term) {
  const auto words = words_of(term);
  unsigned long long borrow = 0;
  for (std::size_t i = 0; i < words_.size(); ++i) {
    const unsigned __int128 taken = static_cast<unsigned __int128>(words[i]) + borrow;
    borrow = words_[i] < taken ? 1 : 0;
    words_[i] -= static_cast<std::uint64_t>(taken);
  }
}

Digest Sum256::bytes() const {
  Digest out;
  std::memcpy(out.data(), words_.data(), out.size());
  return out;
}

StateDigest::StateDigest(const StateKey& key, const TaskId& task)
    : prf_(key.prf(as_bytes(label_of(task)))), hash_(random_hash_key()) {}

void StateDigest::add(ByteView entry_key, ByteView value) {
  const Digest term = (*prf_)(entry_key, value);
  CHECK(terms_.insert(hash_(entry_key), term));
  sum_.add(term);
}

void StateDigest::apply(StateDigestUpdate&& update) {
  CHECK(&update.base_ == this);
  update.take_pending();
  std::vector<Hash128> erased;
  for (const auto& [entry, term] : std::exchange(update.changed_, {})) {
    entry->change = 0;
    if (term)
      entry->term = *term;
    else
      erased.push_back(entry->hash);
  }
  for (const Hash128& hash : erased) terms_.erase(hash);  // moves entries
  for (const auto& [hash, term] : std::exchange(update.fresh_, {}))
    if (term) CHECK(terms_.insert(hash, *term));
  sum_ = update.sum_;
}

void StateDigestUpdate::put(ByteView entry_key, ByteView value) {
  add(entry_key, (*base_.prf_)(entry_key, value));
}

void StateDigestUpdate::erase(ByteView entry_key) {
  add(entry_key, std::nullopt);
}

void StateDigestUpdate::add(ByteView entry_key, const Term& term) {
  if (pending_.capacity() == 0) {
    pending_.reserve(kPendingMax);
    changed_.reserve(kPendingMax);
  }
  if (pending_.size() == kPendingMax) take_pending();
  const Hash128 hash = base_.hash_(entry_key);
  base_.terms_.prefetch(hash);
  pending_.push_back({hash, term});
}

Digest StateDigestUpdate::bytes() {
  take_pending();
  return sum_.bytes();
}

void StateDigestUpdate::take_pending() {
  for (const Pending& pending : pending_) {
    Term& present = term_of(pending.hash);
    if (present) sum_.subtract(*present);
    if (pending.term) sum_.add(*pending.term);
    present = pending.term;
  }
  pending_.clear();
}

// What holds at present; the committed term, or none, when it is the first change of the entry.
StateDigestUpdate::Term& StateDigestUpdate::term_of(const Hash128& hash) {
  TermTable::Entry* committed = base_.terms_.find(hash);
  if (committed == nullptr) return fresh_.try_emplace(hash, std::nullopt).first->second;
  if (committed->change == 0) {
    changed_.push_back({committed, committed->term});
    committed->change = static_cast<std::uint32_t>(changed_.size());
  }
  return changed_[committed->change - 1].term;
}

StateDigestUpdate::~StateDigestUpdate() {
  for (const Change& change : changed_) change.entry->change = 0;
}

}  // namespace penstock::topics
