// Values as JSON text into a buffer with room. All functions return the end of what they wrote.
#pragma once

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

inline constexpr char kPairs[] =
    "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546"
    "4748495051525354555657585960616263646566676869707172737475767778798081828384858687888990919293"
    "949596979899";

inline char* put_pair(char* to, std::uint32_t value) {  // below 100, two digits
  std::memcpy(to, kPairs + 2 * value, 2);
  return to + 2;
}
inline char* put_4(char* to, std::uint32_t value) {  // below 10^4, four digits
  return put_pair(put_pair(to, value / 100), value % 100);
}
inline char* put_8(char* to, std::uint32_t value) {  // below 10^8, eight digits
  return put_4(put_4(to, value / 10'000), value % 10'000);
}
inline char* put_short(char* to, std::uint32_t value) {  // below 10^4, as many as it has
  if (value >= 100) {
    const std::uint32_t high = value / 100;
    if (high >= 10)
      to = put_pair(to, high);
    else
      *to++ = static_cast<char>('0' + high);
    return put_pair(to, value % 100);
  }
  if (value >= 10) return put_pair(to, value);
  *to++ = static_cast<char>('0' + value);
  return to;
}
inline char* put_below_1e8(char* to, std::uint32_t value) {
  if (value < 10'000) return put_short(to, value);
  return put_4(put_short(to, value / 10'000), value % 10'000);
}
inline char* put(char* to, std::uint64_t value) {
  constexpr std::uint64_t k1e8 = 100'000'000;
  if (value < k1e8) return put_below_1e8(to, static_cast<std::uint32_t>(value));
  const std::uint64_t high = value / k1e8;
  const auto low = static_cast<std::uint32_t>(value % k1e8);
  if (high < k1e8) return put_8(put_below_1e8(to, static_cast<std::uint32_t>(high)), low);
  to = put_short(to, static_cast<std::uint32_t>(high / k1e8));
  return put_8(put_8(to, static_cast<std::uint32_t>(high % k1e8)), low);
}

}  // namespace digits

// Longest text of an integer: "-9223372036854775808".
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
