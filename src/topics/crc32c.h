// CRC-32C (Castagnoli; RFC 3720 appendix B.4), which finds damage and is no protection against
// intent.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace penstock::topics {

// The CRC of (what `crc` is the CRC of) followed by `bytes`; crc 0 is that of nothing. Uses the
// CPU's instruction (SSE4.2, in every x86-64-v3 CPU), three streams at a time.
std::uint32_t crc32c(ByteView bytes, std::uint32_t crc = 0);

// The same by a table, byte by byte: what the tests compare with.
std::uint32_t crc32c_by_table(ByteView bytes, std::uint32_t crc = 0);

}  // namespace penstock::topics
