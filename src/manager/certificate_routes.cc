// POST /kbs/v0/certificate/APP: a certificate of the workload CA for the key that an enclave has
// attested, for the names in its approved configuration. The request is signed by that key, so a
// token that somebody else holds is no good for it.
#include <algorithm>

#include <fmt/format.h>

#include "base/crash_point.h"
#include "manager/answer.h"
#include "manager/broker_messages.h"
#include "manager/broker_parts.h"
#include "manager/request_parts.h"
#include "manager/route.h"

namespace penstock::manager {
namespace {

constexpr int kIssuesMax = 8;  // when the store changes under a decision again and again
constexpr std::string_view kWorkloadName = "penstockd";

using Rules = std::vector<attest::RuleOutcome>;

attest::RuleOutcome certificate_rule(std::string_view name, bool holds, std::string expected,
                                     std::string seen, std::string_view advice) {
  return {.name = std::string(name),
          .code = std::string(name),
          .result = holds ? attest::RuleResult::pass : attest::RuleResult::fail,
          .expected = std::move(expected),
          .seen = std::move(seen),
          .advice = std::string(advice)};
}

attest::RuleOutcome key_rule(const keys::Requester& requester, const crypto::P256PublicKey& key) {
  const Json& attested = requester.key.jwk();
  const Json asked = crypto::JweRecipient::of(key).jwk();
  const auto same = [&](const char* member) {
    return attested.value(member, "") == asked.value(member, "?");
  };
  return certificate_rule("certificate_key", same("crv") && same("x") && same("y"),
                          "the key that the evidence names", "the request's key",
                          "a certificate is for the attested key alone");
}

// Whatever the policy says: names are vouched for by whoever approved the configuration.
attest::RuleOutcome configuration_rule(const keys::Requester& requester, const App& app) {
  const std::string digest = requester.claims.value("config_digest", "");
  const auto* approved = app.find("configs");
  const bool known = !digest.empty() && approved != nullptr &&
                     std::ranges::find(*approved, digest) != approved->end();
  return certificate_rule("certificate_config", known, "an approved configuration",
                          digest.empty() ? "none" : digest,
                          "approve it: penstock manager config approve");
}

attest::RuleOutcome names_rule(const keys::Requester& requester,
                               const std::vector<std::string>& asked) {
  const auto allowed = certificate_names_of(requester);
  const bool fit = !asked.empty() && std::ranges::all_of(asked, [&](const std::string& name) {
    return std::ranges::find(allowed, name) != allowed.end();
  });
  return certificate_rule(
      "certificate_names", fit,
      allowed.empty() ? "no names" : fmt::format("{}", fmt::join(allowed, ", ")),
      fmt::format("{}", fmt::join(asked, ", ")),
      "[rest] certificate and names of the measured configuration say for what "
      "it may be certified");
}

struct Certified {
  Json body;         // if all rules hold
  Rules rules = {};  // else
};

struct CertificateCaller {
  const RouteContext& context;
  const keys::Requester& requester;
  const std::string& app;
};

// The CA's own constraints are the last word.
Result<crypto::Certificate> issue(const CertificateCaller& caller, const CertificateCall& asked) {
  const AuthorityPtr ca = caller.context.files.workload_ca();
  const std::int64_t now_s = caller.context.clock.now_ms() / 1000;
  const crypto::LeafSpec leaf{
      .common_name = std::string(kWorkloadName),
      .names = asked.request.names,
      .validity = {now_s - kClockSkewSeconds,
                   std::min(now_s + asked.life_s, ca->certificate.not_after_s())}};
  auto certificate = TRY(
      crypto::issue_leaf(leaf, asked.request.key, ca->certificate, ca->key, caller.context.random));
  TRY(certificate.check_issued_by(ca->certificate, now_s));
  return certificate;
}

// One try: decided on one snapshot, and in the audit log only if that still holds when the entry is
// written (else fenced).
Result<Certified> try_certify(const CertificateCaller& caller, const CertificateCall& asked) {
  const auto snapshot = caller.context.store.snapshot();
  const App* app = snapshot->find(caller.app);
  if (app == nullptr) return Certified{{}, {not_here("app", caller.app)}};
  keys::Decision decision =
      keys::decide(caller.requester, app->policy, *app, caller.context.clock.now_ms() / 1000);
  if (!decision.granted) return Certified{{}, std::move(decision.rules)};
  Rules rules = {key_rule(caller.requester, asked.request.key),
                 configuration_rule(caller.requester, *app),
                 names_rule(caller.requester, asked.request.names)};
  if (!attest::all_pass(rules)) return Certified{{}, std::move(rules)};
  const auto certificate = issue(caller, asked);
  if (!certificate && certificate.error().code() == ErrorCode::not_authentic) {
    return Certified{
        {},
        {certificate_rule("name_constraints", false,
                          "names that the workload CA may "
                          "certify",
                          fmt::format("{}", fmt::join(asked.request.names, ", ")),
                          "penstock manager rotate workload-ca --permit NAME makes one "
                          "that may")}};
  }
  TRY(certificate);
  for (attest::RuleOutcome& rule : rules) decision.rules.push_back(std::move(rule));
  TRY(caller.context.store.audit().append_at(
      snapshot->generation,
      {.actor = guest_name(caller.requester.key),
       .action = "certificate",
       .app = caller.app,
       .subject = fmt::format("serial {} for {} until {} s", certificate->serial(),
                              fmt::join(asked.request.names, ", "), certificate->not_after_s()),
       .outcome = "granted",
       .rules = granted_rules(decision.rules)}));
  CRASH_POINT("manager.certificate.audited");
  return Certified{{{"certificate", certificate->to_pem()}}};
}

Result<Certified> certify(const CertificateCaller& caller, const CertificateCall& asked) {
  for (int i = 0; i < kIssuesMax; ++i) {
    auto certified = try_certify(caller, asked);
    if (certified || certified.error().code() != ErrorCode::fenced) return certified;
  }
  return fail(ErrorCode::busy, "approvals and policies change all the time");
}

}  // namespace

void certify_guest(const RouteContext& context, const Call& call, net::ResponseWriter& writer) {
  const auto requester = requester_of(context, call);
  if (!requester) {
    return refuse_message(context, call, "certificate", "token",
                          {401, "TokenVerifierError", requester.error().text()}, writer);
  }
  const std::string& app = call.segments.at(0);
  if (const auto named = check_app_name(app); !named)
    return refuse(writer, 404, "InvalidRequestPath", named.error().text());
  const auto asked = parse_certificate_call(call.http.body);
  if (!asked) {
    return refuse_message(context, call, "certificate", "message",
                          {400, "SerdeError", asked.error().text()}, writer);
  }
  if (const auto room = context.disk.check_release(); !room)
    return refuse_inside(writer, room.error());
  const std::string guest = guest_name((*requester)->key);
  if (!context.certificates.admit(guest, context.clock.now_ms()))
    return refuse(writer, 429, "PluginInternalError", "too many certificates in a minute");
  const CertificateCaller caller{context, **requester, app};
  const auto certified = certify(caller, *asked);
  if (!certified) return refuse_inside(writer, certified.error());
  if (certified->rules.empty()) {
    context.figures.certificate();
    return answer(writer, certified->body);
  }
  audit_denial(context, call,
               {.actor = guest,
                .action = "certificate",
                .app = app,
                .subject = "a certificate",
                .outcome = "",
                .rules = Json::array()},
               certified->rules);
  refuse(writer, 403, "PolicyDeny", denial_text(certified->rules));
}

}  // namespace penstock::manager
