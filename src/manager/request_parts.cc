#include "manager/request_parts.h"

#include <charconv>

#include <fmt/format.h>

#include "base/bytes.h"
#include "keys/resource.h"
#include "manager/limits.h"

namespace penstock::manager {

Result<> check_app_name(std::string_view app) {
  if (app.find('/') == std::string_view::npos &&
      keys::ResourcePath::parse(fmt::format("{}/x/x", app)))
    return {};
  return fail(ErrorCode::invalid_argument,
              "the app's name must be letters, digits, '_', '-' and '.', the first one not a '.', "
              "at most 128 of them");
}

Result<std::string> digest_text(std::string_view hex, std::string_view what) {
  const auto bytes = from_hex(hex);
  if (!bytes || bytes->size() < kDigestBytesMin || bytes->size() > kDigestBytesMax) {
    return fail(ErrorCode::invalid_argument, fmt::format("{}: expected {} to {} bytes in hex", what,
                                                         kDigestBytesMin, kDigestBytesMax));
  }
  return to_hex(*bytes);
}

Result<std::string> optional_text(const Json& body, const char* member, std::size_t bytes_max) {
  if (!body.contains(member)) return std::string();
  std::string text = TRY(json_string(body, "body", member));
  if (text.size() > bytes_max) {
    return fail(ErrorCode::limit_exceeded,
                fmt::format("body: member '{}' is longer than {} bytes", member, bytes_max));
  }
  return text;
}

Result<Json> parse_admin_body(std::string_view body) {
  if (body.empty()) return Json::object();
  Json json =
      TRY(parse_json(body, "body", {.bytes_max = kBodyBytesMax, .depth_max = kBodyDepthMax}));
  if (!json.is_object()) return fail(ErrorCode::invalid_argument, "body: must be a JSON object");
  return json;
}

Result<AuditRange> parse_audit_query(std::string_view query) {
  AuditRange range{1, kAuditPageDefault};
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const std::size_t equals = pair.find('=');
    const std::string_view name = pair.substr(0, equals);
    const std::string_view text =
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    std::int64_t value = 0;
    const auto [stop, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool number = code == std::errc() && stop == text.data() + text.size() && value >= 1;
    if (!number || (name != "from" && name != "limit")) {
      return fail(ErrorCode::invalid_argument,
                  "query: expected from=SEQUENCE and limit=COUNT, both at least 1");
    }
    (name == "from" ? range.from : range.limit) = value;
  }
  range.limit = std::min(range.limit, kAuditPageMax);
  return range;
}

}  // namespace penstock::manager
