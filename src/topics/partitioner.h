// Which partition a key belongs to: as Apache Kafka's producers decide, so that records of one key
// meet in one partition whoever wrote them.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace penstock::topics {

// MurmurHash2 (32 bit) with the seed of Kafka's Java client, 0x9747b28c.
std::int32_t murmur2(ByteView bytes);

// toPositive(murmur2(key)) % partitions. partitions >= 1.
std::int32_t partition_of(ByteView key, std::int32_t partitions);

}  // namespace penstock::topics
