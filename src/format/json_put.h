// Values as JSON text into a buffer with room. All functions return the end of what they wrote.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "data/column.h"

namespace penstock::format {

inline char* put_text(char* to, std::string_view text) {
  if (!text.empty())
    std::memcpy(to, text.data(), text.size());  // an empty text may have no address
  return to + text.size();
}

// Longest text of an integer: "-9223372036854775808".
inline constexpr std::size_t kIntegerTextMax = 20;
inline char* put_integer(char* to, std::int64_t value) {
  return std::to_chars(to, to + kIntegerTextMax, value).ptr;
}

// A string's contents without quotes, escaped as RFC 8259 demands and no more: control characters,
// quote and backslash. Needs escaped_size_max(text.size()) bytes of room.
char* put_escaped(char* to, std::string_view text);
inline constexpr std::size_t escaped_size_max(std::size_t size) {
  return 6 * size;
}

// Number as the JVM prints it; NaN and infinities in quotes. Needs kDoubleJsonMax bytes.
inline constexpr std::size_t kDoubleJsonMax = 34;
char* put_double(char* to, double value);

// RFC 4648 section 4, padded, without quotes. Needs base64_size(bytes) bytes.
inline constexpr std::size_t base64_size(std::size_t bytes) {
  return (bytes + 2) / 3 * 4;
}
char* put_base64(char* to, std::string_view bytes);

}  // namespace penstock::format
