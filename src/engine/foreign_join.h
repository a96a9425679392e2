// A join of two tables by a foreign key: where the rows that are referred to are.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/join_output.h"
#include "engine/kept_entries.h"

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
  std::size_t uncommitted_bytes() const { return left_.changed_bytes() + right_.changed_bytes(); }
  std::size_t memory_bytes() const;

 private:
  struct Referring {
    JoinRow row, gone;  // as they stand in the output: there, and not there
    data::TimestampMs timestamp_ms = 0;
    friend std::size_t kept_bytes(const Referring& kept) { return 2 * kept.row->size(); }
  };
  using Place = std::pair<ByteBuffer, ByteBuffer>;  // what is referred to, the left table's key

  bool load(ByteView key, ByteView value);
  void take_left(const data::Batch& batch, data::RowIndex row);
  void take_right(const JoinInput& input);
  Referring referring_of(ByteView key_and_number, ByteView rest, data::TimestampMs time_ms) const;
  void answer(const JoinInput& by, const Referring& left, const KeptRow* right);

  const bool outer_;  // LEFT
  const std::size_t keys_, others_;
  const std::string store_;
  const std::vector<data::Type> left_types_, right_types_;  // of the rows' cells
  KeptEntries<Referring, Place> left_;
  KeptEntries<KeptRow> right_;
  JoinOutput output_;
};

}  // namespace penstock::engine
