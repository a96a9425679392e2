// The lease of a service: guests start, renew and give back; the owner looks, and accepts a loss.
#include <fmt/format.h>

#include "keys/limits.h"
#include "manager/answer.h"
#include "manager/broker_messages.h"
#include "manager/broker_parts.h"
#include "manager/leases.h"
#include "manager/request_parts.h"
#include "manager/route.h"

namespace penstock::manager {
namespace {

Json lease_json(const LeaseRow& row) {
  return {{"app", row.name.app},
          {"service", row.name.service},
          {"instance", row.name.instance},
          {"term", row.term},
          {"holder", row.holder},
          {"held_ms", row.held_ms},
          {"loss_accepted", row.loss_accepted},
          {"checkpoint", keys::to_json(row.checkpoint)}};
}

struct LeaseCaller {
  const RouteContext& context;
  const Call& call;
  const keys::Requester& requester;
  LeaseName name;
};

AuditDraft lease_denial(const LeaseCaller& caller) {
  return {.actor = guest_name(caller.requester.key),
          .action = "lease",
          .app = caller.name.app,
          .subject = caller.name.text(),
          .outcome = "denied"};
}

void refuse_lease(const LeaseCaller& caller, const Error& error, const keys::Comparison& why,
                  net::ResponseWriter& writer) {
  if (error.code() == ErrorCode::not_authentic) {
    const bool forked = why.progress == keys::Progress::forked;
    audit_denial(
        caller.context, caller.call, lease_denial(caller),
        {{.name = "checkpoint",
          .code = forked ? "checkpoint-forked" : "checkpoint-behind",
          .result = attest::RuleResult::fail,
          .expected = why.expected,
          .seen = why.seen,
          .advice = "a folder or cluster was put back, or copied and run twice; if the "
                    "loss is known, accept it (penstock manager checkpoint accept-loss)"}});
    return refuse(writer, 409, "CheckpointRefused", error.text());
  }
  if (error.code() == ErrorCode::fenced) {
    audit_refusal(caller.context, caller.call, "lease-over", lease_denial(caller));
    return refuse(writer, 409, "LeaseOver", error.text());
  }
  if (error.code() == ErrorCode::invalid_argument)
    return refuse(writer, 400, "SerdeError", error.text());
  refuse_inside(writer, error);
}

void answer_lease(const LeaseCaller& caller, const LeaseRequest& request,
                  net::ResponseWriter& writer) {
  Leases leases(caller.context.store.audit(), caller.context.clock);
  const std::string holder = to_hex(caller.requester.key.thumbprint());
  keys::Comparison why;
  std::int64_t term = request.term;
  const auto done = [&]() -> Result<> {
    if (request.step == LeaseRequest::Step::start) {
      term = TRY(leases.start(caller.name, holder, request.checkpoint, why));
      return {};
    }
    return leases.renew(caller.name, holder, request.term, request.checkpoint,
                        request.step == LeaseRequest::Step::stop, why);
  }();
  if (!done) return refuse_lease(caller, done.error(), why, writer);
  answer(writer, {{"term", term}});
}

// Judged like a release of the service's state key: who may have that may hold the lease.
bool may_hold(const LeaseCaller& caller, net::ResponseWriter& writer) {
  const auto snapshot = caller.context.store.snapshot();
  const App* app = snapshot->find(caller.name.app);
  std::vector<attest::RuleOutcome> rules;
  if (app != nullptr) {
    const keys::Decision decision =
        keys::decide(caller.requester, app->policy, *app, caller.context.clock.now_ms() / 1000);
    if (decision.granted) return true;
    rules = decision.rules;
  } else {
    rules = {not_here("app", caller.name.app)};
  }
  audit_denial(caller.context, caller.call, lease_denial(caller), rules);
  refuse(writer, 403, "PolicyDeny", denial_text(rules));
  return false;
}

}  // namespace

void hold_lease(const RouteContext& context, const Call& call, net::ResponseWriter& writer) {
  const auto requester = requester_of(context, call);
  if (!requester) {
    return refuse_message(context, call, "lease", "token",
                          {401, "TokenVerifierError", requester.error().text()}, writer);
  }
  const auto request = parse_lease_request(call.http.body);
  if (!request) return refuse(writer, 400, "SerdeError", request.error().text());
  if (const auto room = context.disk.check_release(); !room)
    return refuse_inside(writer, room.error());
  const std::string service = service_of(**requester);
  if (!check_app_name(call.segments.at(0)) || service.empty()) {
    return refuse(writer, 400, "SerdeError",
                  "a lease is of an app and of the service that the measured configuration names");
  }
  const LeaseCaller caller{context, call, **requester,
                           LeaseName{call.segments.at(0), service, request->instance}};
  if (may_hold(caller, writer)) answer_lease(caller, *request, writer);
}

void list_services(const RouteContext& context, const Call&, net::ResponseWriter& writer) {
  const auto rows = Leases(context.store.audit(), context.clock).list();
  if (!rows) return answer_error(writer, rows.error());
  Json out = Json::array();
  for (const LeaseRow& row : *rows) out.push_back(lease_json(row));
  answer(writer, {{"services", std::move(out)}});
}

void accept_loss(const RouteContext& context, const Call& call, net::ResponseWriter& writer) {
  answer_done(writer, [&]() -> Result<> {
    const Json body = TRY(parse_admin_body(call.http.body));
    const std::string instance = TRY(optional_text(body, "instance", keys::kSegmentBytesMax));
    return Leases(context.store.audit(), context.clock)
        .accept_loss(call.actor, {call.segments.at(0), call.segments.at(1), instance});
  }());
}

}  // namespace penstock::manager
