// The entries of an operator's store as it keeps them in memory.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include "base/bytes.h"

namespace penstock::engine {

// What a key or a value takes beside its own size; types of others have a function of this name.
inline std::size_t kept_bytes(const ByteBuffer& bytes) {
  return bytes.size();
}
inline std::size_t kept_bytes(std::int64_t) {
  return 0;
}
inline std::size_t kept_bytes(const std::pair<ByteBuffer, ByteBuffer>& key) {
  return key.first.size() + key.second.size();
}

// In the order of their keys; remembers which have changed since the last commit. One thread.
template <typename Value, typename Key = ByteBuffer>
class KeptEntries {
 public:
  using Entries = std::map<Key, Value>;

  const Value* find(const Key& key) const {
    const auto found = entries_.find(key);
    return found == entries_.end() ? nullptr : &found->second;
  }
  const Entries& entries() const { return entries_; }

  void load(Key key, Value value) { replace(std::move(key), std::move(value)); }  // it is stored
  const Value& put(Key key, Value value) {
    changed_.insert(key);
    changed_bytes_ += kept_bytes(key) + kept_bytes(value);
    return replace(std::move(key), std::move(value));
  }
  bool erase(const Key& key) {  // false: it was not there
    const auto found = entries_.find(key);
    if (found == entries_.end()) return false;
    bytes_ -= kept_bytes(found->first) + kept_bytes(found->second);
    entries_.erase(found);
    changed_.insert(key);
    changed_bytes_ += kept_bytes(key);
    return true;
  }

  // Hands over what has changed since the last call: to(key, value), null: it went.
  template <typename To>
  void take_changes(To to) {
    for (const Key& key : changed_) to(key, find(key));
    changed_.clear();
    changed_bytes_ = 0;
  }
  // About what the changes are, stored.
  std::size_t changed_bytes() const { return changed_bytes_; }
  bool has_changed() const { return !changed_.empty(); }
  std::size_t memory_bytes() const {
    constexpr std::size_t kNodeBytes = 64;
    return bytes_ + (kNodeBytes + sizeof(Key) + sizeof(Value)) * entries_.size();
  }

 private:
  const Value& replace(Key key, Value value) {
    const auto [at, is_new] = entries_.try_emplace(std::move(key));
    bytes_ += is_new ? kept_bytes(at->first) : 0;
    bytes_ -= is_new ? 0 : kept_bytes(at->second);
    at->second = std::move(value);
    bytes_ += kept_bytes(at->second);
    return at->second;
  }

  Entries entries_;
  std::set<Key> changed_;
  std::size_t bytes_ = 0, changed_bytes_ = 0;
};

}  // namespace penstock::engine
