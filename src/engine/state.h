// How a task's stored state is divided: what a sealed source keeps (sequence guards first), then
// one share per operator.
#pragma once

#include <map>
#include <vector>

#include "base/bytes.h"
#include "engine/operator.h"
#include "topics/log.h"

namespace penstock::engine {

// First byte of a stored key. Operators' keys go on with the operator's number, two bytes big
// endian.
inline constexpr std::uint8_t kGuardState = 'g';  // an epoch's name: seal::SequenceGuard::Entry
inline constexpr std::uint8_t kSealState = 's';   // what else is kept about a sealed input
inline constexpr std::uint8_t kOperatorState = 'o';

// Puts a prefix in front of every key.
class PrefixedWrites final : public topics::StateWrites {
 public:
  PrefixedWrites(ByteBuffer prefix, topics::StateWrites& to) : key_(std::move(prefix)), to_(to) {
    prefix_bytes_ = key_.size();
  }
  void put(ByteView key, ByteView value) override { to_.put(prefixed(key), value); }
  void erase(ByteView key) override { to_.erase(prefixed(key)); }

 private:
  ByteView prefixed(ByteView key) {
    key_.resize(prefix_bytes_);
    key_.insert(key_.end(), key.begin(), key.end());
    return key_;
  }
  ByteBuffer key_;
  std::size_t prefix_bytes_;
  topics::StateWrites& to_;
};

ByteBuffer operator_prefix(std::size_t operator_index);

// What was stored for a task, sorted out by owner. Keys come without their prefix.
class StoredState {
 public:
  struct Entry {
    ByteBuffer key, value;
  };
  // corrupt: keys of no known owner.
  static Result<StoredState> load(topics::Writer& writer, const topics::TaskId& task);

  const topics::Checkpoint& checkpoint() const { return checkpoint_; }
  const std::vector<Entry>& guards() const { return guards_; }
  const std::vector<Entry>& seal() const { return seal_; }
  const std::vector<Entry>& of_operator(std::size_t index) const;

 private:
  bool take(ByteView key, ByteView value);

  topics::Checkpoint checkpoint_;
  std::vector<Entry> guards_, seal_;
  std::map<std::size_t, std::vector<Entry>> operators_;
};

// One operator's share.
class OperatorState final : public StateReader {
 public:
  explicit OperatorState(const std::vector<StoredState::Entry>& entries) : entries_(entries) {}
  Result<> each(const topics::StateVisitor& visitor) override {
    for (const StoredState::Entry& entry : entries_) visitor(entry.key, entry.value);
    return {};
  }

 private:
  const std::vector<StoredState::Entry>& entries_;
};

}  // namespace penstock::engine
