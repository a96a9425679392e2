#include "server/request_body.h"

#include <fmt/format.h>

#include "server/limits.h"

namespace penstock::server {
namespace {

constexpr std::string_view kWhat = "request body";

Result<Json> parse_object(std::string_view body) {
  Json json = TRY(parse_json(body, kWhat));
  if (!json.is_object()) {
    return fail(ErrorCode::invalid_argument, "request body: expected a JSON object");
  }
  return json;
}

// Numbers and booleans are allowed where a text is meant.
Result<std::string> property_text(const std::string& name, const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number() || value.is_boolean()) return value.dump();
  return fail(
      ErrorCode::invalid_argument,
      fmt::format("request body: property '{}' is neither text nor number nor boolean", name));
}

Result<> add_properties(const Json& body, const char* member, session::Properties& out) {
  const auto at = body.find(member);
  if (at == body.end() || at->is_null()) return {};
  if (!at->is_object()) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("request body: '{}' is not an object", member));
  }
  if (at->size() > kPropertiesMax) {
    return fail(ErrorCode::limit_exceeded,
                fmt::format("request body: '{}' has more than {} members", member, kPropertiesMax));
  }
  for (const auto& [name, value] : at->items()) {
    if (!value.is_null()) out[name] = TRY(property_text(name, value));
  }
  return {};
}

}  // namespace

Result<StatementRequest> parse_statement_request(std::string_view body) {
  const Json json = TRY(parse_object(body));
  const char* member = json.contains("ksql") ? "ksql" : "sql";
  if (!json.contains(member)) {
    return fail(ErrorCode::invalid_argument, "request body: member 'ksql' or 'sql' is missing");
  }
  StatementRequest out;
  out.text = TRY(json_string(json, kWhat, member));
  TRY(add_properties(json, "streamsProperties", out.properties));
  TRY(add_properties(json, "properties", out.properties));
  if (const auto at = json.find("signature"); at != json.end() && !at->is_null()) {
    out.signature = *at;
  }
  return out;
}

Result<std::string> parse_close_request(std::string_view body) {
  return json_string(TRY(parse_object(body)), kWhat, "queryId");
}

}  // namespace penstock::server
