// JSON text inside a record, scanned without being kept. All may read kReadPadding (limits.h) bytes
// behind the record, whatever they hold; `end` is the record's.
#pragma once

#include <immintrin.h>

#include <bit>
#include <cstddef>
#include <cstdint>

#include <simdjson.h>

namespace penstock::format {

inline __m256i load32(const std::uint8_t* at) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
}

inline std::uint32_t bits_of(__m256i bytes) {
  return static_cast<std::uint32_t>(_mm256_movemask_epi8(bytes));
}

inline const char* chars(const std::uint8_t* at) {
  return reinterpret_cast<const char*>(at);
}

// Which of 64 bytes are quotes or may not stand in a string as they are, and which are not ASCII.
struct StringBytes {
  std::uint64_t stops = 0;
  std::uint64_t high = 0;

  explicit StringBytes(const std::uint8_t* at) {
    const __m256i quote = _mm256_set1_epi8('"');
    const __m256i backslash = _mm256_set1_epi8('\\');
    const __m256i control_max = _mm256_set1_epi8(0x1F);
    for (int half = 0; half < 2; ++half) {
      __m256i bytes = load32(at + 32 * half);
      __m256i odd = _mm256_or_si256(_mm256_cmpeq_epi8(bytes, backslash),
                                    _mm256_cmpeq_epi8(_mm256_min_epu8(bytes, control_max), bytes));
      odd = _mm256_or_si256(odd, _mm256_cmpeq_epi8(bytes, quote));
      stops |= std::uint64_t{bits_of(odd)} << (32 * half);
      high |= std::uint64_t{bits_of(bytes)} << (32 * half);
    }
  }
};

// Position of the quote that ends the string starting at `at`; nullptr when there is none before
// `end`, or when the string has an escape, a control character or invalid UTF-8. 64 bytes at a time
// although many strings are shorter: a loop of unpredictable length costs more than the bytes.
inline const std::uint8_t* string_end(const std::uint8_t* at, const std::uint8_t* end) {
  std::uint64_t beyond_ascii = 0;
  for (const std::uint8_t* block = at; block < end; block += 64) {
    StringBytes bytes(block);
    if (bytes.stops == 0) {
      beyond_ascii |= bytes.high;
      continue;
    }
    int offset = std::countr_zero(bytes.stops);
    const std::uint8_t* stop = block + offset;
    beyond_ascii |= bytes.high & ((std::uint64_t{1} << offset) - 1);
    if (stop >= end || *stop != '"') return nullptr;
    if (beyond_ascii != 0 &&
        !simdjson::validate_utf8(chars(at), static_cast<std::size_t>(stop - at))) [[unlikely]]
      return nullptr;
    return stop;
  }
  return nullptr;
}

// Behind the digits that begin at `at`.
inline const std::uint8_t* skip_digits(const std::uint8_t* at, const std::uint8_t* end) {
  while (at < end && *at >= '0' && *at <= '9') ++at;
  return at;
}

// As string_end, for a string with escapes: from one to the next.
const std::uint8_t* escaped_string_end(const std::uint8_t* at, const std::uint8_t* end);

// Behind the object or array that begins at `at`, checked as JsonDocument checks it; nullptr: it is
// malformed, too deep or unusual.
const std::uint8_t* nested_end(const std::uint8_t* at, const std::uint8_t* end);

}  // namespace penstock::format
