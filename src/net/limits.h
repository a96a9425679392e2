// Bounds on what peers send over HTTP.
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

}  // namespace penstock::net
