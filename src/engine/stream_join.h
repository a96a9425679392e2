// A join of two streams: rows that lie near enough to each other in time.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "engine/join_output.h"

namespace penstock::engine {

// What both inputs work on. A row joins with those of the other side, of its key, whose time lies
// within the bounds of WITHIN around its own; each is kept for the bounds and the grace behind the
// newest of its side. Without GRACE PERIOD a row of an outer join that finds nothing goes out alone
// at once; with it, when its bounds and the grace have passed and still nothing came (in the order
// of time, right before left, key), as in Kafka Streams. Rows without a key or a value join with
// nothing.
class StreamJoin {
 public:
  StreamJoin(const JoinParts& parts, std::string store);

  const std::string& store() const { return store_; }
  Result<> open(StateReader& state);
  Result<Flow> process(bool left, const data::Batch& batch, Emitter& out);
  // Time that was committed, before anything else.
  void begin_at(data::TimestampMs time_ms) { time_ms_ = std::max(time_ms_, time_ms); }
  Result<> on_commit(topics::StateWrites& state);
  std::size_t uncommitted_bytes() const { return changed_bytes_; }
  std::size_t memory_bytes() const;

 private:
  // Rows of one key in the order of time, then of arrival.
  using Place = std::pair<data::TimestampMs, std::uint64_t>;
  struct Kept {
    JoinRow row;
    bool waits = false;  // it goes out alone unless something comes
  };
  struct Side {
    std::map<ByteBuffer, std::map<Place, Kept>> rows;
    std::map<Place, ByteBuffer> by_time;  // the key of each
    data::TimestampMs newest_ms;
    std::set<Place> changed, gone;  // since the last commit
  };
  // Time, side, key, arrival.
  using Waiting = std::tuple<data::TimestampMs, bool, ByteBuffer, std::uint64_t>;

  bool load(ByteView key, ByteView value);
  void take(bool left, const JoinInput& input);
  bool match(bool left, const JoinInput& input);  // whether something was there
  void keep(bool left, const JoinInput& input, bool waits);
  data::TimestampMs live_from(const Side& side) const;  // older ones are not found any more
  void drop_old(Side& side);
  void emit_alone();
  bool is_outer(bool left) const;
  // How far the other side's rows may lie behind a row of this side.
  data::TimestampMs after_ms(bool left) const { return left ? after_ms_ : before_ms_; }

  const sql::JoinKind kind_;
  const std::string store_;
  const std::array<std::vector<data::Type>, 2> types_;  // behind the key; right, left
  const data::TimestampMs before_ms_, after_ms_;        // of a right row's time to a left one's
  const bool defers_;                                   // GRACE PERIOD was said
  const data::TimestampMs grace_ms_, retention_ms_;
  data::TimestampMs time_ms_;   // of both sides
  std::uint64_t arrivals_ = 0;  // of rows that are kept
  std::array<Side, 2> sides_;   // right, left
  std::set<Waiting> waiting_;
  std::size_t bytes_ = 0, changed_bytes_ = 0;
  JoinOutput output_;
};

}  // namespace penstock::engine
