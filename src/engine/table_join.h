// Joins with a table: each key's present row is kept.
#pragma once

#include <array>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/join_output.h"

namespace penstock::engine {

// What both inputs of such a join work on. Left is a stream, whose rows find the right one's
// present row and take nothing along (as in Kafka Streams); or a table, and a change on either side
// changes the joined row: it is there while the kind of join has what it asks for. Rows of the
// stream without a key or a value join with nothing.
class TableJoin {
 public:
  TableJoin(const JoinParts& parts, std::string store);

  const std::string& store() const { return store_; }
  Result<> open(StateReader& state);
  Result<Flow> process(bool left, const data::Batch& batch, Emitter& out);
  Result<> on_commit(topics::StateWrites& state);
  std::size_t memory_bytes() const;

 private:
  struct Present {
    JoinRow row;
    data::TimestampMs timestamp_ms;
  };
  using Rows = std::map<ByteBuffer, Present>;

  bool load(ByteView key, ByteView value);
  // What a row says replaces what was there; returns that.
  Present put(bool left, const JoinInput& input);
  void look_up(const JoinInput& input);
  void change(bool left, const JoinInput& input, const Present& before);
  bool is_joined(bool left, bool right) const;

  const sql::JoinKind kind_;
  const bool tables_;  // both
  const std::string store_;
  const std::array<std::vector<data::Type>, 2> types_;  // behind the key; right, left
  std::array<Rows, 2> rows_;                            // right, left
  std::array<std::set<ByteBuffer>, 2> changed_;         // keys, since the last commit
  std::size_t bytes_ = 0;
  JoinOutput output_;
};

}  // namespace penstock::engine
