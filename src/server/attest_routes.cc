// Proof of what runs here: POST /penstock/attest.
#include <fmt/format.h>

#include "attest/report_data.h"
#include "base/bytes.h"
#include "server/error_body.h"
#include "server/route.h"

namespace penstock::server {
namespace {

constexpr std::size_t kNonceBytes = 32;
constexpr std::string_view kExporterLabel = "EXPORTER-penstock-attest-v1";

Result<std::string> nonce_of(std::string_view body) {
  constexpr std::string_view kWhat = "request body";
  const Json json = TRY(parse_json(body, kWhat, {.bytes_max = 4096, .depth_max = 4}));
  if (!json.is_object()) {
    return fail(ErrorCode::invalid_argument, "request body: expected a JSON object");
  }
  std::string nonce = TRY(json_string(json, kWhat, "nonce"));
  const auto bytes = from_base64(nonce);
  if (!bytes || bytes->size() != kNonceBytes) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("request body: 'nonce': expected base64 of {} bytes", kNonceBytes));
  }
  return nonce;
}

Result<Json> evidence_for(const Attestation& here, const attest::SessionBinding& binding) {
  const auto report_data = TRY(attest::report_data(binding));
  const Json evidence = TRY(here.provider->evidence(report_data));
  Json out;
  out["tee"] = here.provider->tee();
  out["evidence"] = evidence;
  out["init_data"] = here.initdata.empty() ? Json() : Json(here.initdata);
  out["binding"] = {{"nonce", binding.nonce},
                    {"exporter", binding.exporter},
                    {"role", binding.role},
                    {"spki_sha256", binding.spki_sha256}};
  return out;
}

}  // namespace

void give_evidence(const RouteContext& context, const Call& call, net::ResponseWriter& writer) {
  if (context.attestation.provider == nullptr) {
    return answer(writer, rest_error(RestCode::not_implemented,
                                     "unsupported: this server runs outside a TEE and has nothing "
                                     "to prove itself with; it was started without --tee"));
  }
  auto nonce = nonce_of(call.request.body);
  if (!nonce) return answer(writer, rest_error(nonce.error()));
  attest::SessionBinding binding{.nonce = *std::move(nonce),
                                 .exporter = {},
                                 .role = "server",
                                 .spki_sha256 = context.attestation.tls_key_pin};
  if (context.tls) {  // the evidence names this very session
    const ByteBuffer shared = writer.exporter(kExporterLabel, *from_base64(binding.nonce));
    if (shared.empty()) {
      return answer(writer, rest_error(RestCode::server_error, "TLS gives no exporter"));
    }
    binding.exporter = to_base64(shared);
  }
  auto evidence = evidence_for(context.attestation, binding);
  if (!evidence) return answer(writer, rest_error(evidence.error()));
  (void)writer.send(200, kJsonType, evidence->dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace penstock::server
