#include "base/check.h"
#include "connect/mqtt/limits.h"
#include "connect/mqtt/packet.h"
#include "connect/mqtt/wire.h"

namespace penstock::connect::mqtt {
namespace {

void put_packet(std::string& out, PacketType type, std::uint8_t flags, std::string_view body) {
  CHECK(body.size() <= kRemainingBytesMax);
  put_u8(out, static_cast<std::uint8_t>(static_cast<std::uint8_t>(type) << 4 | flags));
  put_variable(out, static_cast<std::uint32_t>(body.size()));
  out += body;
}

bool has_properties(const Properties& properties) {
  std::string body;
  encode_properties(body, properties);
  return body.size() > 1;
}

std::uint8_t flags_of(const Connect& packet) {
  unsigned flags = packet.clean_start ? 2 : 0;
  if (packet.will) {
    flags |= 4U | static_cast<unsigned>(packet.will->qos) << 3;
    if (packet.will->retain) flags |= 32;
  }
  if (packet.password) flags |= 64;
  if (packet.user) flags |= 128;
  return static_cast<std::uint8_t>(flags);
}

}  // namespace

void encode(std::string& out, const Connect& packet) {
  const bool v5 = packet.version == Version::v5;
  std::string body;
  put_bytes(body, "MQTT");
  put_u8(body, static_cast<std::uint8_t>(packet.version));
  put_u8(body, flags_of(packet));
  put_u16(body, packet.keep_alive_s);
  if (v5) encode_properties(body, packet.properties);
  put_bytes(body, packet.client_id);
  if (packet.will) {
    if (v5) encode_properties(body, packet.will->properties);
    put_bytes(body, packet.will->topic);
    put_bytes(body, packet.will->payload);
  }
  if (packet.user) put_bytes(body, *packet.user);
  if (packet.password) put_bytes(body, *packet.password);
  put_packet(out, PacketType::connect, 0, body);
}

void encode(std::string& out, const Connack& packet, Version version) {
  std::string body;
  put_u8(body, packet.session_present ? 1 : 0);
  put_u8(body, packet.reason);
  if (version == Version::v5) encode_properties(body, packet.properties);
  put_packet(out, PacketType::connack, 0, body);
}

// The payload is copied once, into `out`.
void encode(std::string& out, const Publish& packet, Version version) {
  std::string head;
  put_bytes(head, packet.topic);
  if (packet.qos > 0) put_u16(head, packet.packet_id);
  if (version == Version::v5) encode_properties(head, packet.properties);
  CHECK(head.size() + packet.payload.size() <= kRemainingBytesMax);
  const unsigned flags =
      (packet.dup ? 8U : 0U) | static_cast<unsigned>(packet.qos) << 1 | (packet.retain ? 1U : 0U);
  put_u8(out, static_cast<std::uint8_t>(static_cast<unsigned>(PacketType::publish) << 4 | flags));
  put_variable(out, static_cast<std::uint32_t>(head.size() + packet.payload.size()));
  out += head;
  out += packet.payload;
}

void encode(std::string& out, const Ack& packet, Version version) {
  const std::uint8_t flags = packet.type == PacketType::pubrel ? 2 : 0;
  const bool v5 = version == Version::v5;
  const bool more = v5 && has_properties(packet.properties);
  if (!more && (!v5 || packet.reason == 0)) {  // the most common one, four bytes
    put_u8(out, static_cast<std::uint8_t>(static_cast<std::uint8_t>(packet.type) << 4 | flags));
    put_u8(out, 2);
    put_u16(out, packet.packet_id);
    return;
  }
  std::string body;
  put_u16(body, packet.packet_id);
  put_u8(body, packet.reason);
  if (more) encode_properties(body, packet.properties);
  put_packet(out, packet.type, flags, body);
}

void encode(std::string& out, const Subscribe& packet, Version version) {
  std::string body;
  put_u16(body, packet.packet_id);
  if (version == Version::v5) encode_properties(body, packet.properties);
  for (const Subscription& one : packet.subscriptions) {
    put_bytes(body, one.filter);
    unsigned options = one.qos;
    if (version == Version::v5) {
      options |= (one.no_local ? 4U : 0U) | (one.retain_as_published ? 8U : 0U) |
                 static_cast<unsigned>(one.retain_handling) << 4;
    }
    put_u8(body, static_cast<std::uint8_t>(options));
  }
  put_packet(out, PacketType::subscribe, 2, body);
}

void encode(std::string& out, const Unsubscribe& packet, Version version) {
  std::string body;
  put_u16(body, packet.packet_id);
  if (version == Version::v5) encode_properties(body, packet.properties);
  for (const std::string_view filter : packet.filters) put_bytes(body, filter);
  put_packet(out, PacketType::unsubscribe, 2, body);
}

void encode(std::string& out, const SubscribeAck& packet, Version version) {
  std::string body;
  put_u16(body, packet.packet_id);
  if (version == Version::v5) encode_properties(body, packet.properties);
  for (const std::uint8_t reason : packet.reasons) put_u8(body, reason);
  put_packet(out, packet.type, 0, body);
}

void encode(std::string& out, const Ping& packet) {
  put_packet(out, packet.answer ? PacketType::pingresp : PacketType::pingreq, 0, {});
}

void encode(std::string& out, const Disconnect& packet, Version version) {
  std::string body;
  const bool more = has_properties(packet.properties);
  if (version == Version::v5 && (packet.reason != 0 || more)) {
    put_u8(body, packet.reason);
    if (more) encode_properties(body, packet.properties);
  }
  put_packet(out, PacketType::disconnect, 0, body);
}

void encode(std::string& out, const Auth& packet) {
  std::string body;
  put_u8(body, packet.reason);
  encode_properties(body, packet.properties);
  put_packet(out, PacketType::auth, 0, body);
}

}  // namespace penstock::connect::mqtt
