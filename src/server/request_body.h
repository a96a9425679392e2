// JSON bodies of requests.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "session/session.h"

namespace penstock::server {

struct StatementRequest {
  std::string text;
  session::Properties properties;
  std::optional<Json> signature;  // as it came: a keys::StatementSignature
};

// {"ksql"|"sql": text, "streamsProperties"|"properties": {...}, ...}; both spellings everywhere, as
// some clients mix them up. Members without a meaning here are taken and passed over. The body is
// JSON whatever its Content-Type says.
Result<StatementRequest> parse_statement_request(std::string_view body);

// {"queryId": text}
Result<std::string> parse_close_request(std::string_view body);

}  // namespace penstock::server
