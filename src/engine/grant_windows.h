// Stretches of the grants topic that are at hand, so that grants that lie together cost one fetch.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "seal/grant_table.h"
#include "topics/log.h"

namespace penstock::engine {

// One thread at a time. The log outlives it.
class GrantWindows {
 public:
  explicit GrantWindows(topics::Log& log) : log_(log) {}

  // The value of a record that was read before. not_found: it is not there any more.
  Result<ByteBuffer> fetch(const topics::TopicName& topic, seal::GrantPlace place);
  // Takes over what has just been read up to `end` (one past the last offset covered), and leaves a
  // buffer to read into: new grants are asked for soon.
  void put(std::int32_t partition, topics::ReadBuffer& buffer, topics::Offset end);

 private:
  struct Window {
    std::int32_t partition = -1;
    topics::Offset begin = 0, end = 0;  // every record between is in the buffer
    topics::ReadBuffer buffer;
    std::unique_ptr<topics::Reader> reader;  // stands at `end`; null: was put
    std::uint64_t used = 0;
  };
  static constexpr std::size_t kWindows = 8;

  Window& oldest();
  // Reads on until the window has the place.
  Result<> fill(Window& window, topics::Offset offset);

  topics::Log& log_;
  std::array<Window, kWindows> windows_;
  std::uint64_t uses_ = 0;
};

}  // namespace penstock::engine
