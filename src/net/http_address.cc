#include <fmt/format.h>

#include "net/http_client.h"

namespace penstock::net {

std::string HttpAddress::text() const {
  const bool v6 = host.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", v6 ? "[" : "", host, v6 ? "]" : "", port);
}

std::string HttpAddress::url() const {
  return (tls ? "https://" : "http://") + text();
}

Result<HttpAddress> parse_http_address(std::string_view url) {
  const auto bad = [&](std::string_view why) {
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("server address '{}': {}; expected http://HOST:PORT or https://HOST:PORT", url,
                    why));
  };
  std::string_view rest = url;
  HttpAddress out;
  out.tls = rest.starts_with("https://");
  if (out.tls) out.port = 443;
  const bool with_scheme = out.tls || rest.starts_with("http://");
  if (with_scheme) rest.remove_prefix(rest.find("//") + 2);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.find('/') != std::string_view::npos) return bad("a path is not allowed");
  std::string_view port;
  if (rest.starts_with('[')) {
    const auto close = rest.find(']');
    if (close == std::string_view::npos) return bad("']' is missing");
    out.host = rest.substr(1, close - 1);
    rest.remove_prefix(close + 1);
    if (!rest.empty() && rest[0] != ':') return bad("unexpected text after ']'");
    port = rest.empty() ? rest : rest.substr(1);
  } else {
    const auto colon = rest.find(':');
    out.host = rest.substr(0, colon);
    if (colon != std::string_view::npos) port = rest.substr(colon + 1);
  }
  if (out.host.empty() || out.host.find_first_of(" \t\r\n@?#") != std::string::npos) {
    return bad("no host");
  }
  if (port.empty()) {
    if (!with_scheme) return bad("no port");
    return out;
  }
  unsigned value = 0;
  for (const char c : port) {
    if (c < '0' || c > '9' || value > 65535) return bad("the port is not a number from 1 to 65535");
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  if (value == 0 || value > 65535) return bad("the port is not a number from 1 to 65535");
  out.port = static_cast<std::uint16_t>(value);
  return out;
}

}  // namespace penstock::net
