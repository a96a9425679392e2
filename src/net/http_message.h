// Requests and answers of HTTP/1.1 as values (RFC 9110, 9112).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace penstock::net {

struct HttpField {
  std::string name;
  std::string value;
};
using HttpFields = std::vector<HttpField>;

// The first field of that name (any case); empty if there is none.
std::string_view find_field(const HttpFields& fields, std::string_view name);

struct HttpRequest {
  std::string method = {};  // "GET", as sent
  std::string path = {};    // of the target, percent-decoded, begins with '/'
  std::string query = {};   // behind '?', as sent
  HttpFields fields = {};
  std::string body = {};
  std::string peer = {};  // at a server: who sent it, as quotas count (an address, an IPv6 /64)

  std::string_view field(std::string_view name) const { return find_field(fields, name); }
};

struct HttpResponse {
  int status = 0;
  HttpFields fields = {};
  std::string body = {};

  std::string_view field(std::string_view name) const { return find_field(fields, name); }
};

// "Not Found"; "Unknown" for numbers that have no name here.
std::string_view reason_phrase(int status);

// Takes a request target apart: origin form, absolute form (its authority is ignored), or "*".
// invalid_argument: broken percent escapes, control characters.
struct RequestTarget {
  std::string path;
  std::string query;
};
Result<RequestTarget> parse_target(std::string_view target);

// Fields must have been checked: no line breaks in names and values (CHECKed).
std::string serialize_head(int status, const HttpFields& fields);
std::string serialize_request(const HttpRequest& request, std::string_view host);

// One chunk of the chunked transfer coding (RFC 9112, 7.1); nothing for an empty piece, which would
// end the body.
void append_chunk(std::string& out, std::string_view piece);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace penstock::net
