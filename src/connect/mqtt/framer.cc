#include "connect/mqtt/framer.h"

#include <algorithm>

#include <fmt/format.h>

#include "connect/mqtt/wire.h"

namespace penstock::connect::mqtt {
namespace {

// Topic, packet id and properties of a PUBLISH that is too large must be within these.
constexpr std::size_t kHeadBytesMax = 256 << 10;

}  // namespace

Result<Framer::Head> Framer::head_of(std::string_view bytes) {
  std::size_t size = 0;
  for (std::size_t i = 1; i < bytes.size() && i <= 4; ++i) {
    const auto byte = static_cast<std::uint8_t>(bytes[i]);
    size |= static_cast<std::size_t>(byte & 0x7f) << (7 * (i - 1));
    if ((byte & 0x80) == 0) return Head{.bytes = i + 1, .body_bytes = size};
  }
  if (bytes.size() <= 4) return Head{};
  return fail(ErrorCode::invalid_argument, "a packet's length has more than four bytes");
}

// How many bytes it has used up; 0: the packet is not complete.
Result<std::size_t> Framer::take_one(std::string_view bytes, const Taker& taker) {
  const Head head = TRY(head_of(bytes));
  if (head.bytes == 0) return 0;
  if (head.body_bytes > packet_bytes_max_) return take_large(bytes, head, taker);
  const std::size_t whole = head.bytes + head.body_bytes;
  if (bytes.size() < whole) return 0;
  const std::string_view body = bytes.substr(head.bytes, head.body_bytes);
  const Packet packet =
      TRY(decode_packet(static_cast<std::uint8_t>(bytes.front()), body, version_));
  TRY(taker(packet));
  return whole;
}

Result<std::size_t> Framer::take_large(std::string_view bytes, const Head& head,
                                       const Taker& taker) {
  const auto first = static_cast<std::uint8_t>(bytes.front());
  const auto type = static_cast<PacketType>(first >> 4);
  if (type != PacketType::publish) {
    return fail(ErrorCode::limit_exceeded,
                fmt::format("{} of {} bytes, at most {} are taken", name_of(type), head.body_bytes,
                            packet_bytes_max_));
  }
  const std::size_t wanted = std::min(head.body_bytes, kHeadBytesMax);
  if (bytes.size() < head.bytes + wanted) return 0;
  const std::string_view begin = bytes.substr(head.bytes, wanted);
  TRY(taker(TRY(decode_publish_head(first, begin, head.body_bytes, version_))));
  skip_ = head.body_bytes - wanted;
  return head.bytes + wanted;
}

Result<> Framer::take(std::string_view bytes, const Taker& taker) {
  if (!pending_.empty()) {
    pending_ += bytes;
    bytes = pending_;
  }
  std::size_t used = 0;
  while (used < bytes.size() && !halted_) {
    const std::size_t skipped = std::min(skip_, bytes.size() - used);
    skip_ -= skipped;
    used += skipped;
    if (used == bytes.size()) break;
    const std::size_t taken = TRY(take_one(bytes.substr(used), taker));
    if (taken == 0) break;
    used += taken;
  }
  if (used == 0 && !pending_.empty()) return {};
  std::string rest(bytes.substr(used));
  pending_.swap(rest);
  return {};
}

}  // namespace penstock::connect::mqtt
