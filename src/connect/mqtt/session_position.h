// What of an MQTT session is stored with each commit: the messages that were committed while the
// broker may not know it.
#pragma once

#include <vector>

#include "base/bytes.h"
#include "connect/mqtt/inbound.h"

namespace penstock::connect::mqtt {

// Version 1: a byte 1, the number of entries (u16, big endian), and of each its identifier (u16),
// QoS (a byte) and digest (16 bytes).
ByteBuffer encode_position(const std::vector<Received>& received);
Result<std::vector<Received>> decode_position(ByteView bytes);  // corrupt, unsupported

}  // namespace penstock::connect::mqtt
