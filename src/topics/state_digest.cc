#include "topics/state_digest.h"

#include <cstring>
#include <utility>

#include "base/check.h"

namespace penstock::topics {
namespace {

constexpr std::string_view kEntryLabel = "penstock state entry 1";

void put_length(ByteBuffer& to, std::size_t length) {
  for (int shift = 0; shift < 32; shift += 8)
    to.push_back(static_cast<std::uint8_t>(length >> shift));
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

EntryPrf::EntryPrf(const StateKey& key, const TaskId& task) : key_(key) {
  const ByteView label = as_bytes(kEntryLabel), name = as_bytes(task.value());
  message_.assign(label.begin(), label.end());
  put_length(message_, name.size());
  message_.insert(message_.end(), name.begin(), name.end());
  front_ = message_.size();
}

Digest EntryPrf::operator()(ByteView entry_key, ByteView value) {
  message_.resize(front_);
  put_length(message_, entry_key.size());
  message_.insert(message_.end(), entry_key.begin(), entry_key.end());
  message_.insert(message_.end(), value.begin(), value.end());
  return key_.prf(message_);
}

void StateDigest::add(ByteView entry_key, ByteView value) {
  const auto [found, fresh] =
      terms_.try_emplace(std::string(as_text(entry_key)), Entry{prf_(entry_key, value)});
  CHECK(fresh);
  sum_.add(found->second.term);
}

void StateDigest::apply(StateDigestUpdate&& update) {
  CHECK(&update.base_ == this);
  for (const auto& [entry, term] : std::exchange(update.changed_, {})) {
    if (term)
      entry->second = {*term, 0};
    else
      terms_.erase(terms_.find(std::string_view(entry->first)));
  }
  while (!update.fresh_.empty()) {
    auto node = update.fresh_.extract(update.fresh_.begin());
    if (node.mapped()) terms_.try_emplace(std::move(node.key()), Entry{*node.mapped()});
  }
  sum_ = update.sum_;
}

void StateDigestUpdate::put(ByteView entry_key, ByteView value) {
  replace(entry_key, base_.prf_(entry_key, value));
}

void StateDigestUpdate::erase(ByteView entry_key) {
  replace(entry_key, std::nullopt);
}

// What holds at present; the committed term, or none, when it is the first change of the entry.
StateDigestUpdate::Term& StateDigestUpdate::term_of(std::string_view key) {
  const auto committed = base_.terms_.find(key);
  if (committed == base_.terms_.end()) {
    const auto known = fresh_.find(key);
    if (known != fresh_.end()) return known->second;
    return fresh_.emplace(std::string(key), std::nullopt).first->second;
  }
  StateDigest::Entry& entry = committed->second;
  if (entry.change == 0) {
    changed_.push_back({&*committed, entry.term});
    entry.change = static_cast<std::uint32_t>(changed_.size());
  }
  return changed_[entry.change - 1].term;
}

void StateDigestUpdate::replace(ByteView entry_key, const Term& term) {
  Term& present = term_of(as_text(entry_key));
  if (present) sum_.subtract(*present);
  if (term) sum_.add(*term);
  present = term;
}

StateDigestUpdate::~StateDigestUpdate() {
  for (const Change& change : changed_) change.entry->second.change = 0;
}

}  // namespace penstock::topics
