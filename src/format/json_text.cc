#include "format/json_text.h"
#include "base/ascii.h"

#include <cstdint>
#include <cstring>

namespace penstock::format {
namespace {

// Position behind the digits from `at`; `at` itself when there is none.
std::size_t skip_digits(std::string_view text, std::size_t at) {
  while (at < text.size() && is_digit(text[at])) ++at;
  return at;
}

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The four hex digits at `at`.
std::optional<std::uint32_t> hex4(std::string_view text, std::size_t at) {
  if (at + 4 > text.size()) return std::nullopt;
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    int digit = hex_value(text[at + i]);
    if (digit < 0) return std::nullopt;
    value = value << 4 | static_cast<std::uint32_t>(digit);
  }
  return value;
}

// \uXXXX, or a pair of them, at `at` (behind the u); moves `at` behind it.
std::optional<std::uint32_t> code_point(std::string_view text, std::size_t& at) {
  auto first = hex4(text, at);
  if (!first) return std::nullopt;
  at += 4;
  if (*first < 0xD800 || *first > 0xDFFF) return first;
  if (*first > 0xDBFF || at + 6 > text.size() || text[at] != '\\' || text[at + 1] != 'u')
    return std::nullopt;
  auto second = hex4(text, at + 2);
  if (!second || *second < 0xDC00 || *second > 0xDFFF) return std::nullopt;
  at += 6;
  return 0x10000 + ((*first - 0xD800) << 10) + (*second - 0xDC00);
}

std::size_t encode_utf8(std::uint32_t c, char* out) {
  char bytes[4];
  std::size_t n = 0;
  if (c < 0x80) {
    bytes[n++] = static_cast<char>(c);
  } else if (c < 0x800) {
    bytes[n++] = static_cast<char>(0xC0 | c >> 6);
  } else if (c < 0x10000) {
    bytes[n++] = static_cast<char>(0xE0 | c >> 12);
    bytes[n++] = static_cast<char>(0x80 | (c >> 6 & 63));
  } else {
    bytes[n++] = static_cast<char>(0xF0 | c >> 18);
    bytes[n++] = static_cast<char>(0x80 | (c >> 12 & 63));
    bytes[n++] = static_cast<char>(0x80 | (c >> 6 & 63));
  }
  if (c >= 0x80) bytes[n++] = static_cast<char>(0x80 | (c & 63));
  if (out != nullptr) std::memcpy(out, bytes, n);
  return n;
}

char simple_escape(char c) {
  switch (c) {
    case '"':
      return '"';
    case '\\':
      return '\\';
    case '/':
      return '/';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return 0;
  }
}

}  // namespace

bool is_json_number(std::string_view text) {
  std::size_t at = !text.empty() && text[0] == '-';
  std::size_t end = skip_digits(text, at);
  if (end == at || (text[at] == '0' && end != at + 1)) return false;
  at = end;
  if (at < text.size() && text[at] == '.') {
    end = skip_digits(text, at + 1);
    if (end == at + 1) return false;
    at = end;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    end = skip_digits(text, at);
    if (end == at) return false;
    at = end;
  }
  return at == text.size();
}

std::optional<std::size_t> unescape_json(std::string_view text, char* out) {
  std::size_t size = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    const void* found = std::memchr(text.data() + at, '\\', text.size() - at);
    std::size_t run =
        found == nullptr
            ? text.size() - at
            : static_cast<std::size_t>(static_cast<const char*>(found) - (text.data() + at));
    if (out != nullptr) std::memcpy(out + size, text.data() + at, run);
    size += run;
    at += run;
    if (at == text.size()) break;
    if (at + 1 == text.size()) return std::nullopt;
    char escape = text[at + 1];
    at += 2;
    if (escape == 'u') {
      auto c = code_point(text, at);
      if (!c) return std::nullopt;
      size += encode_utf8(*c, out == nullptr ? nullptr : out + size);
      continue;
    }
    char plain = simple_escape(escape);
    if (plain == 0) return std::nullopt;
    if (out != nullptr) out[size] = plain;
    ++size;
  }
  return size;
}

}  // namespace penstock::format
