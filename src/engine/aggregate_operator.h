// GROUP BY: rows into groups, each change of a group out.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/aggregate_calls.h"
#include "engine/group_table.h"
#include "engine/operator.h"
#include "sql/plan.h"

namespace penstock::engine {

// Input: a column per key, then the arguments; inserts, and retractions where a table is grouped.
// Rows with a null among their keys belong to no group. Output: the keys, the results, of windows
// their bounds; the timestamp is the greatest of the group's rows.
//
// Tumbling and hopping windows: a group is a key in one window. A window closes when stream time
// reaches its end and the grace after it: later rows are left out of it, its groups are forgotten,
// and under EMIT FINAL that is when they are emitted, by their windows' ends and their keys' bytes.
// As in ksqlDB, a window whose retention (by default its size and grace) lies behind the newest
// window when it closes is not emitted; the processing log says so.
class AggregateOperator final : public Operator {
 public:
  using Call = AggregateOperatorCall;
  struct Options {
    std::string store;
    FailedRow rule = FailedRow::null_column;
    bool each_change = false;  // a row out for each row in; else one per group and batch
    bool before = false;       // somebody asks what stood there before (HAVING)
    std::optional<sql::WindowSpec> window = {};  // no sessions
    bool emit_final = false;
  };
  AggregateOperator(std::vector<data::Type> keys, std::vector<Call> calls, Options options);

  std::string_view store() const override { return options_.store; }
  Result<> open(StateReader& state) override;
  Result<Flow> process(const data::Batch& batch, Emitter& out) override;
  Result<Flow> on_stream_time(data::TimestampMs now_ms, Emitter& out) override;
  Result<> on_commit(topics::StateWrites& state) override;
  std::size_t uncommitted_bytes() const override { return changed_bytes_; }
  std::size_t memory_bytes() const override;

 private:
  // What is known of a group beside its states.
  struct Group {
    data::TimestampMs timestamp_ms;
    data::TimestampMs window_ms = 0;  // its start
    bool touched = false;             // in touched_
    bool is_new = true;               // nothing of it has been emitted
    bool dirty = false;               // in changed_
    bool there = false;
  };
  // A row's place in a group; pass: how many windows of the row come before.
  struct Member {
    data::RowIndex row;
    std::uint32_t group;
    std::uint32_t pass;
  };

  bool load(ByteView key, ByteView value);
  void find_members(const data::Batch& batch, Emitter& out);
  void find_groups(const data::Batch& batch, data::RowIndex row, Emitter& out);
  void find_windows(data::RowIndex row, data::TimestampMs time_ms);
  bool is_one_change(const data::Batch& batch, std::size_t member) const;
  Result<Flow> process_final(const data::Batch& batch, Emitter& out);
  void drop_windows(data::TimestampMs closed_after_ms, Emitter& out);
  std::uint32_t group_at(ByteView key, data::TimestampMs window_ms);
  data::TimestampMs closes_at(data::TimestampMs window_ms) const;
  Result<Flow> take(const data::Batch& batch, std::span<const Member> members, Emitter& out);
  void touch_groups(const data::Batch& batch, std::span<const Member> members);
  void mark_changed();
  Result<> add_members(const data::Batch& batch, std::span<const Member> members, Emitter& out);
  // Fills the columns for the touched groups as they are now; the keys are there already.
  void fill(data::Batch& to, std::vector<data::Column>& columns, data::Arena& arena);
  void copy_keys(const data::Batch& batch, std::vector<data::Column>& columns);
  void read_keys(std::vector<data::Column>& columns, data::Arena& arena);
  Result<Flow> emit_touched(Emitter& out);
  Result<Flow> close_windows(data::TimestampMs window_ms, Emitter& out);
  void forget(std::uint32_t group);

  const std::vector<data::Type> key_types_;
  AggregateCalls calls_;
  const Options options_;
  data::TimestampMs grace_ms_ = 0, retention_ms_ = 0;

  GroupTable table_;
  std::vector<Group> groups_;
  std::map<data::TimestampMs, std::vector<std::uint32_t>> open_windows_;  // groups by their starts
  data::TimestampMs time_ms_;                                             // the greatest so far
  data::TimestampMs newest_window_ms_;  // start of the newest that a row was put into
  // Since the last commit.
  std::vector<std::uint32_t> changed_;
  std::size_t changed_bytes_ = 0;      // of their states, as they were when they changed first
  std::vector<ByteBuffer> forgotten_;  // keys

  // Of the batch at hand.
  std::vector<Member> members_;
  std::vector<data::RowIndex> rows_;
  std::vector<std::uint32_t> group_of_;      // by row
  std::vector<std::uint32_t> touched_;       // groups, by the last row that touched them
  std::vector<data::RowIndex> touched_row_;  // that row
  ByteBuffer bytes_;
  std::vector<data::Column> columns_, before_columns_;
  std::vector<data::TimestampMs> times_;
  std::vector<data::RowOrigin> origins_;
  std::vector<data::WindowBounds> windows_;
  std::vector<data::RowKind> before_kinds_;
  data::Batch output_, before_;
};

}  // namespace penstock::engine
