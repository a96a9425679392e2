// The key broker protocol: challenge, attestation, release. Guests learn code and rule of a denial;
// the audit log holds the rest.
#include <fmt/format.h>

#include "attest/initdata.h"
#include "attest/verifier.h"
#include "base/crash_point.h"
#include "base/log.h"
#include "manager/answer.h"
#include "manager/broker_messages.h"
#include "manager/route.h"

namespace penstock::manager {
namespace {

constexpr int kDecisionsMax = 8;  // when the store changes under a decision again and again

void refuse(net::ResponseWriter& writer, int status, std::string_view kind,
            std::string_view detail) {
  (void)writer.send(status, kJsonType, broker_error(kind, detail));
}

// For failures of ours: a guest learns the kind, the log the rest.
void refuse_inside(net::ResponseWriter& writer, const Error& error) {
  log::error("broker_request_failed", {{"error", error}});
  refuse(writer, facts_of(error.code()).http_status, "PluginInternalError",
         fmt::format("the manager cannot do this now ({})", facts_of(error.code()).name));
}

std::string guest_name(const crypto::JweRecipient& key) {
  return fmt::format("guest:{}", to_hex(key.thumbprint()).substr(0, 16));
}

std::string denial_text(const std::vector<attest::RuleOutcome>& rules) {
  const attest::RuleOutcome* failure = attest::first_failure(rules);
  if (failure == nullptr) return "denied: policy (policy)";
  return fmt::format("denied: {} ({})", failure->code, failure->name);
}

// Refusals need no entry before they are answered, but the owner wants to see them. A flood of them
// must not fill the disk.
void audit_denial(const RouteContext& context, AuditDraft draft,
                  const std::vector<attest::RuleOutcome>& rules) {
  const attest::RuleOutcome* failure = attest::first_failure(rules);
  context.figures.denial(failure ? failure->code : "policy");
  if (!context.denials.pass(context.clock.now_ms())) {
    context.figures.unaudited();
    return;
  }
  draft.outcome = "denied";
  draft.rules = denied_rules(rules);
  if (const auto done = context.store.audit().append(std::move(draft)); !done)
    log::error("denial_not_audited", {{"error", done.error()}});
}

}  // namespace

void begin_session(const RouteContext& context, const Call& call, net::ResponseWriter& writer) {
  const auto request = parse_auth_request(call.http.body);
  if (!request) {
    const bool version = request.error().code() == ErrorCode::unauthenticated;
    return refuse(writer, version ? 401 : 400, version ? "ProtocolVersion" : "SerdeError",
                  request.error().text());
  }
  if (attest::find_verifier(request->tee) == nullptr) {
    return refuse(writer, 400, "AttestationError",
                  fmt::format("no verifier for the TEE '{}' here", request->tee));
  }
  const auto challenge = context.sessions.begin(request->tee);
  if (!challenge) return refuse_inside(writer, challenge.error());
  const Json body = {{"nonce", challenge->nonce}, {"extra-params", ""}};
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

Result<Judged> judge_request(const RouteContext& context, const Sessions::Challenge& challenge,
                             const AttestRequest& request) {
  attest::Expectations expected;
  expected.report_data =
      TRY(attest::report_data(request.additional, challenge.nonce, request.key.jwk()));
  if (request.initdata) expected.config_digest = TRY(attest::initdata_digest(*request.initdata));
  expected.now_s = context.clock.now_ms() / 1000;
  const auto snapshot = context.store.snapshot();
  attest::Verdict verdict =
      TRY(attest::judge(challenge.tee, request.evidence, expected, snapshot->anchors));
  return Judged{std::move(verdict), to_hex(expected.report_data), to_hex(expected.config_digest)};
}

// The token, once the grant is in the audit log.
Result<std::string> grant_token(const RouteContext& context, const Sessions::Challenge& challenge,
                                const AttestRequest& request, const Judged& judged) {
  auto requester = std::make_shared<const keys::Requester>(
      keys::Requester{challenge.tee, judged.verdict.trust(), judged.verdict.claims(), request.key});
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

void deny_attestation(const RouteContext& context, const Sessions::Challenge& challenge,
                      const AttestRequest& request, const std::vector<attest::RuleOutcome>& rules,
                      net::ResponseWriter& writer) {
  context.figures.attestation(false);
  audit_denial(context,
               {.actor = guest_name(request.key),
                .action = "attest",
                .app = "",
                .subject = challenge.tee,
                .outcome = ""},
               rules);
  refuse(writer, 401, "AttestationError", denial_text(rules));
}

}  // namespace

void attest_guest(const RouteContext& context, const Call& call, net::ResponseWriter& writer) {
  const auto challenge = challenge_of(context, call);
  if (!challenge) return refuse(writer, 401, "AttestationError", challenge.error().text());
  const auto request = parse_attest_request(call.http.body);
  if (!request) return refuse(writer, 400, "SerdeError", request.error().text());
  if (!equal_constant_time(as_bytes(request->nonce), as_bytes(challenge->nonce)))
    return deny_attestation(context, *challenge, *request, {wrong_nonce()}, writer);
  const auto judged = judge_request(context, *challenge, *request);
  if (!judged) return refuse(writer, 400, "AttestationError", judged.error().text());
  if (!judged->verdict.affirming())
    return deny_attestation(context, *challenge, *request, judged->verdict.rules(), writer);
  const auto token = grant_token(context, *challenge, *request, *judged);
  if (!token) return refuse_inside(writer, token.error());
  context.figures.attestation(true);
  (void)writer.send(
      200,
      {{"Content-Type", std::string(kJsonType)}, {"Set-Cookie", set_session_cookie(*challenge)}},
      Json{{"token", *token}}.dump());
}

namespace {

using RequesterPtr = std::shared_ptr<const keys::Requester>;

// Authorization decides where it is given, else the cookie.
Result<RequesterPtr> requester_of(const RouteContext& context, const Call& call) {
  if (const std::string_view field = call.http.field("Authorization"); !field.empty()) {
    return std::make_shared<const keys::Requester>(TRY(context.tokens.check(bearer_of(field))));
  }
  const auto id = session_cookie(call.http.field("Cookie"));
  if (!id || id->empty()) {
    return fail(ErrorCode::unauthenticated,
                "a resource needs the token or the session of an attestation: attest first");
  }
  return context.sessions.requester(*id);
}

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
  return {404,
          {},
          {{.name = std::string(name),
            .code = "not_found",
            .result = attest::RuleResult::fail,
            .expected = "one that the manager has",
            .seen = std::string(seen),
            .advice = "the owner can put it there (penstock manager app, secret)"}}};
}

// One try: decided on one snapshot, and in the audit log only if that still holds when the entry is
// written (else fenced).
Result<Released> try_release(const RouteContext& context, const keys::Requester& requester,
                             const keys::ResourcePath& path) {
  const auto snapshot = context.store.snapshot();
  const App* app = snapshot->find(path.app);
  if (app == nullptr) return missing("app", path.app);
  const keys::Decision decision = keys::decide(requester, app->policy, *app);
  if (!decision.granted) return Released{403, {}, decision.rules};
  const auto secret = app->secrets.find(path.kind + "/" + path.name);
  if (secret == app->secrets.end()) return missing("resource", path.text());
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
    return refuse(writer, 401, token ? "TokenVerifierError" : "TokenNotFound",
                  requester.error().text());
  }
  const auto path = resource_path(call.segments.at(0));
  if (!path) return refuse(writer, 404, "InvalidRequestPath", path.error().text());
  const auto released = decide_release(context, **requester, *path);
  if (!released) return refuse_inside(writer, released.error());
  if (released->status == 200) {
    context.figures.release();
    return answer(writer, released->body);
  }
  audit_denial(context,
               {.actor = guest_name((*requester)->key),
                .action = "release",
                .app = path->app,
                .subject = path->text(),
                .outcome = ""},
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
