// Values as JSON text into a buffer with room. All functions return the end of what they wrote.
#pragma once

#include <bit>
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

namespace digits {

// The eight decimal digits of a value below 10^8, one per byte, the first in the lowest: halves,
// pairs and digits are parted for all at once.
inline std::uint64_t eight(std::uint32_t value) {
  const std::uint64_t halves = value / 10'000 | std::uint64_t{value % 10'000} << 32;
  const std::uint64_t hundreds = (halves * 10486 >> 20) & 0x0000'007F'0000'007F;
  const std::uint64_t pairs = hundreds + ((halves - hundreds * 100) << 16);
  const std::uint64_t tens = (pairs * 103 >> 10) & 0x000F'000F'000F'000F;
  return tens + ((pairs - tens * 10) << 8);
}
inline constexpr std::uint64_t kZeros = 0x3030'3030'3030'3030;
inline char* put_8(char* to, std::uint32_t value) {  // below 10^8, eight digits
  const std::uint64_t text = eight(value) + kZeros;
  std::memcpy(to, &text, sizeof text);
  return to + 8;
}
// As many as it has, without a branch on how many; eight bytes are written.
inline char* put_below_1e8(char* to, std::uint32_t value) {
  const std::uint64_t all = eight(value);
  const int leading = std::countr_zero(all | std::uint64_t{1} << 56) >> 3;  // zeros, at most 7
  const std::uint64_t text = (all + kZeros) >> (8 * leading);
  std::memcpy(to, &text, sizeof text);
  return to + 8 - leading;
}
inline char* put(char* to, std::uint64_t value) {
  constexpr std::uint64_t k1e8 = 100'000'000;
  if (value < k1e8) return put_below_1e8(to, static_cast<std::uint32_t>(value));
  const std::uint64_t high = value / k1e8;
  const auto low = static_cast<std::uint32_t>(value % k1e8);
  if (high < k1e8) return put_8(put_below_1e8(to, static_cast<std::uint32_t>(high)), low);
  to = put_below_1e8(to, static_cast<std::uint32_t>(high / k1e8));
  return put_8(put_8(to, static_cast<std::uint32_t>(high % k1e8)), low);
}

}  // namespace digits

// Longest text of an integer: "-9223372036854775808". There must be room for it, whatever the
// value.
inline constexpr std::size_t kIntegerTextMax = 20;
inline char* put_integer(char* to, std::int64_t value) {
  if (value >= 0) return digits::put(to, static_cast<std::uint64_t>(value));
  *to++ = '-';
  return digits::put(to, 0 - static_cast<std::uint64_t>(value));
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
