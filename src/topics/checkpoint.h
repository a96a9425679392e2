// What every commit of a task writes: where it is, who it is, what came before, and a MAC over that
// and over the digest of its state. So state or positions that were swapped, removed or put back
// one by one are noticed when the task is opened (spine.md 1, Checkpoint).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "data/time.h"
#include "topics/names.h"
#include "topics/state_key.h"

namespace penstock::topics {

// Goes on at this offset; row: within the record at it, when one record holds several (0: none of
// them is consumed). topic_id tells the topic from a later one of its name; the log fills it in
// when it commits, and restore() refuses a position in a topic that was made again.
struct LogPosition {
  Offset next = 0;
  std::int32_t row = 0;
  std::string topic_id = {};
  friend bool operator==(const LogPosition&, const LogPosition&) = default;
};

// How far time has come in a task; no place in an input.
struct StreamTimePosition {
  data::TimestampMs time_ms = 0;
  friend bool operator==(const StreamTimePosition&, const StreamTimePosition&) = default;
};

// A connector's own words for where it is (a binlog's file and place, an MQTT session).
struct SourcePosition {
  ByteBuffer bytes;
  friend bool operator==(const SourcePosition&, const SourcePosition&) = default;
};

using Position = std::variant<LogPosition, StreamTimePosition, SourcePosition>;

// The position of a task in one of its inputs: a topic's partition, or a source of that name.
struct TaskPosition {
  TopicPartition from;
  Position position;
  friend bool operator==(const TaskPosition&, const TaskPosition&) = default;
};

// 16 random bytes per opening of a task. Finding another one than one's own means fenced.
using Incarnation = std::array<std::uint8_t, 16>;

struct Checkpoint {
  TaskId task;
  std::uint64_t commit = 0;      // rises by one with every commit of the task; 0: it is new
  std::uint64_t lease_term = 0;  // of the lease that the process held; 0: none
  Incarnation incarnation{};
  std::vector<TaskPosition> positions{};  // of all its inputs, sorted by input
  Digest previous{};                      // hash of the checkpoint before it, MAC included
  // Absent: nothing is known of that input.
  const Position* find(const TopicPartition& from) const;
  // Replaces or adds.
  void set(const TopicPartition& from, Position position);
  friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

class WireIn;
class WireOut;

// Without the MAC, as it goes through a folder's socket.
void encode_position(WireOut& out, const Position& position);
Result<Position> decode_position(WireIn& in);
void encode_checkpoint(WireOut& out, const Checkpoint& checkpoint);
Result<Checkpoint> decode_checkpoint(ByteView body);

// As stored: version 2, little endian, the MAC at the end. `state` is the digest of the task's
// state with this commit (state_digest.h).
ByteBuffer seal_checkpoint(const Checkpoint& checkpoint, const Digest& state,
                           const StateIdentity& identity);

// What is stored, before it is verified: enough to know which state it belongs to. unsupported:
// another version. corrupt: malformed, or of another task than `task`.
Result<Checkpoint> read_checkpoint(ByteView stored, const TaskId& task);

// corrupt: it was not made by this service's key over this state and these bytes; the text says
// that state or checkpoint of the task were changed outside.
Result<> verify_checkpoint(ByteView stored, const TaskId& task, const Digest& state,
                           const StateIdentity& identity);

// For Checkpoint::previous.
Digest hash_of_checkpoint(ByteView stored, const StateKey& key);

}  // namespace penstock::topics
