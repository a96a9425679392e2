// Bounds on what brokers send. The protocol's own are in its text (MQTT 5.0, OASIS 2019; 3.1.1,
// OASIS 2014).
#pragma once

#include <cstddef>
#include <cstdint>

namespace penstock::connect::mqtt {

inline constexpr std::size_t kRemainingBytesMax = 268'435'455;  // 5.0, 1.5.5
inline constexpr std::size_t kTextBytesMax = 65'535;            // 5.0, 1.5.4
// A packet that is kept whole. Of a larger PUBLISH the head is kept and the payload thrown away;
// any other packet of that size ends the connection.
inline constexpr std::size_t kPacketBytesDefault = 2 << 20;
inline constexpr std::uint16_t kPublishIdMax = 65'534;      // the last one is SUBSCRIBE's
inline constexpr std::size_t kUserPropertiesMax = 256;      // of one packet
inline constexpr std::size_t kFiltersMax = 1'000;           // of one SUBSCRIBE or SUBACK
inline constexpr std::uint16_t kReceiveMaxDefault = 1'000;  // unconfirmed messages that we take
inline constexpr std::int64_t kSourceReceiveMax = 65'535;
// Messages of QoS 1 in a position: 19 bytes each of topics::kSourcePositionBytesMax.
inline constexpr std::size_t kCommittedMax = 3'400;
inline constexpr std::size_t kSourceQueueBytes = 8 << 20;      // then the broker is made to wait
inline constexpr std::size_t kSourceQueueMessages = 32 << 10;  // likewise

}  // namespace penstock::connect::mqtt
