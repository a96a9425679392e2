// The key broker protocol: challenge, attestation, release. Guests learn code and rule of a denial;
// the audit log holds the rest.
#include <fmt/format.h>

#include "attest/verifier.h"
#include "base/crash_point.h"
#include "manager/answer.h"
#include "manager/broker_messages.h"
#include "manager/broker_parts.h"
#include "manager/measured_facts.h"
#include "manager/route.h"

namespace penstock::manager {
namespace {

constexpr int kDecisionsMax = 8;  // when the store changes under a decision again and again

}  // namespace

void begin_session(const RouteContext& context, const Call& call, net::ResponseWriter& writer) {
  const auto request = parse_auth_request(call.http.body);
  if (!request) {
    const bool version = request.error().code() == ErrorCode::unauthenticated;
    return refuse_message(
        context, call, "auth", version ? "version" : "message",
        {version ? 401 : 400, version ? "ProtocolVersion" : "SerdeError", request.error().text()},
        writer);
  }
  const attest::Verifier* verifier = attest::find_verifier(request->tee);
  if (verifier == nullptr) {
    return refuse(writer, 400, "AttestationError",
                  fmt::format("no verifier for the TEE '{}' here", request->tee));
  }
  const auto extra = verifier->challenge(request->extra_params, context.random);
  if (!extra)
    return refuse_message(context, call, "auth", "message",
                          {400, "SerdeError", extra.error().text()}, writer);
  const auto challenge = context.sessions.begin(request->tee, extra->tpm);
  if (!challenge) return refuse_inside(writer, challenge.error());
  const Json body = {{"nonce", challenge->nonce}, {"extra-params", extra->extra_params}};
  (void)writer.send(
      200,
      {{"Content-Type", std::string(kJsonType)}, {"Set-Cookie", set_session_cookie(*challenge)}},
      body.dump());
}

namespace {

Result<Sessions::Challenge> challenge_of(const RouteContext& context, const Call& call) {
  const auto id = session_cookie(call.http.field("Cookie"));
  if (!id || id->empty()) {
    return fail(ErrorCode::unauthenticated,
                "attest needs the cookie that auth has set: begin again with auth");
  }
  return context.sessions.take_challenge(*id);
}

struct Judged {
  attest::Verdict verdict;
  std::string report_data, config_digest;  // hex
};

// The configuration is hashed, not parsed: who sent it has proved nothing yet.
Result<Judged> judge_request(const RouteContext& context, const Sessions::Challenge& challenge,
                             const AttestRequest& request) {
  attest::Expectations expected;
  expected.report_data =
      TRY(attest::report_data(request.additional, challenge.nonce, request.key.jwk()));
  if (request.initdata) expected.config_digest = TRY(unparsed_digest(*request.initdata));
  expected.runtime_data =
      TRY(attest::runtime_data(request.additional, challenge.nonce, request.key.jwk()));
  expected.now_s = context.clock.now_ms() / 1000;
  expected.tpm_credential = challenge.tpm;
  const auto snapshot = context.store.snapshot();
  // No app is named yet: what one of them tolerates is let through, and each policy decides anew.
  for (const auto& [unused, app] : snapshot->apps) app->policy.widen(expected);
  std::string report_data = to_hex(expected.report_data);
  std::string config_digest = to_hex(expected.config_digest);
  auto verdict =
      TRY(judge_here(context, *snapshot, challenge.tee, request.evidence, std::move(expected)));
  return Judged{std::move(verdict), std::move(report_data), std::move(config_digest)};
}

// The token, once the grant is in the audit log.
Result<std::string> grant_token(const RouteContext& context, const Sessions::Challenge& challenge,
                                const AttestRequest& request, const Judged& judged,
                                const MeasuredFacts& facts) {
  attest::Claims claims = judged.verdict.claims();
  claims["service"] = facts.service;
  claims["deployment"] = facts.deployment;
  claims["certificate_names"] = facts.certificate_names;
  auto requester = std::make_shared<const keys::Requester>(
      keys::Requester{challenge.tee, judged.verdict.trust(), std::move(claims), request.key});
  std::string token = TRY(context.tokens.issue(
      {*requester, challenge.nonce, judged.report_data, judged.config_digest}));
  TRY(context.store.audit().append({.actor = guest_name(request.key),
                                    .action = "attest",
                                    .app = "",
                                    .subject = challenge.tee,
                                    .outcome = "granted",
                                    .rules = granted_rules(judged.verdict.rules())}));
  CRASH_POINT("manager.attest.audited");
  context.sessions.attested(challenge.id, std::move(requester));
  return token;
}

attest::RuleOutcome wrong_nonce() {
  return {.name = "nonce",
          .code = "nonce",
          .result = attest::RuleResult::fail,
          .expected = "the nonce of this session",
          .seen = "another one",
          .advice =
              "a replay or a relay of somebody else's evidence, or a client that mixes up "
              "its sessions"};
}

attest::RuleOutcome unverified_evidence() {
  return {.name = "additional_evidence",
          .code = "additional-evidence",
          .result = attest::RuleResult::fail,
          .expected = "none: no second device is verified here",
          .seen = "some",
          .advice = "evidence that is not verified is not taken; leave additional_evidence empty"};
}

attest::RuleOutcome unreadable_initdata(const Error& error) {
  return {.name = "initdata",
          .code = "initdata",
          .result = attest::RuleResult::fail,
          .expected = "a configuration as `penstock config pack` makes it",
          .seen = error.text(),
          .advice = "pack it anew, approve its digest and start with it"};
}

void deny_attestation(const RouteContext& context, const Call& call,
                      const Sessions::Challenge& challenge, const AttestRequest& request,
                      const std::vector<attest::RuleOutcome>& rules, net::ResponseWriter& writer) {
  context.figures.attestation(false);
  audit_denial(context, call,
               {.actor = guest_name(request.key),
                .action = "attest",
                .app = "",
                .subject = challenge.tee,
                .outcome = "",
                .rules = Json::array()},
               rules);
  refuse(writer, 401, "AttestationError", denial_text(rules));
}

}  // namespace

void attest_guest(const RouteContext& context, const Call& call, net::ResponseWriter& writer) {
  const auto refuse_as = [&](std::string_view code, const Refused& answer) {
    context.figures.attestation(false);
    refuse_message(context, call, "attest", code, answer, writer);
  };
  const auto challenge = challenge_of(context, call);
  if (!challenge) return refuse_as("session", {401, "AttestationError", challenge.error().text()});
  if (const auto room = context.disk.check_release(); !room)
    return refuse_inside(writer, room.error());
  const auto request = parse_attest_request(call.http.body);
  if (!request) return refuse_as("message", {400, "SerdeError", request.error().text()});
  const auto deny = [&](const std::vector<attest::RuleOutcome>& rules) {
    deny_attestation(context, call, *challenge, *request, rules, writer);
  };
  if (!equal_constant_time(as_bytes(request->nonce), as_bytes(challenge->nonce)))
    return deny({wrong_nonce()});
  if (!request->additional.empty()) return deny({unverified_evidence()});
  const auto judged = judge_request(context, *challenge, *request);
  if (!judged) return refuse_as("initdata", {400, "AttestationError", judged.error().text()});
  if (!judged->verdict.affirming()) return deny(judged->verdict.rules());
  const auto facts = request->initdata ? measured_facts(*request->initdata) : MeasuredFacts{};
  if (!facts) return deny({unreadable_initdata(facts.error())});
  const auto token = grant_token(context, *challenge, *request, *judged, *facts);
  if (!token) return refuse_inside(writer, token.error());
  context.figures.attestation(true);
  (void)writer.send(
      200,
      {{"Content-Type", std::string(kJsonType)}, {"Set-Cookie", set_session_cookie(*challenge)}},
      Json{{"token", *token}}.dump());
}

namespace {

// The rest of the path behind /resource/. An empty repository, or one that a client's URI lacked,
// leaves further slashes in front.
Result<keys::ResourcePath> resource_path(std::string_view rest) {
  while (rest.starts_with('/')) rest.remove_prefix(1);
  const bool has_repository = std::ranges::count(rest, '/') >= 2;
  return keys::ResourcePath::parse(has_repository ? std::string(rest) : fmt::format("/{}", rest));
}

// What a release came to.
struct Released {
  int status = 200;
  Json body;                                    // 200
  std::vector<attest::RuleOutcome> rules = {};  // 403, 404
};

Released missing(std::string_view name, std::string_view seen) {
  return {404, {}, {not_here(name, seen)}};
}

// A service's state key is for the service that the measured configuration names.
attest::RuleOutcome another_service(std::string_view wanted, std::string_view seen) {
  return {.name = "service",
          .code = "service",
          .result = attest::RuleResult::fail,
          .expected = std::string(wanted),
          .seen = seen.empty() ? std::string("no service in the configuration") : std::string(seen),
          .advice = "service_id of the measured configuration says whose state key it gets"};
}

// One try: decided on one snapshot, and in the audit log only if that still holds when the entry is
// written (else fenced).
Result<Released> try_release(const RouteContext& context, const keys::Requester& requester,
                             const keys::ResourcePath& path) {
  const auto snapshot = context.store.snapshot();
  const App* app = snapshot->find(path.app);
  if (app == nullptr) return missing("app", path.app);
  const keys::Decision decision =
      keys::decide(requester, app->policy, *app, context.clock.now_ms() / 1000);
  if (!decision.granted) return Released{403, {}, decision.rules};
  const bool is_state_key = path.kind == keys::kStateKeyKind;
  if (is_state_key && service_of(requester) != path.name)
    return Released{403, {}, {another_service(path.name, service_of(requester))}};
  const auto secret = app->secrets.find(path.kind + "/" + path.name);
  if (secret == app->secrets.end()) {
    if (!is_state_key) return missing("resource", path.text());
    TRY(context.store.make_state_key(guest_name(requester.key), path));
    return fail(ErrorCode::fenced, "the state key was made: decide again");
  }
  const SecretBuffer opened = TRY(context.store.open_secret(path, *secret->second));
  Json body = TRY(keys::release(decision, opened.view(), requester.key, context.random));
  TRY(context.store.audit().append_at(snapshot->generation,
                                      {.actor = guest_name(requester.key),
                                       .action = "release",
                                       .app = path.app,
                                       .subject = path.text(),
                                       .outcome = "granted",
                                       .rules = granted_rules(decision.rules)}));
  CRASH_POINT("manager.release.audited");
  return Released{200, std::move(body)};
}

Result<Released> decide_release(const RouteContext& context, const keys::Requester& requester,
                                const keys::ResourcePath& path) {
  for (int i = 0; i < kDecisionsMax; ++i) {
    auto released = try_release(context, requester, path);
    if (released || released.error().code() != ErrorCode::fenced) return released;
  }
  return fail(ErrorCode::busy, "approvals and policies change all the time");
}

}  // namespace

void release_resource(const RouteContext& context, const Call& call, net::ResponseWriter& writer) {
  const auto requester = requester_of(context, call);
  if (!requester) {
    const bool token = !call.http.field("Authorization").empty();
    return refuse_message(
        context, call, "release", token ? "token" : "session",
        {401, token ? "TokenVerifierError" : "TokenNotFound", requester.error().text()}, writer);
  }
  const auto path = resource_path(call.segments.at(0));
  if (!path) return refuse(writer, 404, "InvalidRequestPath", path.error().text());
  if (const auto room = context.disk.check_release(); !room)
    return refuse_inside(writer, room.error());
  const auto released = decide_release(context, **requester, *path);
  if (!released) return refuse_inside(writer, released.error());
  if (released->status == 200) {
    context.figures.release();
    return answer(writer, released->body);
  }
  audit_denial(context, call,
               {.actor = guest_name((*requester)->key),
                .action = "release",
                .app = path->app,
                .subject = path->text(),
                .outcome = "",
                .rules = Json::array()},
               released->rules);
  if (released->status == 404) {
    return refuse(writer, 404, "PluginInternalError",
                  fmt::format("there is no resource '{}'", path->text()));
  }
  refuse(writer, 403, "PolicyDeny", denial_text(released->rules));
}

void refuse_broker_path(const RouteContext&, const Call&, net::ResponseWriter& writer) {
  refuse(writer, 404, "InvalidRequestPath",
         "there are /kbs/v0/auth, /kbs/v0/attest and /kbs/v0/resource/REPOSITORY/TYPE/TAG here");
}

}  // namespace penstock::manager
