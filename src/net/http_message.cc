#include "net/http_message.h"

#include <array>

#include <fmt/format.h>

#include "base/check.h"

namespace penstock::net {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (lower(c) >= 'a' && lower(c) <= 'f') return lower(c) - 'a' + 10;
  return -1;
}

Result<std::string> percent_decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0 || (high == 0 && low == 0)) {
      return fail(ErrorCode::invalid_argument,
                  fmt::format("request target: broken percent escape at byte {}", i));
    }
    out.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return out;
}

bool is_clean(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

void append_fields(std::string& out, const HttpFields& fields) {
  for (const HttpField& field : fields) {
    CHECK(is_clean(field.name) && is_clean(field.value));
    out += field.name;
    out += ": ";
    out += field.value;
    out += "\r\n";
  }
  out += "\r\n";
}

}  // namespace

std::string_view find_field(const HttpFields& fields, std::string_view name) {
  for (const HttpField& field : fields) {
    if (same_name(field.name, name)) return field.value;
  }
  return {};
}

std::string_view reason_phrase(int status) {
  struct Row {
    int status;
    std::string_view phrase;
  };
  static constexpr std::array kRows = {
      Row{100, "Continue"},
      Row{200, "OK"},
      Row{307, "Temporary Redirect"},
      Row{400, "Bad Request"},
      Row{401, "Unauthorized"},
      Row{403, "Forbidden"},
      Row{404, "Not Found"},
      Row{405, "Method Not Allowed"},
      Row{406, "Not Acceptable"},
      Row{408, "Request Timeout"},
      Row{409, "Conflict"},
      Row{413, "Content Too Large"},
      Row{417, "Expectation Failed"},
      Row{429, "Too Many Requests"},
      Row{431, "Request Header Fields Too Large"},
      Row{500, "Internal Server Error"},
      Row{501, "Not Implemented"},
      Row{503, "Service Unavailable"},
      Row{504, "Gateway Timeout"},
      Row{505, "HTTP Version Not Supported"},
      Row{507, "Insufficient Storage"},
  };
  for (const Row& row : kRows) {
    if (row.status == status) return row.phrase;
  }
  return "Unknown";
}

Result<RequestTarget> parse_target(std::string_view target) {
  for (const char c : target) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f) {
      return fail(ErrorCode::invalid_argument, "request target: control character or space");
    }
  }
  if (const auto scheme = target.find("://");
      scheme != std::string_view::npos && target.find_first_of("/?") > scheme) {
    const auto path = target.find_first_of("/?", scheme + 3);
    target = path == std::string_view::npos ? std::string_view("/") : target.substr(path);
  }
  RequestTarget out;
  const auto mark = target.find('?');
  if (mark != std::string_view::npos) out.query = target.substr(mark + 1);
  out.path = TRY(percent_decoded(target.substr(0, mark)));
  if (out.path.empty()) out.path = "/";
  if (out.path[0] != '/' && out.path != "*") {
    return fail(ErrorCode::invalid_argument,
                "request target: expected a path that begins with '/'");
  }
  return out;
}

std::string serialize_head(int status, const HttpFields& fields) {
  std::string out = fmt::format("HTTP/1.1 {} {}\r\n", status, reason_phrase(status));
  append_fields(out, fields);
  return out;
}

std::string serialize_request(const HttpRequest& request, std::string_view host) {
  CHECK(is_clean(request.method) && is_clean(request.path) && is_clean(request.query));
  std::string out = fmt::format("{} {}{}{} HTTP/1.1\r\n", request.method, request.path,
                                request.query.empty() ? "" : "?", request.query);
  HttpFields fields = {{"Host", std::string(host)}};
  fields.insert(fields.end(), request.fields.begin(), request.fields.end());
  if (!request.body.empty() || request.method == "POST") {
    fields.push_back({"Content-Length", std::to_string(request.body.size())});
  }
  append_fields(out, fields);
  out += request.body;
  return out;
}

void append_chunk(std::string& out, std::string_view piece) {
  if (piece.empty()) return;
  fmt::format_to(std::back_inserter(out), "{:x}\r\n", piece.size());
  out += piece;
  out += "\r\n";
}

}  // namespace penstock::net
