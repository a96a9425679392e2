#include <array>

#include <fmt/format.h>

#include "connect/mqtt/limits.h"
#include "connect/mqtt/packet.h"
#include "connect/mqtt/topic.h"
#include "connect/mqtt/wire.h"

namespace penstock::connect::mqtt {
namespace {

std::unexpected<Error> malformed(PacketType type, std::string_view why) {
  return fail(ErrorCode::invalid_argument, fmt::format("{}: {}", name_of(type), why));
}

Result<Properties> properties_of(Reader& from, PacketType type, Version version) {
  if (version != Version::v5) return Properties{};
  return decode_properties(from, type);
}

Result<std::uint16_t> packet_id(Reader& from, PacketType type) {
  const std::uint16_t id = TRY(from.u16());
  if (id == 0) return malformed(type, "its packet identifier is 0");
  return id;
}

Result<> at_end(const Reader& from, PacketType type) {
  if (from.at_end()) return {};
  return malformed(type, "bytes follow behind its end");
}

Result<Will> decode_will(Reader& from, std::uint8_t flags, Version version) {
  Will out{};
  out.qos = static_cast<std::uint8_t>(flags >> 3 & 3);
  out.retain = (flags & 32) != 0;
  out.properties = TRY(properties_of(from, PacketType::will, version));
  out.topic = TRY(from.text());
  out.payload = TRY(from.bytes());
  return out;
}

Result<Packet> decode_connect(Reader from) {
  constexpr PacketType kType = PacketType::connect;
  if (TRY(from.bytes()) != "MQTT") return malformed(kType, "the protocol's name is not MQTT");
  const std::uint8_t version = TRY(from.u8());
  if (version != 4 && version != 5) {
    return malformed(kType, fmt::format("version {}, neither 4 nor 5", version));
  }
  Connect out;
  out.version = static_cast<Version>(version);
  const std::uint8_t flags = TRY(from.u8());
  const bool has_will = (flags & 4) != 0;
  if ((flags & 1) != 0 || (flags >> 3 & 3) == 3 || (!has_will && (flags & 0x38) != 0)) {
    return malformed(kType, "its flags contradict each other");
  }
  out.clean_start = (flags & 2) != 0;
  out.keep_alive_s = TRY(from.u16());
  out.properties = TRY(properties_of(from, kType, out.version));
  out.client_id = TRY(from.text());
  if (has_will) out.will = TRY(decode_will(from, flags, out.version));
  if ((flags & 128) != 0) out.user = TRY(from.text());
  if ((flags & 64) != 0) out.password = TRY(from.bytes());
  TRY(at_end(from, kType));
  return out;
}

Result<Packet> decode_connack(Reader from, Version version) {
  Connack out;
  const std::uint8_t flags = TRY(from.u8());
  if (flags > 1) return malformed(PacketType::connack, "reserved flags are set");
  out.session_present = flags == 1;
  out.reason = TRY(from.u8());
  if (out.session_present && out.reason != 0) {
    return malformed(PacketType::connack, "a session is present, but the connection is refused");
  }
  // A broker that does not speak 5.0 answers in the form of 3.1.1.
  if (!from.at_end()) out.properties = TRY(properties_of(from, PacketType::connack, version));
  TRY(at_end(from, PacketType::connack));
  return out;
}

Result<Publish> publish_head(std::uint8_t first, Reader& from, Version version) {
  constexpr PacketType kType = PacketType::publish;
  Publish out;
  out.qos = static_cast<std::uint8_t>(first >> 1 & 3);
  out.retain = (first & 1) != 0;
  out.dup = (first & 8) != 0;
  if (out.qos == 3) return malformed(kType, "its QoS is 3");
  if (out.dup && out.qos == 0) return malformed(kType, "DUP with QoS 0");
  out.topic = TRY(from.text());
  if (out.qos > 0) out.packet_id = TRY(packet_id(from, kType));
  out.properties = TRY(properties_of(from, kType, version));
  const bool by_alias = out.topic.empty() && out.properties.topic_alias.has_value();
  if (!by_alias && !is_topic_name(out.topic)) {
    return malformed(kType, "its topic is empty or has a wildcard");
  }
  return out;
}

Result<Packet> decode_publish(std::uint8_t first, Reader from, Version version) {
  Publish out = TRY(publish_head(first, from, version));
  out.payload = from.take_rest();
  return out;
}

Result<Packet> decode_ack(PacketType type, Reader from, Version version) {
  Ack out;
  out.type = type;
  out.packet_id = TRY(packet_id(from, type));
  if (version == Version::v5 && !from.at_end()) {
    out.reason = TRY(from.u8());
    if (!from.at_end()) out.properties = TRY(decode_properties(from, type));
  }
  TRY(at_end(from, type));
  return out;
}

Result<Subscription> decode_subscription(Reader& from, Version version) {
  Subscription out{};
  out.filter = TRY(from.text());
  const std::uint8_t options = TRY(from.u8());
  out.qos = options & 3;
  out.no_local = (options & 4) != 0;
  out.retain_as_published = (options & 8) != 0;
  out.retain_handling = static_cast<std::uint8_t>(options >> 4 & 3);
  const bool reserved = version == Version::v5 ? (options & 0xc0) != 0 : (options & 0xfc) != 0;
  if (reserved || out.qos == 3 || out.retain_handling == 3 || !is_topic_filter(out.filter)) {
    return malformed(PacketType::subscribe, "a filter or its options are malformed");
  }
  return out;
}

Result<Packet> decode_subscribe(Reader from, Version version) {
  Subscribe out;
  out.packet_id = TRY(packet_id(from, PacketType::subscribe));
  out.properties = TRY(properties_of(from, PacketType::subscribe, version));
  while (!from.at_end()) {
    if (out.subscriptions.size() >= kFiltersMax) {
      return malformed(PacketType::subscribe, "too many filters");
    }
    out.subscriptions.push_back(TRY(decode_subscription(from, version)));
  }
  if (out.subscriptions.empty()) return malformed(PacketType::subscribe, "without a filter");
  return out;
}

Result<Packet> decode_unsubscribe(Reader from, Version version) {
  Unsubscribe out;
  out.packet_id = TRY(packet_id(from, PacketType::unsubscribe));
  out.properties = TRY(properties_of(from, PacketType::unsubscribe, version));
  while (!from.at_end()) {
    if (out.filters.size() >= kFiltersMax) {
      return malformed(PacketType::unsubscribe, "too many filters");
    }
    out.filters.push_back(TRY(from.text()));
  }
  if (out.filters.empty()) return malformed(PacketType::unsubscribe, "without a filter");
  return out;
}

Result<Packet> decode_subscribe_ack(PacketType type, Reader from, Version version) {
  SubscribeAck out;
  out.type = type;
  out.packet_id = TRY(packet_id(from, type));
  out.properties = TRY(properties_of(from, type, version));
  if (from.rest().size() > kFiltersMax) return malformed(type, "too many reasons");
  while (!from.at_end()) out.reasons.push_back(TRY(from.u8()));
  const bool has_none = type == PacketType::unsuback && version == Version::v3_1_1;
  if (out.reasons.empty() != has_none) return malformed(type, "the number of its reasons is wrong");
  return out;
}

Result<Packet> decode_disconnect(Reader from, Version version) {
  Disconnect out;
  if (version == Version::v5 && !from.at_end()) {
    out.reason = TRY(from.u8());
    if (!from.at_end()) out.properties = TRY(decode_properties(from, PacketType::disconnect));
  }
  TRY(at_end(from, PacketType::disconnect));
  return out;
}

Result<Packet> decode_auth(Reader from, Version version) {
  if (version != Version::v5) return malformed(PacketType::auth, "before version 5.0");
  Auth out;
  if (!from.at_end()) {
    out.reason = TRY(from.u8());
    if (!from.at_end()) out.properties = TRY(decode_properties(from, PacketType::auth));
  }
  TRY(at_end(from, PacketType::auth));
  return out;
}

Result<Packet> decode_ping(PacketType type, const Reader& from) {
  TRY(at_end(from, type));
  return Ping{.answer = type == PacketType::pingresp};
}

// 5.0, 2.1.3, Table 2-2.
bool flags_fit(PacketType type, std::uint8_t flags) {
  if (type == PacketType::publish) return true;
  const bool two = type == PacketType::pubrel || type == PacketType::subscribe ||
                   type == PacketType::unsubscribe;
  return flags == (two ? 2 : 0);
}

}  // namespace

Result<Packet> decode_packet(std::uint8_t first, std::string_view body, Version version) {
  const auto type = static_cast<PacketType>(first >> 4);
  const Reader from(body);
  if (!flags_fit(type, first & 15)) return malformed(type, "its flags are reserved ones");
  switch (type) {
    case PacketType::connect:
      return decode_connect(from);
    case PacketType::connack:
      return decode_connack(from, version);
    case PacketType::publish:
      return decode_publish(first, from, version);
    case PacketType::puback:
    case PacketType::pubrec:
    case PacketType::pubrel:
    case PacketType::pubcomp:
      return decode_ack(type, from, version);
    case PacketType::subscribe:
      return decode_subscribe(from, version);
    case PacketType::unsubscribe:
      return decode_unsubscribe(from, version);
    case PacketType::suback:
    case PacketType::unsuback:
      return decode_subscribe_ack(type, from, version);
    case PacketType::pingreq:
    case PacketType::pingresp:
      return decode_ping(type, from);
    case PacketType::disconnect:
      return decode_disconnect(from, version);
    case PacketType::auth:
      return decode_auth(from, version);
    case PacketType::will:
      break;
  }
  return fail(ErrorCode::invalid_argument, "a packet of type 0, which there is not");
}

Result<Publish> decode_publish_head(std::uint8_t first, std::string_view begin,
                                    std::size_t body_bytes, Version version) {
  Reader from(begin);
  Publish out = TRY(publish_head(first, from, version));
  out.payload_bytes_lost = body_bytes - (begin.size() - from.rest().size());
  return out;
}

}  // namespace penstock::connect::mqtt
