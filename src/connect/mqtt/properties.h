// Properties of MQTT 5.0 packets (2.2.2).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"

namespace penstock::connect::mqtt {

enum class PacketType : std::uint8_t {
  connect = 1,
  connack,
  publish,
  puback,
  pubrec,
  pubrel,
  pubcomp,
  subscribe,
  suback,
  unsubscribe,
  unsuback,
  pingreq,
  pingresp,
  disconnect,
  auth,
  will = 0,  // no packet: the will's properties inside CONNECT
};
std::string_view name_of(PacketType type);

// What is absent was not sent. Views are into the packet that was decoded, or into whatever the
// caller keeps until it is encoded.
struct Properties {
  std::optional<std::uint8_t> payload_format_indicator = {}, request_problem_information = {},
                              request_response_information = {}, maximum_qos = {},
                              retain_available = {}, wildcard_subscription_available = {},
                              subscription_identifiers_available = {},
                              shared_subscription_available = {};
  std::optional<std::uint16_t> server_keep_alive = {}, receive_maximum = {},
                               topic_alias_maximum = {}, topic_alias = {};
  std::optional<std::uint32_t> message_expiry_interval = {}, session_expiry_interval = {},
                               will_delay_interval = {}, maximum_packet_size = {};
  std::optional<std::string_view> content_type = {}, response_topic = {},
                                  assigned_client_identifier = {}, authentication_method = {},
                                  response_information = {}, server_reference = {},
                                  reason_string = {};
  std::optional<ByteView> correlation_data = {}, authentication_data = {};
  std::vector<std::uint32_t> subscription_identifiers = {};
  std::vector<std::pair<std::string_view, std::string_view>> user = {};
};

class Reader;

// invalid_argument: malformed, unknown, sent twice, or not allowed in this packet; the text names
// the property.
Result<Properties> decode_properties(Reader& in, PacketType packet);
void encode_properties(std::string& out, const Properties& properties);

}  // namespace penstock::connect::mqtt
