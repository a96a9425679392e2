// Joins with a table: each key's present row is kept.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "engine/join_output.h"
#include "engine/kept_entries.h"

namespace penstock::engine {

// What both inputs of such a join work on. Left is a stream, whose rows find the right one's
// present row and take nothing along (as in Kafka Streams); or a table, and a change on either side
// changes the joined row: it is there while the kind of join has what it asks for. Rows of the
// stream without a key or a value join with nothing.
class TableJoin {
 public:
  // before: changes of two tables say what stood there.
  TableJoin(const JoinParts& parts, std::string store, bool before);

  const std::string& store() const { return store_; }
  Result<> open(StateReader& state);
  Result<Flow> process(bool left, const data::Batch& batch, Emitter& out);
  Result<> on_commit(topics::StateWrites& state);
  std::size_t uncommitted_bytes() const {
    return rows_[0].changed_bytes() + rows_[1].changed_bytes();
  }
  std::size_t memory_bytes() const;

 private:
  bool load(ByteView key, ByteView value);
  // What a row says replaces what was there, which is returned; null: nothing.
  JoinRow put(bool left, const JoinInput& input);
  void look_up(const JoinInput& input);
  void change(bool left, const JoinInput& input, const JoinRow& was);
  bool is_joined(bool left, bool right) const;

  const sql::JoinKind kind_;
  const bool tables_;  // both
  const std::string store_;
  const std::array<std::vector<data::Type>, 2> types_;  // behind the key; right, left
  std::array<KeptEntries<KeptRow>, 2> rows_;            // right, left
  JoinOutput output_;
};

}  // namespace penstock::engine
