// How a task's stored state is divided into stores. A stored key is the length of the store's id
// (one byte), the id, and the owner's key. Ids are names that the plan gives, never places in it:
// one more filter, or another build, hands no store to another step.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "data/schema.h"
#include "engine/operator.h"
#include "topics/log.h"

namespace penstock::engine {

// What is kept of a task's inputs that are sealed (store_of_input).
inline constexpr std::string_view kGuardStore = "guards";  // seal::SequenceGuard::Entry by epoch
inline constexpr std::string_view kSealStore = "seal";     // what else (sealed_source.h)

// Of what is kept of the input of this number: "guards", "guards.1".
std::string store_of_input(std::string_view store, std::size_t input);

// Of a step that keeps state: its kind ("aggregate") and a digest of the columns that its entries
// are made of (names, types, keys or values, in order): "aggregate.3f1c0a77d5e2". Steps of one plan
// whose ids are the same are told apart by the chain.
std::string store_id(std::string_view kind, const data::Schema& columns);

// Puts the store's id in front of every key. 1 to 255 bytes, CHECKed.
class StoreWrites final : public topics::StateWrites {
 public:
  StoreWrites(std::string_view store, topics::StateWrites& to);
  void put(ByteView key, ByteView value) override { to_.put(stored(key), value); }
  void erase(ByteView key) override { to_.erase(stored(key)); }

 private:
  ByteView stored(ByteView key) {
    key_.resize(prefix_bytes_);
    key_.insert(key_.end(), key.begin(), key.end());
    return key_;
  }
  ByteBuffer key_;
  std::size_t prefix_bytes_;
  topics::StateWrites& to_;
};

// What was stored for a task, sorted out by store. Keys come without their store's id.
class StoredState {
 public:
  struct Entry {
    ByteBuffer key, value;
  };
  // Opens the task: errors of Writer::restore. corrupt: a key without a store's id.
  static Result<StoredState> load(topics::Writer& writer, const topics::TaskId& task);

  const topics::Checkpoint& checkpoint() const { return checkpoint_; }
  const std::vector<Entry>& of(std::string_view store) const;
  // failed_precondition: there is a store that is none of these; the text names it.
  Result<> check_stores(std::span<const std::string> known) const;

 private:
  bool take(ByteView key, ByteView value);

  topics::Checkpoint checkpoint_;
  std::map<std::string, std::vector<Entry>, std::less<>> stores_;
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
