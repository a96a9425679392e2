#include "engine/aggregate_calls.h"

#include <algorithm>
#include <cstring>

#include "engine/kept_limits.h"
#include "engine/number_bytes.h"

namespace penstock::engine {

AggregateCalls::AggregateCalls(std::vector<AggregateOperatorCall> calls, FailedRow rule)
    : calls_(std::move(calls)), failures_(rule, "aggregate") {
  for (const AggregateOperatorCall& call : calls_)
    call.states->set_bytes_max(std::min(kCallBytesMax, kGroupBytesMax / calls_.size()));
}

void AggregateCalls::grow(std::size_t groups) {
  for (const AggregateOperatorCall& call : calls_) call.states->grow(groups);
}

Result<> AggregateCalls::add(const data::Batch& batch, data::Selection rows,
                             std::span<const std::uint32_t> group_of, Emitter& out) {
  failures_.begin(batch.rows);
  const bool retracts = batch.kind(rows.front()) == data::RowKind::retraction;
  for (AggregateOperatorCall& call : calls_) {
    args_.clear();
    for (AggregateOperatorCall::Argument& arg : call.args) {
      const Frame frame{batch.rows, batch.columns, out.arena(), errors_, {}};
      args_.push_back(arg.literal ? arg.literal->evaluate(frame, rows) : batch.columns[arg.column]);
    }
    errors_.clear();
    const sql::AggregateRows taken{args_, rows, group_of, errors_};
    retracts ? call.states->undo(taken) : call.states->add(taken);
    if (!errors_.empty()) TRY(failures_.settle(batch, errors_, out));
  }
  return {};
}

bool AggregateCalls::merge(std::uint32_t from, std::uint32_t into) {
  bool all = true;
  for (const AggregateOperatorCall& call : calls_) all &= call.states->merge(from, into);
  return all;
}

void AggregateCalls::clear(std::uint32_t group) {
  for (const AggregateOperatorCall& call : calls_) call.states->clear(group);
}

void AggregateCalls::results(std::size_t call, std::span<const std::uint32_t> groups,
                             data::Column& out, data::Arena& arena) const {
  calls_[call].states->results(groups, out, arena);
}

void AggregateCalls::save(std::uint32_t group, ByteBuffer& out) const {
  for (const AggregateOperatorCall& call : calls_) {
    const std::size_t at = out.size();
    out.resize(at + sizeof(std::uint32_t));
    call.states->save(group, out);
    const auto size = static_cast<std::uint32_t>(out.size() - at - sizeof(std::uint32_t));
    std::memcpy(out.data() + at, &size, sizeof size);
  }
}

bool AggregateCalls::load(std::uint32_t group, ByteView in) {
  for (const AggregateOperatorCall& call : calls_) {
    std::uint32_t size = 0;
    if (!take_number(in, size) || in.size() < size) return false;
    if (!call.states->load(group, in.first(size))) return false;
    in = in.subspan(size);
  }
  return in.empty();
}

std::size_t AggregateCalls::state_bytes(std::uint32_t group) const {
  std::size_t bytes = 0;
  for (const AggregateOperatorCall& call : calls_)
    bytes += sizeof(std::uint32_t) + call.states->state_bytes(group);
  return bytes;
}

std::size_t AggregateCalls::memory_bytes() const {
  std::size_t bytes = 0;
  for (const AggregateOperatorCall& call : calls_) bytes += call.states->memory_bytes();
  return bytes;
}

}  // namespace penstock::engine
