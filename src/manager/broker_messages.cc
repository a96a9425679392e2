#include "manager/broker_messages.h"

#include <algorithm>

#include <fmt/format.h>

#include "keys/limits.h"
#include "keys/manager_ca.h"
#include "manager/limits.h"

namespace penstock::manager {
namespace {

constexpr std::string_view kErrorBase = "https://github.com/confidential-containers/kbs/errors/";
constexpr JsonLimits kBodyLimits{.bytes_max = kBodyBytesMax, .depth_max = kBodyDepthMax};
constexpr std::size_t kVersionBytesMax = 32;
constexpr std::size_t kNonceBytesMax = 256;

bool is_plain(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_' || c == '+';
  });
}

// 0.4 and any patch of it.
bool is_known_version(std::string_view version) {
  constexpr std::string_view kPrefix = "0.4.";
  if (!version.starts_with(kPrefix)) return false;
  const std::string_view patch = version.substr(kPrefix.size());
  return !patch.empty() && patch.size() <= 4 &&
         std::ranges::all_of(patch, [](char c) { return c >= '0' && c <= '9'; });
}

Result<std::string> short_text(const Json& object, std::string_view what, const char* member,
                               std::size_t bytes_max) {
  std::string text = TRY(json_string(object, what, member));
  if (text.empty() || text.size() > bytes_max) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: member '{}' must have 1 to {} bytes, has {}", what, member,
                            bytes_max, text.size()));
  }
  return text;
}

Result<const Json*> object_member(const Json& object, std::string_view what, const char* member) {
  const auto found = object.find(member);
  if (found == object.end() || !found->is_object()) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: member '{}' must be an object", what, member));
  }
  return &*found;
}

Result<Json> parse_body(std::string_view body, std::string_view what) {
  Json json = TRY(parse_json(body, what, kBodyLimits));
  if (!json.is_object())
    return fail(ErrorCode::invalid_argument, fmt::format("{}: must be a JSON object", what));
  return json;
}

Result<std::optional<std::string>> initdata_in(const Json& body) {
  const auto found = body.find("init-data");
  if (found == body.end() || found->is_null()) return std::nullopt;
  if (!found->is_object())
    return fail(ErrorCode::invalid_argument,
                "attest: member 'init-data' must be an object or null");
  const std::string format = TRY(json_string(*found, "attest: init-data", "format"));
  if (format != "toml")
    return fail(ErrorCode::unsupported, "attest: init-data: only the format 'toml' is taken");
  return TRY(json_string(*found, "attest: init-data", "body"));
}

// Text with JSON inside; upstream's guests also leave it out or send null.
Result<std::string> additional_in(const Json& evidence) {
  const auto found = evidence.find("additional_evidence");
  if (found == evidence.end() || found->is_null()) return std::string();
  return json_string(evidence, "attest: tee-evidence", "additional_evidence");
}

}  // namespace

Result<AuthRequest> parse_auth_request(std::string_view body) {
  const Json json = TRY(parse_body(body, "auth"));
  AuthRequest request;
  request.version = TRY(json_string(json, "auth", "version"));
  if (!is_known_version(request.version)) {
    const bool shown = request.version.size() <= kVersionBytesMax && is_plain(request.version);
    return fail(ErrorCode::unauthenticated,
                fmt::format("protocol version '{}' is not spoken here, {} is",
                            shown ? request.version : "(unreadable)", kProtocolVersion));
  }
  request.tee = TRY(short_text(json, "auth", "tee", kTeeNameBytesMax));
  if (!is_plain(request.tee))
    return fail(ErrorCode::invalid_argument, "auth: member 'tee' is no name of a TEE");
  if (const auto extra = json.find("extra-params"); extra != json.end())
    request.extra_params = *extra;
  return request;
}

Result<AttestRequest> parse_attest_request(std::string_view body) {
  const Json json = TRY(parse_body(body, "attest"));
  const Json& runtime = *TRY(object_member(json, "attest", "runtime-data"));
  const Json& jwk = *TRY(object_member(runtime, "attest: runtime-data", "tee-pubkey"));
  const Json& evidence = *TRY(object_member(json, "attest", "tee-evidence"));
  const Json& primary = *TRY(object_member(evidence, "attest: tee-evidence", "primary_evidence"));
  std::string nonce = TRY(short_text(runtime, "attest: runtime-data", "nonce", kNonceBytesMax));
  auto key = TRY(crypto::JweRecipient::from_jwk(jwk, "attest: tee-pubkey"));
  auto additional = TRY(additional_in(evidence));
  auto initdata = TRY(initdata_in(json));
  return AttestRequest{.nonce = std::move(nonce),
                       .key = std::move(key),
                       .evidence = primary.dump(),
                       .additional = std::move(additional),
                       .initdata = std::move(initdata)};
}

Result<LeaseRequest> parse_lease_request(std::string_view body) {
  const Json json = TRY(parse_body(body, "lease"));
  LeaseRequest request;
  const std::string step = TRY(json_string(json, "lease", "step"));
  if (step == "renew") {
    request.step = LeaseRequest::Step::renew;
  } else if (step == "stop") {
    request.step = LeaseRequest::Step::stop;
  } else if (step != "start") {
    return fail(ErrorCode::invalid_argument, "lease: member 'step' must be start, renew or stop");
  }
  request.instance = TRY(json_string(json, "lease", "instance"));
  if (request.instance.size() > keys::kSegmentBytesMax || !is_plain(request.instance))
    return fail(ErrorCode::invalid_argument, "lease: member 'instance' is no name of a process");
  request.term = TRY(json_integer(json, "lease", "term"));
  const Json& checkpoint = *TRY(object_member(json, "lease", "checkpoint"));
  request.checkpoint = TRY(keys::parse_held_checkpoint(checkpoint, "lease: checkpoint"));
  return request;
}

Result<CertificateCall> parse_certificate_call(std::string_view body) {
  const Json json = TRY(parse_body(body, "certificate"));
  const std::string text = TRY(json_string(json, "certificate", "csr"));
  const auto der = from_base64(text);
  if (!der) return fail(ErrorCode::invalid_argument, "certificate: member 'csr' must be base64");
  auto request = TRY_IN(crypto::read_certificate_request(*der), "csr");
  const std::int64_t life_s = TRY(json_integer(json, "certificate", "life_s"));
  if (life_s < keys::kWorkloadSecondsMin || life_s > keys::kWorkloadSecondsMax) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("certificate: member 'life_s' must be {} to {} seconds",
                            keys::kWorkloadSecondsMin, keys::kWorkloadSecondsMax));
  }
  return CertificateCall{std::move(request), life_s};
}

std::string broker_error(std::string_view kind, std::string_view detail) {
  const Json body = {{"type", fmt::format("{}{}", kErrorBase, kind)}, {"detail", detail}};
  return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace penstock::manager
