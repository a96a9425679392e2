#include "connect/mqtt/handshake.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace penstock::connect::mqtt {
namespace {

constexpr std::uint8_t kTakenOver = 0x8e;

bool is_lasting(std::uint8_t reason) {
  static constexpr std::array<std::uint8_t, 11> kLasting = {0x84, 0x85, 0x86, 0x87, 0x8a, 0x8c,
                                                            0x8e, 0x90, 0x95, 0x9c, 0x9d};
  return std::ranges::find(kLasting, reason) != kLasting.end();
}
bool is_lasting_return_code(std::uint8_t code) {
  return code != 3;  // the server is unavailable
}

Farewell made_of(std::string text, bool lasting) {
  const ErrorCode code = lasting ? ErrorCode::permission_denied : ErrorCode::unavailable;
  return {.error = Error(code, std::move(text)), .lasting = lasting};
}

Will will_of(const WillMessage& will) {
  Will out{.topic = will.topic,
           .payload = will.payload,
           .qos = will.qos,
           .retain = will.retain,
           .properties = {}};
  if (will.delay_s > 0) out.properties.will_delay_interval = will.delay_s;
  return out;
}

}  // namespace

Connect connect_packet(const ClientOptions& options, const std::string& client_id,
                       bool clean_start) {
  const bool v5 = options.version == Version::v5;
  Connect out{.version = options.version,
              .clean_start = v5 ? clean_start : options.session_expiry_s == 0,
              .keep_alive_s = options.keep_alive_s,
              .client_id = client_id};
  if (options.user) out.user = *options.user;
  if (options.password) out.password = *options.password;
  if (options.will) out.will = will_of(*options.will);
  if (!v5) return out;
  if (options.session_expiry_s > 0)
    out.properties.session_expiry_interval = options.session_expiry_s;
  out.properties.receive_maximum = options.receive_maximum;
  out.properties.topic_alias_maximum = kTopicAliases;
  return out;
}

Subscribe subscribe_packet(const std::vector<SubscriptionSpec>& subscriptions) {
  Subscribe packet{.packet_id = kSubscribeId};
  for (const SubscriptionSpec& one : subscriptions) {
    packet.subscriptions.push_back({.filter = one.filter,
                                    .qos = one.qos,
                                    .no_local = one.no_local,
                                    .retain_as_published = one.retain_as_published,
                                    .retain_handling = one.retain_handling});
  }
  return packet;
}

Unsubscribe unsubscribe_packet(const std::vector<std::string>& filters) {
  Unsubscribe packet{.packet_id = kSubscribeId};
  for (const std::string& filter : filters) packet.filters.push_back(filter);
  return packet;
}

std::vector<std::string> refused_filters(const SubscribeAck& answer,
                                         const std::vector<SubscriptionSpec>& subscriptions) {
  std::vector<std::string> refused;
  for (std::size_t i = 0; i < answer.reasons.size(); ++i) {
    if (answer.reasons[i] < kRefusedFrom) continue;
    refused.push_back(
        fmt::format("'{}': {}", subscriptions[i].filter, reason_text(answer.reasons[i])));
  }
  return refused;
}

Farewell refusal_of(const Connack& packet, Version version) {
  const bool v5 = version == Version::v5;
  const bool old_broker = v5 && packet.reason < kRefusedFrom;  // 3.1.1's return codes
  const bool known = v5 && !old_broker;
  std::string text =
      fmt::format("the broker refuses the connection: {}",
                  known ? reason_text(packet.reason) : return_code_text(packet.reason));
  if (packet.properties.reason_string)
    text += fmt::format(": {}", *packet.properties.reason_string);
  if (old_broker && packet.reason == 1) text += "; does it speak 3.1.1 only?";
  const bool credentials =
      packet.reason == 4 || packet.reason == 5 || packet.reason == 0x86 || packet.reason == 0x87;
  if (credentials) text += "; check user, password and the broker's access list";
  return made_of(std::move(text),
                 known ? is_lasting(packet.reason) : is_lasting_return_code(packet.reason));
}

Farewell farewell_of(const Disconnect& packet, const std::string& client_id) {
  std::string text = fmt::format("the broker ends the connection: {}", reason_text(packet.reason));
  if (packet.reason == kTakenOver)
    text +=
        fmt::format("; another client has connected as '{}': client ids must differ", client_id);
  if (packet.properties.reason_string)
    text += fmt::format(": {}", *packet.properties.reason_string);
  return made_of(std::move(text), is_lasting(packet.reason));
}

}  // namespace penstock::connect::mqtt
