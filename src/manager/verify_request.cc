#include "manager/verify_request.h"

#include <fmt/format.h>

#include "manager/measured_facts.h"
#include "manager/request_parts.h"

namespace penstock::manager {
namespace {

constexpr std::string_view kNoPolicy = "default";

std::unexpected<Error> bad_request(std::string_view problem) {
  return fail(ErrorCode::invalid_argument, fmt::format("body: {}", problem));
}

Result<> read_runtime_data(const Json& item, VerifyRequest& out) {
  const auto data = item.find("runtime_data");
  if (data == item.end() || !data->is_object() || data->size() != 1)
    return bad_request(
        "'runtime_data' must be {\"raw\": BASE64URL} or {\"structured\": {...}}: evidence that is "
        "bound to nothing says nothing");
  if (const auto raw = data->find("raw"); raw != data->end() && raw->is_string()) {
    out.runtime_data =
        std::string(as_text(TRY_IN(from_base64url(raw->get<std::string>()), "runtime_data")));
  } else if (const auto structured = data->find("structured");
             structured != data->end() && structured->is_object()) {
    out.runtime_data = TRY_IN(canonical_json(*structured), "runtime_data");
    out.runtime_claims = *structured;
  } else {
    return bad_request("'runtime_data' holds neither 'raw' nor 'structured'");
  }
  const std::string name = item.value("runtime_data_hash_algorithm", std::string("sha384"));
  for (const auto hash : {crypto::Hash::sha256, crypto::Hash::sha384, crypto::Hash::sha512}) {
    if (name != crypto::to_text(hash)) continue;
    out.hash = hash;
    return {};
  }
  return bad_request("'runtime_data_hash_algorithm' is none of sha256, sha384, sha512");
}

Result<> read_init_data(const Json& item, VerifyRequest& out) {
  const auto data = item.find("init_data");
  if (data == item.end() || data->is_null()) return {};
  if (!data->is_object() || data->size() != 1)
    return bad_request(
        "'init_data' must be {\"init_data_toml\": ...} or {\"init_data_digest\": ...}");
  if (data->contains("init_data_toml")) {
    const std::string text = TRY(json_string(*data, "init_data", "init_data_toml"));
    out.config_digest = TRY(unparsed_digest(text));
    return {};
  }
  const std::string text = TRY(json_string(*data, "init_data", "init_data_digest"));
  out.config_digest = TRY_IN(from_base64url(text), "init_data_digest");
  if (out.config_digest.size() < 32 || out.config_digest.size() > 64)
    return bad_request("'init_data_digest' is not of 32 to 64 bytes");
  return {};
}

}  // namespace

Result<VerifyRequest> parse_verify_request(std::string_view text) {
  const Json body = TRY(parse_admin_body(text));
  for (const auto& [name, value] : body.items())
    if (name != "verification_requests" && name != "policy_ids")
      return bad_request("a member that is not known");
  const auto list = body.find("verification_requests");
  if (list == body.end() || !list->is_array() || list->size() != 1 || !list->front().is_object())
    return bad_request("'verification_requests' must hold one request: one machine at a time");
  const Json& item = list->front();
  for (const auto& [name, value] : item.items())
    if (name != "tee" && name != "evidence" && name != "runtime_data" && name != "init_data" &&
        name != "runtime_data_hash_algorithm")
      return bad_request("a member of the request that is not known");
  VerifyRequest out;
  out.tee = TRY(json_string(item, "request", "tee"));
  const std::string evidence = TRY(json_string(item, "request", "evidence"));
  out.evidence = std::string(as_text(TRY_IN(from_base64url(evidence), "evidence")));
  if (const auto hash = item.find("runtime_data_hash_algorithm");
      hash != item.end() && !hash->is_string())
    return bad_request("'runtime_data_hash_algorithm' is not a text");
  TRY(read_runtime_data(item, out));
  TRY(read_init_data(item, out));
  if (const auto ids = body.find("policy_ids"); ids != body.end()) {
    if (!ids->is_array() || ids->size() > 1 || (!ids->empty() && !ids->front().is_string()))
      return bad_request("'policy_ids' must name one app at most");
    if (!ids->empty() && ids->front() != kNoPolicy) out.policy = ids->front().get<std::string>();
  }
  return out;
}
}  // namespace penstock::manager
