// GROUP BY over session windows: rows of a key that are not further apart than the gap are one
// session, whatever their order.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/aggregate_calls.h"
#include "engine/group_table.h"
#include "engine/operator.h"
#include "sql/plan.h"

namespace penstock::engine {

// Input and output are AggregateOperator's; a session's bounds are its first and last row's times,
// and its last one's is its timestamp. A row that touches sessions makes one of them: what was
// emitted of them is taken back by tombstones (a session that only got longer too: its key has
// other bounds now; one whose bounds stay as well, as in ksqlDB), then the new one follows.
//
// A session closes when stream time is further behind its end than the gap and the grace after it:
// then it is forgotten, and under EMIT FINAL emitted, by ends and keys. A row that could only make
// a closed session is left out.
class SessionOperator final : public Operator {
 public:
  struct Options {
    std::string store;
    FailedRow rule = FailedRow::null_column;
    bool each_change = false;  // rows out for each row in; else for each batch
    bool before = false;       // somebody asks what stood there before (HAVING)
    sql::WindowSpec window = {};
    bool emit_final = false;
  };
  SessionOperator(std::vector<data::Type> keys, std::vector<AggregateOperatorCall> calls,
                  Options options);

  std::string_view store() const override { return options_.store; }
  Result<> open(StateReader& state) override;
  Result<Flow> process(const data::Batch& batch, Emitter& out) override;
  Result<Flow> on_stream_time(data::TimestampMs now_ms, Emitter& out) override;
  Result<> on_commit(topics::StateWrites& state) override;
  std::size_t uncommitted_bytes() const override { return changed_bytes_; }
  std::size_t memory_bytes() const override;

 private:
  using Id = std::uint32_t;  // a session: its group in the calls' states
  struct Session {
    data::TimestampMs start = 0, end = 0;
    std::uint32_t key = 0;  // in keys_
    bool emitted = false;   // somebody was told of it
    bool touched = false;   // in touched_
    bool dirty = false;     // in changed_
    bool there = false;
  };

  bool load(ByteView key, ByteView value);
  Id add_session(std::uint32_t key, data::TimestampMs start, data::TimestampMs end);
  void remove_session(Id id);
  // What lies in the state under a session: its key, start and end.
  void append_state_key(const Session& session, ByteBuffer& out) const;
  Result<> take_row(const data::Batch& batch, data::RowIndex row, Emitter& out);
  // The session that the row belongs to, made of those that it touches.
  Id join_sessions(std::uint32_t key, data::TimestampMs time_ms, Emitter& out);
  void touch(Id id);
  void absorb(Id id);
  // Tombstones of what was absorbed, then what was touched.
  Result<Flow> emit_changes(Emitter& out);
  Result<Flow> emit(const std::vector<Id>& sessions, data::RowKind kind, Emitter& out);
  void fill(const std::vector<Id>& sessions, Emitter& out);
  bool is_closed(data::TimestampMs end_ms) const;

  const std::vector<data::Type> key_types_;
  AggregateCalls calls_;
  const Options options_;
  data::TimestampMs grace_ms_ = 0;
  data::TimestampMs time_ms_;  // the greatest so far

  GroupTable keys_;
  std::vector<std::vector<Id>> of_key_;  // sessions by their starts; none: the key is not there
  std::vector<Session> sessions_;
  std::vector<Id> free_;
  std::set<std::pair<data::TimestampMs, Id>> by_end_;

  // Since the last commit.
  std::vector<Id> changed_;
  std::size_t changed_bytes_ = 0;      // of their states, as they were when they changed first
  std::vector<ByteBuffer> forgotten_;  // keys in the state
  // Since the last output.
  std::vector<Id> touched_;
  std::vector<Id> absorbed_;  // emitted before; given back after the output

  // Of the batch at hand.
  ByteBuffer bytes_;
  std::vector<std::uint32_t> group_of_;
  std::vector<data::Column> columns_;
  std::vector<data::TimestampMs> times_;
  std::vector<data::RowOrigin> origins_;
  std::vector<data::WindowBounds> windows_;
  std::vector<data::RowKind> kinds_, before_kinds_;
  data::Batch output_, before_;
};

}  // namespace penstock::engine
