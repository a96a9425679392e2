#include "topics/checkpoint.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"
#include "topics/limits.h"
#include "topics/wire.h"

namespace penstock::topics {
namespace {

constexpr std::uint8_t kCheckpointVersion = 2;
constexpr std::string_view kCheckpointLabel = "penstock checkpoint 2";

enum class StoredPositionKind : std::uint8_t { log = 0, stream_time = 1, source = 2 };

template <std::size_t n>
Result<std::array<std::uint8_t, n>> take_array(WireIn& in) {
  const ByteView bytes = TRY(in.bytes());
  std::array<std::uint8_t, n> out;
  if (bytes.size() != n) return fail(ErrorCode::corrupt, "a field has another length");
  std::ranges::copy(bytes, out.begin());
  return out;
}

std::string what_of(const TaskId& task) {
  return fmt::format("checkpoint of task '{}'", task.value());
}

// What comes before the checkpoint in the message of its MAC.
void begin_mac(WireOut& message, const Digest& state, const StateIdentity& identity) {
  message.text(kCheckpointLabel);
  message.text(identity.service);
  message.raw(state);
}

Digest mac_of(ByteView body, const Digest& state, const StateIdentity& identity) {
  WireOut message;
  begin_mac(message, state, identity);
  message.raw(body);
  return identity.key->mac(message.view());
}

}  // namespace

void encode_position(WireOut& out, const Position& position) {
  if (const auto* log = std::get_if<LogPosition>(&position)) {
    out.u8(static_cast<std::uint8_t>(StoredPositionKind::log));
    out.i64(log->next);
    out.u32(static_cast<std::uint32_t>(log->row));
    out.text(log->topic_id);
  } else if (const auto* time = std::get_if<StreamTimePosition>(&position)) {
    out.u8(static_cast<std::uint8_t>(StoredPositionKind::stream_time));
    out.i64(time->time_ms);
  } else {
    out.u8(static_cast<std::uint8_t>(StoredPositionKind::source));
    out.bytes(std::get<SourcePosition>(position).bytes);
  }
}

Result<Position> decode_position(WireIn& in) {
  switch (static_cast<StoredPositionKind>(TRY(in.u8()))) {
    case StoredPositionKind::log: {
      const Offset next = TRY(in.i64());
      const auto row = static_cast<std::int32_t>(TRY(in.u32()));
      if (next < 0 || row < 0) return fail(ErrorCode::corrupt, "a position is negative");
      return LogPosition{next, row, TRY(in.text())};
    }
    case StoredPositionKind::stream_time:
      return StreamTimePosition{TRY(in.i64())};
    case StoredPositionKind::source: {
      const ByteView bytes = TRY(in.bytes());
      if (bytes.size() > kSourcePositionBytesMax)
        return fail(ErrorCode::corrupt, "a source's position is too long");
      return SourcePosition{to_buffer(bytes)};
    }
  }
  return fail(ErrorCode::corrupt, "a position is of no known kind");
}

void encode_checkpoint(WireOut& out, const Checkpoint& checkpoint) {
  out.u8(kCheckpointVersion);
  out.text(checkpoint.task.value());
  out.i64(static_cast<std::int64_t>(checkpoint.commit));
  out.i64(static_cast<std::int64_t>(checkpoint.lease_term));
  out.bytes(checkpoint.incarnation);
  out.bytes(checkpoint.previous);
  out.u32(static_cast<std::uint32_t>(checkpoint.positions.size()));
  for (const TaskPosition& position : checkpoint.positions) {
    out.partition(position.from);
    encode_position(out, position.position);
  }
}

Result<Checkpoint> decode_checkpoint(ByteView body) {
  WireIn in(body);
  const std::uint8_t version = TRY(in.u8());
  if (version != kCheckpointVersion)
    return fail(ErrorCode::unsupported, fmt::format("its version is {}, this program reads {}",
                                                    version, kCheckpointVersion));
  Checkpoint out;
  out.task = TaskId(TRY(in.text()));
  out.commit = static_cast<std::uint64_t>(TRY(in.i64()));
  out.lease_term = static_cast<std::uint64_t>(TRY(in.i64()));
  out.incarnation = TRY(take_array<16>(in));
  out.previous = TRY(take_array<32>(in));
  const std::uint32_t count = TRY(in.u32());
  if (count > kCheckpointPositionsMax) return fail(ErrorCode::corrupt, "too many positions");
  for (std::uint32_t i = 0; i < count; ++i) {
    TopicPartition from = TRY(in.partition());
    if (!out.positions.empty() && !(out.positions.back().from < from))
      return fail(ErrorCode::corrupt, "its positions are not sorted");
    Position position = TRY(decode_position(in));
    out.positions.push_back({std::move(from), std::move(position)});
  }
  if (!in.empty()) return fail(ErrorCode::corrupt, "bytes follow its end");
  return out;
}

const Position* Checkpoint::find(const TopicPartition& from) const {
  const auto found = std::ranges::lower_bound(positions, from, {}, &TaskPosition::from);
  return found != positions.end() && found->from == from ? &found->position : nullptr;
}

void Checkpoint::set(const TopicPartition& from, Position position) {
  const auto found = std::ranges::lower_bound(positions, from, {}, &TaskPosition::from);
  if (found != positions.end() && found->from == from)
    found->position = std::move(position);
  else
    positions.insert(found, {from, std::move(position)});
}

ByteBuffer seal_checkpoint(const Checkpoint& checkpoint, const Digest& state,
                           const StateIdentity& identity) {
  CHECK(checkpoint.positions.size() <= kCheckpointPositionsMax);
  WireOut message;
  begin_mac(message, state, identity);
  const std::size_t front = message.size();
  encode_checkpoint(message, checkpoint);
  const Digest mac = identity.key->mac(message.view());
  message.raw(mac);
  return to_buffer(message.view().subspan(front));
}

Result<Checkpoint> read_checkpoint(ByteView stored, const TaskId& task) {
  constexpr std::size_t kMacBytes = std::tuple_size_v<Digest>;
  if (stored.size() < kMacBytes || stored.size() > kCheckpointBytesMax)
    return fail(ErrorCode::corrupt,
                fmt::format("{}: it has {} bytes", what_of(task), stored.size()));
  Result<Checkpoint> read = decode_checkpoint(stored.first(stored.size() - kMacBytes));
  if (!read) {
    const bool other = read.error().code() == ErrorCode::unsupported;
    return fail(other ? ErrorCode::unsupported : ErrorCode::corrupt,
                fmt::format("{}: {}", what_of(task), read.error().text()));
  }
  if (read->task != task)
    return fail(ErrorCode::corrupt,
                fmt::format("{}: it is that of task '{}'", what_of(task), read->task.value()));
  return read;
}

Result<> verify_checkpoint(ByteView stored, const TaskId& task, const Digest& state,
                           const StateIdentity& identity) {
  TRY(read_checkpoint(stored, task));
  const std::size_t bytes = stored.size() - state.size();
  Digest seen;
  std::ranges::copy(stored.subspan(bytes), seen.begin());
  if (equal_digests(seen, mac_of(stored.first(bytes), state, identity))) return {};
  return fail(
      ErrorCode::corrupt,
      fmt::format("{}: it does not belong to the stored state and to service '{}': state or "
                  "checkpoint were changed outside, or it is another service's state key",
                  what_of(task), identity.service));
}

Digest hash_of_checkpoint(ByteView stored, const StateKey& key) {
  return key.hash(stored);
}

}  // namespace penstock::topics
