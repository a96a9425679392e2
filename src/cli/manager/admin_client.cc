#include "cli/manager/admin_client.h"

#include <fmt/format.h>

#include "base/clock.h"
#include "cli/http_error.h"
#include "cli/limits.h"
#include "keys/owner_token.h"
#include "keys/resource.h"

namespace penstock::cli {
namespace {

std::optional<ErrorCode> code_named(std::string_view name) {
  for (auto i = 0; i <= static_cast<int>(ErrorCode::internal); ++i) {
    auto code = static_cast<ErrorCode>(i);
    if (facts_of(code).name == name) return code;
  }
  return std::nullopt;
}

net::HttpClientOptions client_options_of(std::shared_ptr<const net::TlsTrust> trust) {
  net::HttpClientOptions options;
  options.trust = std::move(trust);
  return options;
}

void wipe_text(std::string& text) {
  wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
}

}  // namespace

Error admin_error(int status, std::string_view body) {
  Json json = Json::parse(body, nullptr, false);
  const bool ours = json.is_object() && json.contains("message") && json["message"].is_string();
  if (!ours)
    return {code_of_status(status),
            fmt::format("the manager answered {} {}; is this a penstock-manager?", status,
                        net::reason_phrase(status))};
  std::optional<ErrorCode> code;
  if (json.contains("code") && json["code"].is_string())
    code = code_named(json["code"].get_ref<const std::string&>());
  return {code.value_or(code_of_status(status)),
          fmt::format("the manager says: {}", json["message"].get_ref<const std::string&>())};
}

Result<> check_app_name(std::string_view app) {
  const auto path = keys::ResourcePath::parse(fmt::format("{}/x/x", app));
  if (path && path->app == app) return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("'{}' cannot be an app's name: letters, digits, '_', '-' and '.', the "
                          "first one not a '.'",
                          app));
}

AdminClient::AdminClient(AdminAddress address)
    : login_(std::move(address.login)),
      pin_(std::move(address.pin)),
      client_(std::move(address.manager), client_options_of(std::move(address.trust))) {}

Result<Json> AdminClient::get(std::string path, std::string query) {
  return call({.method = "GET", .path = std::move(path), .query = std::move(query)});
}

Result<Json> AdminClient::post(std::string path, const Json& body) {
  return call({.method = "POST",
               .path = std::move(path),
               .fields = {{"Content-Type", "application/json"}},
               .body = body.dump()});
}

Result<Json> AdminClient::put(std::string path, const Json& body) {
  return call({.method = "PUT",
               .path = std::move(path),
               .fields = {{"Content-Type", "application/json"}},
               .body = body.dump()});
}

Result<Json> AdminClient::put_bytes(std::string path, ByteView bytes) {
  return call({.method = "PUT",
               .path = std::move(path),
               .fields = {{"Content-Type", "application/octet-stream"}},
               .body = std::string(as_text(bytes))});
}

Result<Json> AdminClient::remove(std::string path) {
  return call({.method = "DELETE", .path = std::move(path)});
}

// A token serves for one call: it names what is called, with what body, and at which manager.
Result<std::string> AdminClient::authorization(const net::HttpRequest& request) const {
  if (const auto* token = std::get_if<SecretBuffer>(&login_))
    return fmt::format("Bearer {}", as_text(token->view()));
  return "Bearer " + TRY(keys::sign_owner_token(
                         pin_, request.method, keys::request_target(request.path, request.query),
                         as_bytes(request.body), system_clock().now_ms(),
                         std::get<crypto::P256PrivateKey>(login_), crypto::system_random()));
}

Result<Json> AdminClient::call(net::HttpRequest request) {
  request.fields.push_back({"Accept", "application/json"});
  std::string login = TRY(authorization(request));
  request.fields.push_back({"Authorization", std::move(login)});
  Result<net::HttpResponse> response = client_.call(request);
  wipe_text(request.fields.back().value);
  wipe_text(request.body);
  if (!response && response.error().code() == ErrorCode::unavailable)
    return fail(
        ErrorCode::unavailable,
        fmt::format("{} (`penstock-manager --data DIR` starts a manager; --manager URL says "
                    "where it listens)",
                    response.error().text()));
  if (!response) return fail(std::move(response).error());
  if (response->status >= 300) return fail(admin_error(response->status, response->body));
  if (response->body.empty()) return Json();
  Result<Json> json =
      parse_json(response->body, "the manager's answer", {.bytes_max = kAnswerBytesMax});
  wipe_text(response->body);
  return json;
}

}  // namespace penstock::cli
