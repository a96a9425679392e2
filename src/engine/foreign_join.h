// A join of two tables by a foreign key: where the rows that are referred to are.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/join_output.h"

namespace penstock::engine {

// Left: what ForeignChangesStep says; right: the rows referred to, by their key. Output: what
// ForeignResultStep reads, one row for each left row whose joined row may have changed. Keeps both
// sides' rows.
class ForeignJoin {
 public:
  ForeignJoin(const JoinParts& parts, std::string store);

  const std::string& store() const { return store_; }
  Result<> open(StateReader& state);
  Result<Flow> process(bool left, const data::Batch& batch, Emitter& out);
  Result<> on_commit(topics::StateWrites& state);
  std::size_t memory_bytes() const;

 private:
  struct Referring {
    JoinRow row, gone;  // as they stand in the output: there, and not there
    data::TimestampMs timestamp_ms;
  };
  struct Referred {
    JoinRow row;
    data::TimestampMs timestamp_ms;
  };
  using Place = std::pair<ByteBuffer, ByteBuffer>;  // what is referred to, the left table's key

  bool load(ByteView key, ByteView value);
  void take_left(const data::Batch& batch, data::RowIndex row);
  void take_right(const JoinInput& input);
  Referring referring_of(ByteView key_and_number, ByteView rest, data::TimestampMs time_ms) const;
  void answer(const JoinInput& by, const Referring& left, const Referred* right);

  const bool outer_;  // LEFT
  const std::size_t keys_, others_;
  const std::string store_;
  const std::vector<data::Type> left_types_, right_types_;  // of the rows' cells
  std::map<Place, Referring> left_;
  std::map<ByteBuffer, Referred> right_;
  std::set<Place> left_changed_;  // since the last commit
  std::set<ByteBuffer> right_changed_;
  std::size_t bytes_ = 0;
  JoinOutput output_;
};

}  // namespace penstock::engine
