#include "format/json_scan.h"

#include <cstring>
#include <string_view>

#include "format/json_text.h"
#include "format/limits.h"

namespace penstock::format {
namespace {

bool is_simple_escape(std::uint8_t c) {
  return c == '"' || c == '\\' || c == '/' || c == 'b' || c == 'f' || c == 'n' || c == 'r' ||
         c == 't';
}

const std::uint8_t* skip_blanks(const std::uint8_t* at, const std::uint8_t* end) {
  while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) ++at;
  return at;
}

// Behind a string, a number without exponent or a word; nullptr: it is none of these, or unusual.
const std::uint8_t* scalar_end(const std::uint8_t* at, const std::uint8_t* end) {
  if (*at == '"') {
    const std::uint8_t* stop = string_end(at + 1, end);
    if (stop == nullptr) stop = escaped_string_end(at + 1, end);
    return stop == nullptr ? nullptr : stop + 1;
  }
  if (*at == '-' || (*at >= '0' && *at <= '9')) {
    const std::uint8_t* digits = at + (*at == '-');
    const std::uint8_t* stop = skip_digits(digits, end);
    if (stop == digits || (*digits == '0' && stop != digits + 1)) return nullptr;
    if (stop < end && *stop == '.') {
      const std::uint8_t* fraction = stop + 1;
      stop = skip_digits(fraction, end);
      if (stop == fraction) return nullptr;
    }
    return stop < end && (*stop == 'e' || *stop == 'E') ? nullptr : stop;
  }
  for (const std::string_view word :
       {std::string_view("true"), std::string_view("false"), std::string_view("null")})
    if (static_cast<std::size_t>(end - at) >= word.size() &&
        std::memcmp(at, word.data(), word.size()) == 0)
      return at + word.size();
  return nullptr;
}

}  // namespace

const std::uint8_t* escaped_string_end(const std::uint8_t* at, const std::uint8_t* end) {
  std::uint64_t beyond_ascii = 0;
  bool by_number = false;  // has \u, of which unescape_json() knows what is good
  const std::uint8_t* block = at;
  while (block < end) {
    StringBytes bytes(block);
    if (bytes.stops == 0) {
      beyond_ascii |= bytes.high;
      block += 64;
      continue;
    }
    const int offset = std::countr_zero(bytes.stops);
    const std::uint8_t* stop = block + offset;
    beyond_ascii |= bytes.high & ((std::uint64_t{1} << offset) - 1);
    if (stop >= end) return nullptr;
    if (*stop == '"') {
      const std::string_view contents(chars(at), static_cast<std::size_t>(stop - at));
      if (beyond_ascii != 0 && !simdjson::validate_utf8(contents.data(), contents.size()))
        return nullptr;
      return by_number && !unescape_json(contents, nullptr) ? nullptr : stop;
    }
    if (*stop != '\\' || stop + 1 >= end) return nullptr;
    if (stop[1] == 'u')
      by_number = true;
    else if (!is_simple_escape(stop[1]))
      return nullptr;
    block = stop + 2;
  }
  return nullptr;
}

const std::uint8_t* nested_end(const std::uint8_t* at, const std::uint8_t* end) {
  std::uint64_t objects = 0;  // bit stack: 1 = object; the lowest bit is the innermost
  std::size_t depth = 0;
  bool value_wanted = true, may_close = false;
  do {
    at = skip_blanks(at, end);
    if (at >= end) return nullptr;
    const bool in_object = (objects & 1) != 0;
    if (depth > 0 && *at == (in_object ? '}' : ']') && (may_close || !value_wanted)) {
      objects >>= 1;
      --depth;
      ++at;
      value_wanted = false;
      continue;
    }
    if (depth > 0 && !value_wanted) {
      if (*at != ',') return nullptr;
      at = skip_blanks(at + 1, end);
      if (at >= end) return nullptr;
    }
    may_close = false;
    if (depth > 0 && in_object) {  // a name comes first
      if (*at != '"') return nullptr;
      at = scalar_end(at, end);
      if (at == nullptr) return nullptr;
      at = skip_blanks(at, end);
      if (at >= end || *at != ':') return nullptr;
      at = skip_blanks(at + 1, end);
      if (at >= end) return nullptr;
    }
    if (*at == '{' || *at == '[') {
      if (++depth + 1 > kJsonDepthMax) return nullptr;
      objects = objects << 1 | (*at == '{');
      ++at;
      value_wanted = true;
      may_close = true;
    } else {
      at = scalar_end(at, end);
      if (at == nullptr) return nullptr;
      value_wanted = false;
    }
  } while (depth > 0);
  return at;
}

}  // namespace penstock::format
