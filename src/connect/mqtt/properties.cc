#include "connect/mqtt/properties.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "connect/mqtt/limits.h"
#include "connect/mqtt/wire.h"

namespace penstock::connect::mqtt {
namespace {

using P = Properties;
using T = PacketType;

// Where a property is kept says what it looks like on the wire.
using Member = std::variant<std::optional<std::uint8_t> P::*, std::optional<std::uint16_t> P::*,
                            std::optional<std::uint32_t> P::*, std::optional<std::string_view> P::*,
                            std::optional<ByteView> P::*>;

constexpr std::uint32_t in(std::initializer_list<PacketType> packets) {
  std::uint32_t out = 0;
  for (const PacketType packet : packets) out |= 1U << static_cast<std::uint8_t>(packet);
  return out;
}

struct Kind {
  std::uint8_t id;
  std::string_view name;
  Member member;
  std::uint32_t packets;
};

constexpr std::uint8_t kSubscriptionId = 0x0b, kUserProperty = 0x26;
constexpr std::uint32_t kMessage = in({T::publish, T::will});
constexpr std::uint32_t kAnswers = in({T::connack, T::puback, T::pubrec, T::pubrel, T::pubcomp,
                                       T::suback, T::unsuback, T::disconnect, T::auth});
constexpr std::uint32_t kAuthentication = in({T::connect, T::connack, T::auth});

// 5.0, 2.2.2.2, Table 2-4.
constexpr std::array kKinds = {
    Kind{0x01, "Payload Format Indicator", &P::payload_format_indicator, kMessage},
    Kind{0x02, "Message Expiry Interval", &P::message_expiry_interval, kMessage},
    Kind{0x03, "Content Type", &P::content_type, kMessage},
    Kind{0x08, "Response Topic", &P::response_topic, kMessage},
    Kind{0x09, "Correlation Data", &P::correlation_data, kMessage},
    Kind{0x11, "Session Expiry Interval", &P::session_expiry_interval,
         in({T::connect, T::connack, T::disconnect})},
    Kind{0x12, "Assigned Client Identifier", &P::assigned_client_identifier, in({T::connack})},
    Kind{0x13, "Server Keep Alive", &P::server_keep_alive, in({T::connack})},
    Kind{0x15, "Authentication Method", &P::authentication_method, kAuthentication},
    Kind{0x16, "Authentication Data", &P::authentication_data, kAuthentication},
    Kind{0x17, "Request Problem Information", &P::request_problem_information, in({T::connect})},
    Kind{0x18, "Will Delay Interval", &P::will_delay_interval, in({T::will})},
    Kind{0x19, "Request Response Information", &P::request_response_information, in({T::connect})},
    Kind{0x1a, "Response Information", &P::response_information, in({T::connack})},
    Kind{0x1c, "Server Reference", &P::server_reference, in({T::connack, T::disconnect})},
    Kind{0x1f, "Reason String", &P::reason_string, kAnswers},
    Kind{0x21, "Receive Maximum", &P::receive_maximum, in({T::connect, T::connack})},
    Kind{0x22, "Topic Alias Maximum", &P::topic_alias_maximum, in({T::connect, T::connack})},
    Kind{0x23, "Topic Alias", &P::topic_alias, in({T::publish})},
    Kind{0x24, "Maximum QoS", &P::maximum_qos, in({T::connack})},
    Kind{0x25, "Retain Available", &P::retain_available, in({T::connack})},
    Kind{0x27, "Maximum Packet Size", &P::maximum_packet_size, in({T::connect, T::connack})},
    Kind{0x28, "Wildcard Subscription Available", &P::wildcard_subscription_available,
         in({T::connack})},
    Kind{0x29, "Subscription Identifiers Available", &P::subscription_identifiers_available,
         in({T::connack})},
    Kind{0x2a, "Shared Subscription Available", &P::shared_subscription_available,
         in({T::connack})},
};

std::unexpected<Error> wrong(std::string_view name, PacketType packet, std::string_view why) {
  return fail(ErrorCode::invalid_argument,
              fmt::format("property '{}' of {}: {}", name, name_of(packet), why));
}

Result<> read_value(Reader& from, std::optional<std::uint8_t>& out) {
  out = TRY(from.u8());
  return {};
}
Result<> read_value(Reader& from, std::optional<std::uint16_t>& out) {
  out = TRY(from.u16());
  return {};
}
Result<> read_value(Reader& from, std::optional<std::uint32_t>& out) {
  out = TRY(from.u32());
  return {};
}
Result<> read_value(Reader& from, std::optional<std::string_view>& out) {
  out = TRY(from.text());
  return {};
}
Result<> read_value(Reader& from, std::optional<ByteView>& out) {
  out = as_bytes(TRY(from.bytes()));
  return {};
}

void write_value(std::string& out, std::uint8_t value) {
  put_u8(out, value);
}
void write_value(std::string& out, std::uint16_t value) {
  put_u16(out, value);
}
void write_value(std::string& out, std::uint32_t value) {
  put_u32(out, value);
}
void write_value(std::string& out, std::string_view value) {
  put_bytes(out, value);
}
void write_value(std::string& out, ByteView value) {
  put_bytes(out, as_text(value));
}

Result<> read_listed(Reader& from, std::uint8_t id, PacketType packet, Properties& out) {
  if (id == kUserProperty) {
    if (out.user.size() >= kUserPropertiesMax) {
      return wrong("User Property", packet, fmt::format("more than {}", kUserPropertiesMax));
    }
    const std::string_view name = TRY(from.text());
    const std::string_view value = TRY(from.text());
    out.user.emplace_back(name, value);
    return {};
  }
  const bool many = packet == PacketType::publish;
  if (!many && packet != PacketType::subscribe) {
    return wrong("Subscription Identifier", packet, "not allowed there");
  }
  const std::uint32_t number = TRY(from.variable());
  if (number == 0) return wrong("Subscription Identifier", packet, "it is 0");
  if (out.subscription_identifiers.size() >= (many ? kFiltersMax : 1)) {
    return wrong("Subscription Identifier", packet, "too many");
  }
  out.subscription_identifiers.push_back(number);
  return {};
}

Result<> read_property(Reader& from, PacketType packet, Properties& out) {
  const std::uint32_t id = TRY(from.variable());
  if (id == kUserProperty || id == kSubscriptionId) {
    return read_listed(from, static_cast<std::uint8_t>(id), packet, out);
  }
  const auto* kind = std::ranges::find(kKinds, id, &Kind::id);
  if (kind == kKinds.end()) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: there is no property {}", name_of(packet), id));
  }
  if ((kind->packets >> static_cast<std::uint8_t>(packet) & 1) == 0) {
    return wrong(kind->name, packet, "not allowed there");
  }
  return std::visit(
      [&](auto member) -> Result<> {
        if (out.*member) return wrong(kind->name, packet, "sent twice");
        if (auto read = read_value(from, out.*member); !read) {
          return wrong(kind->name, packet, read.error().text());
        }
        return {};
      },
      kind->member);
}

// What may not be 0, and what is a yes or no (5.0, 3.1.2.11 and 3.2.2.3).
Result<> check_values(const Properties& out, PacketType packet) {
  if (out.receive_maximum == 0) return wrong("Receive Maximum", packet, "it is 0");
  if (out.topic_alias == 0) return wrong("Topic Alias", packet, "it is 0");
  if (out.maximum_packet_size == 0U) return wrong("Maximum Packet Size", packet, "it is 0");
  for (const auto& flag :
       {out.payload_format_indicator, out.request_problem_information,
        out.request_response_information, out.maximum_qos, out.retain_available,
        out.wildcard_subscription_available, out.subscription_identifiers_available,
        out.shared_subscription_available}) {
    if (flag && *flag > 1) return wrong("of one bit", packet, "neither 0 nor 1");
  }
  return {};
}

}  // namespace

std::string_view name_of(PacketType type) {
  static constexpr std::array<std::string_view, 16> kNames = {
      "a will",  "CONNECT",  "CONNACK",    "PUBLISH", "PUBACK",      "PUBREC",
      "PUBREL",  "PUBCOMP",  "SUBSCRIBE",  "SUBACK",  "UNSUBSCRIBE", "UNSUBACK",
      "PINGREQ", "PINGRESP", "DISCONNECT", "AUTH"};
  return kNames[static_cast<std::uint8_t>(type) & 15];
}

Result<Properties> decode_properties(Reader& from, PacketType packet) {
  const std::uint32_t size = TRY(from.variable());
  Reader part = TRY(from.part(size));
  Properties out;
  while (!part.at_end()) TRY(read_property(part, packet, out));
  TRY(check_values(out, packet));
  return out;
}

void encode_properties(std::string& out, const Properties& properties) {
  std::string body;
  for (const Kind& kind : kKinds) {
    std::visit(
        [&](auto member) {
          if (!(properties.*member)) return;
          put_u8(body, kind.id);
          write_value(body, *(properties.*member));
        },
        kind.member);
  }
  for (const std::uint32_t number : properties.subscription_identifiers) {
    put_u8(body, kSubscriptionId);
    put_variable(body, number);
  }
  for (const auto& [name, value] : properties.user) {
    put_u8(body, kUserProperty);
    put_bytes(body, name);
    put_bytes(body, value);
  }
  put_variable(out, static_cast<std::uint32_t>(body.size()));
  out += body;
}

}  // namespace penstock::connect::mqtt
