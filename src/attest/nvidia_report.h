// NVIDIA's measurement report: an SPDM 1.1 GET_MEASUREMENTS request and its response. Parsing
// alone.
#pragma once

#include <cstdint>
#include <map>

#include "base/bytes.h"

namespace penstock::attest {

inline constexpr std::uint16_t kOpaqueDriver = 3, kOpaqueVbios = 6, kOpaqueDecoder = 11,
                               kOpaqueFwid = 20;

struct NvidiaReport {
  ByteBuffer signed_part, signature;  // all but the last 96 bytes; r || s
  ByteBuffer nonce, responder_nonce;
  std::map<unsigned, ByteBuffer> measurements;  // by index
  std::map<std::uint16_t, ByteBuffer> opaque;
};
Result<NvidiaReport> parse_nvidia_report(ByteView bytes);

}  // namespace penstock::attest
