#include "manager/trust_anchors.h"

#include <algorithm>

#include <fmt/format.h>

#include "crypto/pkix.h"
#include "manager/answer.h"
#include "manager/limits.h"
#include "manager/request_parts.h"
#include "manager/route.h"

namespace penstock::manager {
namespace {

constexpr std::size_t kAnchorNameBytesMax = 64;

bool is_anchor_name(std::string_view name) {
  return !name.empty() && name.size() <= kAnchorNameBytesMax &&
         std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == ' ' || c == '.' || c == '-' || c == '_' || c == '/';
         });
}

Result<> check_root_certificate(const crypto::PkixCertificate& certificate) {
  if (!certificate.key())
    return fail(ErrorCode::unsupported,
                "certificate: its key is neither P-256, P-384 nor RSA of 2048 bits or more");
  if (!certificate.is_ca() || !certificate.may_sign_certificates())
    return fail(ErrorCode::invalid_argument,
                "certificate: it is not a CA's: give the root that the TPMs' certificates end at");
  return {};
}

}  // namespace

Result<TrustAnchor> parse_trust_anchor(std::string_view body, std::int64_t now_ms) {
  const Json json = TRY(parse_admin_body(body));
  TrustAnchor out;
  out.name = TRY(json_string(json, "body", "name"));
  if (!is_anchor_name(out.name))
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("name: 1 to {} letters, digits, blanks and . - _ /", kAnchorNameBytesMax));
  const std::string pki = TRY(optional_text(json, "pki", kAnchorNameBytesMax));
  if (!pki.empty() && pki != "tpm")
    return fail(ErrorCode::unsupported,
                "pki: only roots of TPMs can be named; those of vendors are part of the program");
  out.trust = TRY_IN(attest::trust_from(TRY(json_string(json, "body", "trust"))), "trust");
  if (out.trust != attest::Trust::provider && out.trust != attest::Trust::operator_)
    return fail(ErrorCode::invalid_argument,
                "trust: 'provider' for TPMs in a provider's or maker's hands, 'operator' for those "
                "in the operator's own");
  const std::string pem = TRY(json_string(json, "body", "certificate"));
  const auto certificates = TRY_IN(crypto::read_certificates(as_bytes(pem)), "certificate");
  if (certificates.size() != 1)
    return fail(ErrorCode::invalid_argument, "certificate: one, and no more");
  TRY(check_root_certificate(certificates.front()));
  out.id = to_hex(certificates.front().key()->id());
  out.certificate = to_base64(certificates.front().der());
  out.added_ms = now_ms;
  return out;
}

Result<attest::NamedAnchor> named_anchor(const TrustAnchor& anchor) {
  const ByteBuffer der = TRY(from_base64(anchor.certificate));
  const auto certificate = TRY(crypto::PkixCertificate::from_der(der));
  TRY(check_root_certificate(certificate));
  attest::NamedAnchor out{
      .pki = attest::Pki::tpm, .anchor = attest::anchor_of(certificate), .trust = anchor.trust};
  if (to_hex(out.anchor.id) != anchor.id)
    return fail(ErrorCode::corrupt, "its certificate is of another key");
  out.anchor.name = anchor.name;
  return out;
}

Json to_json(const TrustAnchor& anchor, bool with_certificate) {
  Json out = {{"id", anchor.id},
              {"name", anchor.name},
              {"pki", "tpm"},
              {"trust", attest::to_text(anchor.trust)},
              {"added_ms", anchor.added_ms}};
  if (with_certificate) out["certificate_der"] = anchor.certificate;
  return out;
}

void add_trust_anchor(const RouteContext& context, const Call& call, net::ResponseWriter& writer) {
  const auto anchor = parse_trust_anchor(call.http.body, context.clock.now_ms());
  if (!anchor) return answer_error(writer, anchor.error());
  if (const auto done = context.store.add_anchor(call.actor, *anchor); !done)
    return answer_error(writer, done.error());
  answer(writer, to_json(*anchor, false));
}

void remove_trust_anchor(const RouteContext& context, const Call& call,
                         net::ResponseWriter& writer) {
  answer_done(writer, [&]() -> Result<> {
    const std::string id = TRY(digest_text(call.segments.at(0), "trust anchor"));
    return context.store.remove_anchor(call.actor, id);
  }());
}

void list_trust_anchors(const RouteContext& context, const Call&, net::ResponseWriter& writer) {
  Json list = Json::array();
  for (const TrustAnchor& each : context.store.snapshot()->trust_anchors)
    list.push_back(to_json(each, true));
  answer(writer, {{"trust_anchors", std::move(list)}});
}

}  // namespace penstock::manager
