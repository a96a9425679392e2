#include "connect/mqtt/session_position.h"

#include <algorithm>

namespace penstock::connect::mqtt {
namespace {

constexpr std::uint8_t kPositionVersion = 2;
constexpr std::size_t kHeadBytes = 3, kEntryBytes = 3 + MessageDigest{}.size();

void put_u16_be(ByteBuffer& out, std::size_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}

std::uint16_t u16_be(ByteView bytes) {
  return static_cast<std::uint16_t>(unsigned{bytes[0]} << 8 | bytes[1]);
}

}  // namespace

ByteBuffer encode_position(const std::vector<Received>& received) {
  ByteBuffer out;
  out.reserve(kHeadBytes + received.size() * kEntryBytes);
  out.push_back(kPositionVersion);
  put_u16_be(out, received.size());
  for (const Received& one : received) {
    put_u16_be(out, one.packet_id);
    out.push_back(one.qos);
    for (const std::uint8_t byte : one.digest) out.push_back(byte);
  }
  return out;
}

Result<std::vector<Received>> decode_position(ByteView bytes) {
  if (!bytes.empty() && bytes[0] != kPositionVersion)
    return fail(ErrorCode::unsupported,
                "the session's stored position was written by another version");
  const std::size_t count = bytes.size() < kHeadBytes ? 0 : u16_be(bytes.subspan(1));
  if (bytes.size() != kHeadBytes + count * kEntryBytes)
    return fail(ErrorCode::corrupt, "the session's stored position is malformed");
  std::vector<Received> out(count);
  bytes = bytes.subspan(kHeadBytes);
  for (Received& one : out) {
    one.packet_id = u16_be(bytes);
    one.qos = bytes[2];
    if (one.qos != 1 && one.qos != 2)
      return fail(ErrorCode::corrupt, "the session's stored position is malformed");
    std::copy_n(bytes.begin() + 3, one.digest.size(), one.digest.begin());
    bytes = bytes.subspan(kEntryBytes);
  }
  return out;
}

}  // namespace penstock::connect::mqtt
