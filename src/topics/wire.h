// How processes talk about a log over its unix socket. A frame: u32 length of the rest, u8 kind,
// payload. Little endian. Requests are answered in order, one frame each (restore: several). Both
// sides are the same user's programs; still every length is bounded before it is used.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

#include "base/bytes.h"
#include "base/error.h"
#include "base/file.h"
#include "topics/names.h"

namespace penstock::topics {

inline constexpr std::uint32_t kWireVersion = 3;

enum class Request : std::uint8_t {
  hello = 1,     // u32 version
  create,        // topic, u32 partitions, u8 compacted, retention
  describe,      // topic -> u32 partitions, u8 compacted, retention, (i64 first, end, bytes) each
  list,          // -> u32 count, topics
  remove,        // topic
  open_reader,   // partition, i64 start, u8 check -> u32 handle
  close_reader,  // u32 handle
  fetch,         // u32 handle, u32 bytes max -> batches (batch_codec.h, topic id 0)
  reader_end,    // u32 handle -> i64
  wait,          // u32 timeout ms, u32 count, (partition, i64 position) each -> u8 at hand
  open_writer,   // writer id: one per connection, which it belongs to
  restore,       // task -> pages of (key, value), each `more`, then the checkpoint (checkpoint.h)
  reset,         // task, u32 count, (partition, position) each
  forget,        // task
  begin,         // a commit
  append,        // partition, batches
  changes,       // Change records up to the end of the frame
  finish,        // -> u8 outcome, and unless committed an error
  abort,
  set_retention,  // topic, retention: i64 age in ms, i64 bytes; -1: none
  trim,           // partition, i64 before, u8 unread
};

enum class Answer : std::uint8_t {
  ok = 1,
  error,  // u8 code, text
  more,   // a page; others follow
};

enum class Change : std::uint8_t {
  advance = 1,  // task, partition, position (checkpoint.h)
  put,          // task, key, value
  erase,        // task, key
};

class WireOut {
 public:
  WireOut() { bytes_.reserve(kUsualBytes); }
  void u8(std::uint8_t value) { bytes_.push_back(value); }
  void u32(std::uint32_t value);
  void i64(std::int64_t value);
  void bytes(ByteView value);  // u32 length first
  void raw(ByteView value) { bytes_.insert(bytes_.end(), value.begin(), value.end()); }
  void text(std::string_view value) { bytes(as_bytes(value)); }
  void partition(const TopicPartition& value);
  void error(const Error& error);

  ByteView view() const { return bytes_; }
  std::size_t size() const { return bytes_.size(); }
  void clear() { bytes_.clear(); }

 private:
  static constexpr std::size_t kUsualBytes = 512;  // holds most messages, and costs one allocation
  ByteBuffer bytes_;
};

// Takes values off the front. invalid_argument: the bytes end early or hold no such value.
class WireIn {
 public:
  explicit WireIn(ByteView bytes) : rest_(bytes) {}
  Result<std::uint8_t> u8();
  Result<std::uint32_t> u32();
  Result<std::int64_t> i64();
  Result<ByteView> bytes();
  Result<std::string> text();
  Result<TopicName> topic();
  Result<TopicPartition> partition();
  Result<Error> error();
  ByteView rest() const { return rest_; }
  bool empty() const { return rest_.empty(); }

 private:
  Result<ByteView> take(std::size_t bytes);
  ByteView rest_;
};

struct Frame {
  std::uint8_t kind = 0;
  ByteBuffer payload;
};

// A connected socket. One thread at a time, but for shut_down().
class Channel {
 public:
  explicit Channel(UniqueFd fd) : fd_(std::move(fd)) {}
  // unavailable: nobody listens there.
  static Result<Channel> connect(const std::filesystem::path& folder);

  // timeout: the peer stalls within the frame.
  Result<> send(std::uint8_t kind, ByteView payload);
  // Waits as long as it takes for the frame to start: cancel_fd (or -1) readable: cancelled.
  // unavailable: the peer has closed.
  Result<Frame> receive(int cancel_fd = -1);
  bool peer_stirs() const;  // bytes or the end of the connection are at hand
  void shut_down();         // any thread: makes calls under way fail

 private:
  Result<> receive_exactly(ByteSpan into, std::chrono::steady_clock::time_point deadline);
  UniqueFd fd_;
};

// A socket that listens at folder/log.sock, mode 0600, in place of whatever was there.
Result<UniqueFd> listen_at(const std::filesystem::path& folder);

// The peer is the same user (or root).
bool peer_is_us(int fd);

}  // namespace penstock::topics
