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

// Bits of the 16 bytes at `at` that need an escape.
std::uint32_t escapes16(const char* at) {
  __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  __m128i odd = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1F)), bytes);
  odd = _mm_or_si128(odd, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')));
  odd = _mm_or_si128(odd, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
  return static_cast<std::uint32_t>(_mm_movemask_epi8(odd));
}

// Number of leading bytes that can be copied as they are. Reads nothing beyond the text.
std::size_t clean_prefix(std::string_view text) {
  std::size_t at = 0;
  if (text.size() >= 16) {
    for (; at + 16 <= text.size(); at += 16)
      if (std::uint32_t odd = escapes16(text.data() + at)) return at + std::countr_zero(odd);
    if (at == text.size()) return at;
    // The last bytes once more with some before them, which are known to be clean.
    std::size_t last = text.size() - 16;
    std::uint32_t odd = escapes16(text.data() + last);
    return odd == 0 ? text.size() : last + std::countr_zero(odd);
  }
  while (at < text.size() && !needs_escape(text[at])) ++at;
  return at;
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
  while (true) {
    std::size_t clean = clean_prefix(text);
    to = put_text(to, text.substr(0, clean));
    if (clean == text.size()) return to;
    to = put_escape(to, text[clean]);
    text.remove_prefix(clean + 1);
  }
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
