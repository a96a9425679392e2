// What admin routes take from paths, queries and bodies.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"

namespace penstock::manager {

// An app's name as it stands in resource paths.
Result<> check_app_name(std::string_view app);
// A measurement or digest: hex of kDigestBytesMin to Max bytes; lower-case.
Result<std::string> digest_text(std::string_view hex, std::string_view what);
// A member that may be missing, then "".
Result<std::string> optional_text(const Json& body, const char* member, std::size_t bytes_max);
Result<Json> parse_admin_body(std::string_view body);  // an object; an empty body is {}

struct AuditRange {
  std::int64_t from = 1;
  std::int64_t limit = 0;
};
Result<AuditRange> parse_audit_query(std::string_view query);

}  // namespace penstock::manager
