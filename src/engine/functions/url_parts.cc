#include "engine/functions/url_parts.h"
#include "base/ascii.h"

#include <charconv>

namespace penstock::engine::functions {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
int percent_value(std::string_view text, std::size_t at) {
  if (at + 2 >= text.size()) return -1;
  const int high = hex_digit(text[at + 1]), low = hex_digit(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high << 4 | low;
}

bool is_allowed(char c) {
  constexpr std::string_view refused = " \"<>\\^`{|}";
  const auto byte = static_cast<unsigned char>(c);
  return byte > ' ' && byte != 0x7F && refused.find(c) == kNone;
}

bool is_well_formed(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (!is_allowed(text[at])) return false;
    if (text[at] == '%' && percent_value(text, at) < 0) return false;
  }
  return true;
}

// Takes "scheme:" off the front.
std::optional<std::string_view> take_scheme(std::string_view& rest) {
  if (rest.empty() || !is_letter(rest[0])) return std::nullopt;
  for (std::size_t at = 1; at < rest.size(); ++at) {
    const char c = rest[at];
    if (c == ':') {
      const std::string_view scheme = rest.substr(0, at);
      rest.remove_prefix(at + 1);
      return scheme;
    }
    if (!is_letter(c) && !is_digit(c) && c != '+' && c != '-' && c != '.') return std::nullopt;
  }
  return std::nullopt;
}

// [user@]host[:port]; false when the port is broken.
bool parse_authority(std::string_view authority, UrlParts& parts) {
  if (const std::size_t at = authority.rfind('@'); at != kNone) authority.remove_prefix(at + 1);
  const std::size_t bracket = authority.rfind(']');
  const std::size_t colon = authority.find(':', bracket == kNone ? 0 : bracket);
  if (const std::string_view host = authority.substr(0, colon); !host.empty()) parts.host = host;
  if (colon == kNone || colon + 1 == authority.size()) return true;
  std::int32_t port = 0;
  const char* end = authority.data() + authority.size();
  auto [at, error] = std::from_chars(authority.data() + colon + 1, end, port);
  if (error != std::errc() || at != end || port < 0) return false;
  parts.port = port;
  return true;
}

}  // namespace

std::optional<UrlParts> parse_url(std::string_view text) {
  if (!is_well_formed(text)) return std::nullopt;
  UrlParts parts;
  std::string_view rest = text;
  if (const std::size_t at = rest.find('#'); at != kNone) {
    parts.fragment = rest.substr(at + 1);
    rest = rest.substr(0, at);
  }
  parts.scheme = take_scheme(rest);
  if (const std::size_t at = rest.find('?'); at != kNone) {
    parts.query = rest.substr(at + 1);
    rest = rest.substr(0, at);
  }
  if (rest.starts_with("//")) {
    rest.remove_prefix(2);
    const std::size_t end = rest.find('/');
    if (!parse_authority(rest.substr(0, end), parts)) return std::nullopt;
    rest = end == kNone ? std::string_view() : rest.substr(end);
  }
  // Brackets are of an address in the host, of a query or a fragment.
  if (rest.find_first_of("[]") != kNone) return std::nullopt;
  parts.path = rest;
  return parts;
}

std::optional<std::string_view> query_parameter(std::string_view query, std::string_view name) {
  while (true) {
    const std::size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    const std::size_t equals = pair.find('=');
    if (pair.substr(0, equals) == name)
      return equals == kNone ? std::string_view() : pair.substr(equals + 1);
    if (end == kNone) return std::nullopt;
    query.remove_prefix(end + 1);
  }
}

char* decode_percent(char* out, std::string_view text, bool plus_is_blank) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '%') {
      const int value = percent_value(text, at);
      if (value < 0) return nullptr;
      *out++ = static_cast<char>(value);
      at += 2;
    } else {
      *out++ = plus_is_blank && text[at] == '+' ? ' ' : text[at];
    }
  }
  return out;
}

char* encode_form(char* out, std::string_view text) {
  constexpr std::string_view plain = "-_.*";
  for (char c : text) {
    if (is_letter(c) || is_digit(c) || plain.find(c) != kNone) {
      *out++ = c;
    } else if (c == ' ') {
      *out++ = '+';
    } else {
      const auto byte = static_cast<unsigned char>(c);
      *out++ = '%';
      *out++ = "0123456789ABCDEF"[byte >> 4];
      *out++ = "0123456789ABCDEF"[byte & 15];
    }
  }
  return out;
}

}  // namespace penstock::engine::functions
