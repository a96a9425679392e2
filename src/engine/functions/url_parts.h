// The parts of a URL (RFC 3986).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace penstock::engine::functions {

// Views into the text, still percent-encoded.
struct UrlParts {
  std::optional<std::string_view> scheme, host, query, fragment;
  std::string_view path;
  std::optional<std::int32_t> port;
};

// nullopt when the text holds characters that no URL may, a broken percent-encoding or a broken
// port.
std::optional<UrlParts> parse_url(std::string_view text);

// The value behind `name` in a query, still encoded; nullopt when it is absent.
std::optional<std::string_view> query_parameter(std::string_view query, std::string_view name);

// Percent-decoding; out has room for the text's size. Returns the end, or nullptr when malformed.
// Plus signs are blanks in forms.
char* decode_percent(char* out, std::string_view text, bool plus_is_blank);

// Encodes as forms do: letters, digits and -_.* stay, blanks become +. out has room for three times
// the size. Returns the end.
char* encode_form(char* out, std::string_view text);

}  // namespace penstock::engine::functions
