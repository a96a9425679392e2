// Operators: batches in, batches out. Where filters and projections live, and windows, joins and
// aggregates will.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"
#include "data/arena.h"
#include "data/batch.h"
#include "topics/log.h"

namespace penstock::engine {

enum class Flow : std::uint8_t {
  more,  // goes on
  done,  // nothing further will come out (LIMIT)
  // What one commit takes is full. Emitters say so only while time moves (on_stream_time): the
  // operator ends the call, with what it has still to say in its state, and is called again with
  // the same time after a commit.
  blocked,
};

// What becomes of a row with an expression that failed.
enum class FailedRow : std::uint8_t {
  null_column,  // the whole column is NULL; in a predicate: the row is dropped
  dead_letter,
  stop,  // the query fails
};

// Takes what an operator makes of a batch. Everything it is given lives for the call only.
class Emitter {
 public:
  virtual ~Emitter() = default;
  // The rows of batch.selection.
  virtual Result<Flow> emit(const data::Batch& batch) = 0;
  // The record that a row was made of cannot go on: it becomes a dead letter. reason: a stable
  // snake_case code.
  virtual void reject(data::RowOrigin origin, std::string_view reason) = 0;
  // An expression of a step failed for a row, which goes on without its value (or not at all): an
  // entry of the processing log, which has no values.
  virtual void note_failure(std::string_view step, std::string_view reason) = 0;
  // For texts that live as long as the batch.
  virtual data::Arena& arena() = 0;
};

// What an operator stored at earlier commits: its own keys only.
class StateReader {
 public:
  virtual ~StateReader() = default;
  virtual Result<> each(const topics::StateVisitor& visitor) = 0;
};

// One step of a task; one thread. Errors end the query; rows that cannot be computed are rejected.
class Operator {
 public:
  virtual ~Operator() = default;
  // Its store (state.h: store_id of its kind and columns); empty: it keeps no state.
  virtual std::string_view store() const = 0;
  // Once, before anything else: takes up what was committed.
  virtual Result<> open(StateReader& state) = 0;
  virtual Result<Flow> process(const data::Batch& batch, Emitter& out) = 0;
  // Stream time has moved, or the task begins again at a time that was committed: windows may
  // close. A call that follows one that was blocked goes on where that one stopped.
  virtual Result<Flow> on_stream_time(data::TimestampMs now_ms, Emitter& out) = 0;
  // Writes what has changed since the last commit. The commit may still fail; the operator is then
  // destroyed with its task.
  virtual Result<> on_commit(topics::StateWrites& state) = 0;
  // About what on_commit would write now; the task commits before it is too much.
  virtual std::size_t uncommitted_bytes() const = 0;
  // Buffers and columns held now.
  virtual std::size_t memory_bytes() const = 0;
};

// The part that operators without state share.
class StatelessOperator : public Operator {
 public:
  std::string_view store() const final { return {}; }
  Result<> open(StateReader&) final { return {}; }
  Result<Flow> on_stream_time(data::TimestampMs, Emitter&) final { return Flow::more; }
  Result<> on_commit(topics::StateWrites&) final { return {}; }
  std::size_t uncommitted_bytes() const final { return 0; }
};

}  // namespace penstock::engine
