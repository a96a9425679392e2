// Decimal digits, many at a time. All functions read up to 17 bytes from where they are pointed at,
// wherever the digits end: for text inside values that are followed by kReadPadding bytes.
#pragma once

#include <immintrin.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace penstock::format {

// Number of decimal digits at `at`, at most 16; 17 means more than that.
inline unsigned digit_count(const char* at) {
  __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  __m128i values = _mm_sub_epi8(bytes, _mm_set1_epi8('0'));
  __m128i digits = _mm_cmpeq_epi8(_mm_min_epu8(values, _mm_set1_epi8(9)), values);
  auto others = ~static_cast<std::uint32_t>(_mm_movemask_epi8(digits)) & 0xFFFF;
  if (others != 0) return static_cast<unsigned>(std::countr_zero(others));
  return at[16] >= '0' && at[16] <= '9' ? 17 : 16;
}

// Value of 1-8 digits: neighbours are multiplied together, all at once.
inline std::uint64_t eight_digits(const char* at, unsigned count) {
  std::uint64_t v;
  std::memcpy(&v, at, 8);
  v = (v - 0x3030303030303030u) << (64 - 8 * count);
  v = v * 10 + (v >> 8);
  return ((v & 0x000000FF000000FFu) * 0x000F424000000064u +
          (v >> 16 & 0x000000FF000000FFu) * 0x0000271000000001u) >>
         32;
}

// Value of 1-16 digits.
inline std::int64_t digits_value(const char* at, unsigned count) {
  if (count <= 8) return static_cast<std::int64_t>(eight_digits(at, count));
  return static_cast<std::int64_t>(eight_digits(at, count - 8) * 100'000'000 +
                                   eight_digits(at + count - 8, 8));
}

// The integer that a text consists of, if it is a JSON number of at most 16 digits without fraction
// or exponent. The text is not empty.
inline std::optional<std::int64_t> short_integer(std::string_view text) {
  const char* at = text.data();
  bool negative = *at == '-';
  unsigned count = digit_count(at + negative);
  if (count + negative != text.size() || count == 0 || count > 16) return std::nullopt;
  if (at[negative] == '0' && count != 1) return std::nullopt;
  std::int64_t value = digits_value(at + negative, count);
  return negative ? -value : value;
}

}  // namespace penstock::format
