// MQTT control packets as values, and both directions of their codec. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "connect/mqtt/properties.h"

namespace penstock::connect::mqtt {

enum class Version : std::uint8_t { v3_1_1 = 4, v5 = 5 };

// Views in all of these are into the packet's bytes, or whatever the caller keeps.
struct Will {
  std::string_view topic, payload;
  std::uint8_t qos = 0;
  bool retain = false;
  Properties properties = {};
};

struct Connect {
  Version version = Version::v5;
  bool clean_start = true;  // 3.1.1: clean session
  std::uint16_t keep_alive_s = 60;
  std::string_view client_id = {};
  std::optional<std::string_view> user = {}, password = {};
  std::optional<Will> will = {};
  Properties properties = {};
};

struct Connack {
  bool session_present = false;
  std::uint8_t reason = 0;  // 3.1.1: return code
  Properties properties = {};
};

struct Publish {
  std::string_view topic = {};  // may be empty where an alias stands for it
  std::string_view payload = {};
  std::uint8_t qos = 0;
  bool retain = false, dup = false;
  std::uint16_t packet_id = 0;         // 0 with qos 0
  std::size_t payload_bytes_lost = 0;  // it was too large: the payload is empty and had this size
  Properties properties = {};
};

struct Ack {
  PacketType type = PacketType::puback;  // puback, pubrec, pubrel, pubcomp
  std::uint16_t packet_id = 0;
  std::uint8_t reason = 0;
  Properties properties = {};
};

struct Subscription {
  std::string_view filter;
  std::uint8_t qos = 0;
  bool no_local = false, retain_as_published = false;
  std::uint8_t retain_handling = 0;  // 0: send retained, 1: if the subscription is new, 2: never
};
struct Subscribe {
  std::uint16_t packet_id = 0;
  std::vector<Subscription> subscriptions = {};
  Properties properties = {};
};
struct Unsubscribe {
  std::uint16_t packet_id = 0;
  std::vector<std::string_view> filters = {};
  Properties properties = {};
};
struct SubscribeAck {
  PacketType type = PacketType::suback;  // or unsuback, which has no reasons before 5.0
  std::uint16_t packet_id = 0;
  std::vector<std::uint8_t> reasons = {};  // 128 and above: refused
  Properties properties = {};
};

struct Ping {
  bool answer = false;
};
struct Disconnect {
  std::uint8_t reason = 0;
  Properties properties = {};
};
struct Auth {
  std::uint8_t reason = 0;
  Properties properties = {};
};

using Packet = std::variant<Connect, Connack, Publish, Ack, Subscribe, Unsubscribe, SubscribeAck,
                            Ping, Disconnect, Auth>;

// The fixed header's first byte and what follows the remaining length. invalid_argument: malformed
// (5.0, 1.2): what, in words.
Result<Packet> decode_packet(std::uint8_t first, std::string_view body, Version version);
// Of a PUBLISH of which only the begin is here: `body_bytes` is its whole size.
Result<Publish> decode_publish_head(std::uint8_t first, std::string_view begin,
                                    std::size_t body_bytes, Version version);

// Appends the whole packet. Texts must fit (CHECKed); the packet too.
void encode(std::string& out, const Connect& packet);
void encode(std::string& out, const Connack& packet, Version version);
void encode(std::string& out, const Publish& packet, Version version);
void encode(std::string& out, const Ack& packet, Version version);
void encode(std::string& out, const Subscribe& packet, Version version);
void encode(std::string& out, const Unsubscribe& packet, Version version);
void encode(std::string& out, const SubscribeAck& packet, Version version);
void encode(std::string& out, const Ping& packet);
void encode(std::string& out, const Disconnect& packet, Version version);
void encode(std::string& out, const Auth& packet);

inline constexpr std::uint8_t kRefusedFrom = 0x80;  // reason codes from here on are refusals

// "not authorized (0x87)": of a reason code, or of a return code of 3.1.1's CONNACK.
std::string reason_text(std::uint8_t reason);
std::string return_code_text(std::uint8_t code);

}  // namespace penstock::connect::mqtt
