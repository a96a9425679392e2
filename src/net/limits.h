// Bounds on what peers send over HTTP and TLS.
#pragma once

#include <cstddef>

namespace penstock::net {

inline constexpr std::size_t kHeaderBytesMax = 16 << 10;  // request or status line and fields
inline constexpr std::size_t kFieldsMax = 100;
inline constexpr std::size_t kRequestBodyBytesMax = 1 << 20;
inline constexpr std::size_t kResponseBodyBytesMax = 64 << 20;  // what the client takes as a whole
inline constexpr std::size_t kLineBytesMax = 4 << 20;           // one line of a streamed answer
inline constexpr std::size_t kPipelineBytesMax = 64
                                                 << 10;  // read ahead while an answer is on its way
inline constexpr std::size_t kDrainBytesMax = 4 << 20;   // thrown away after a refusal

inline constexpr std::size_t kTlsCertificateBytesMax = 16 << 10;  // what a server may show
// What one step of a TLS connection takes from its socket, and gives to it, before others have
// their turn. More than one record (16 KiB).
inline constexpr std::size_t kTlsStepBytesMax = 32 << 10;
inline constexpr std::size_t kTlsTurnBytesMax = 256 << 10;
// Key updates and the like after a handshake, per connection. Honest peers send a few in 2^24
// records.
inline constexpr std::size_t kTlsLateMessagesMax = 64;
inline constexpr std::size_t kTlsExporterBytes = 32;

}  // namespace penstock::net
