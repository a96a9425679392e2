// The packets that begin and end a session, from a client's options; and what a broker's refusals
// mean. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "connect/mqtt/client.h"
#include "connect/mqtt/packet.h"

namespace penstock::connect::mqtt {

inline constexpr std::uint16_t kTopicAliases = 64;  // that brokers may use for topics they repeat
inline constexpr std::uint16_t kSubscribeId = kPublishIdMax + 1;

// Views into what is given.
Connect connect_packet(const ClientOptions& options, const std::string& client_id,
                       bool clean_start);
Subscribe subscribe_packet(const std::vector<SubscriptionSpec>& subscriptions);
Unsubscribe unsubscribe_packet(const std::vector<std::string>& filters);

// Filters that the broker does not serve, with its reasons in words. As many as there are
// subscriptions.
std::vector<std::string> refused_filters(const SubscribeAck& answer,
                                         const std::vector<SubscriptionSpec>& subscriptions);

// Why a broker ends a connection, or does not make one. lasting: a later one will meet it again.
struct Farewell {
  Error error;
  bool lasting = false;
};
Farewell refusal_of(const Connack& packet, Version version);
Farewell farewell_of(const Disconnect& packet, const std::string& client_id);

}  // namespace penstock::connect::mqtt
