#include "format/json_put.h"

#include <immintrin.h>

#include <bit>
#include <cmath>

#include "data/double_text.h"

namespace penstock::format {
namespace {

constexpr char kHex[] = "0123456789abcdef";

bool needs_escape(char c) {
  return static_cast<std::uint8_t>(c) < 0x20 || c == '"' || c == '\\';
}

std::uint32_t escapes_in(__m128i bytes) {
  __m128i odd = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1F)), bytes);
  odd = _mm_or_si128(odd, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')));
  odd = _mm_or_si128(odd, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
  return static_cast<std::uint32_t>(_mm_movemask_epi8(odd));
}

std::uint32_t escapes_in(__m256i bytes) {
  __m256i odd = _mm256_cmpeq_epi8(_mm256_min_epu8(bytes, _mm256_set1_epi8(0x1F)), bytes);
  odd = _mm256_or_si256(odd, _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('"')));
  odd = _mm256_or_si256(odd, _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('\\')));
  return static_cast<std::uint32_t>(_mm256_movemask_epi8(odd));
}

// Copies a text of 8 to 31 bytes as two pieces that overlap. False: something needs an escape (what
// was written does not count).
bool copy_clean(char* to, std::string_view text) {
  const char* from = text.data();
  if (text.size() >= 16) {
    const std::size_t last = text.size() - 16;
    const __m128i a = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    const __m128i b = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + last));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), a);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + last), b);
    return (escapes_in(a) | escapes_in(b)) == 0;
  }
  const std::size_t last = text.size() - 8;
  const __m128i a = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from));
  const __m128i b = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from + last));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(to), a);
  _mm_storel_epi64(reinterpret_cast<__m128i*>(to + last), b);
  return escapes_in(_mm_unpacklo_epi64(a, b)) == 0;
}

char* put_escape(char* to, char c) {
  *to++ = '\\';
  switch (c) {
    case '"':
    case '\\':
      *to++ = c;
      return to;
    case '\b':
      *to++ = 'b';
      return to;
    case '\f':
      *to++ = 'f';
      return to;
    case '\n':
      *to++ = 'n';
      return to;
    case '\r':
      *to++ = 'r';
      return to;
    case '\t':
      *to++ = 't';
      return to;
    default:
      break;
  }
  to = put_text(to, "u00");
  *to++ = kHex[static_cast<std::uint8_t>(c) >> 4];
  *to++ = kHex[c & 15];
  return to;
}

}  // namespace

char* put_escaped(char* to, std::string_view text) {
  while (text.size() >= 32) {
    const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(text.data()));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), bytes);
    const std::uint32_t odd = escapes_in(bytes);
    if (odd == 0) [[likely]] {
      to += 32;
      text.remove_prefix(32);
      continue;
    }
    const auto clean = static_cast<std::size_t>(std::countr_zero(odd));
    to = put_escape(to + clean, text[clean]);
    text.remove_prefix(clean + 1);
  }
  if (text.size() >= 8 && copy_clean(to, text)) return to + text.size();
  for (const char c : text) {
    if (needs_escape(c)) [[unlikely]]
      to = put_escape(to, c);
    else
      *to++ = c;
  }
  return to;
}

char* put_double(char* to, double value) {
  if (std::isfinite(value)) return to + data::write_double(to, value);
  *to++ = '"';
  to += data::write_double(to, value);
  *to++ = '"';
  return to;
}

char* put_base64(char* to, std::string_view bytes) {
  static constexpr char kAlphabet[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::size_t n = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8 | (k < n ? static_cast<std::uint8_t>(bytes[i + k]) : 0);
    for (std::size_t k = 0; k < 4; ++k)
      *to++ = k <= n ? kAlphabet[group >> (18 - 6 * k) & 63] : '=';
  }
  return to;
}

}  // namespace penstock::format
