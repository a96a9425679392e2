// Verification alone, in the shape of the field's attestation service: evidence in, a result out.
// Nothing is released for it: the token is of another issuer than those that resources are given
// to.
#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "attest/ear.h"
#include "attest/verifier.h"
#include "manager/answer.h"
#include "manager/broker_parts.h"
#include "manager/limits.h"
#include "manager/request_parts.h"
#include "manager/route.h"
#include "manager/verify_request.h"

namespace penstock::manager {
namespace {

struct VerifyAnswer {
  attest::Verdict verdict;
  std::vector<attest::RuleOutcome> rules;  // the evidence's and the policy's
  std::string report_data;
};

Result<VerifyAnswer> verify_evidence(const RouteContext& context, const VerifyRequest& request) {
  const auto snapshot = context.store.snapshot();
  const App* app = nullptr;
  if (!request.policy.empty()) {
    TRY(check_app_name(request.policy));
    app = snapshot->find(request.policy);
    if (app == nullptr)
      return fail(ErrorCode::not_found, fmt::format("there is no app '{}'", request.policy));
  }
  attest::Expectations expected;
  expected.now_s = context.clock.now_ms() / 1000;
  expected.runtime_data = request.runtime_data;
  expected.config_digest = request.config_digest;
  const ByteBuffer digest = crypto::digest(request.hash, as_bytes(request.runtime_data));
  std::ranges::copy(digest, expected.report_data.begin());
  if (app != nullptr) app->policy.widen(expected);
  attest::Verdict verdict =
      TRY(judge_here(context, *snapshot, request.tee, request.evidence, expected));
  std::vector<attest::RuleOutcome> rules = verdict.rules();
  if (app != nullptr)
    std::ranges::move(app->policy.evaluate(verdict.trust(), verdict.claims(), *app, expected.now_s),
                      std::back_inserter(rules));
  return VerifyAnswer{std::move(verdict), std::move(rules), to_hex(expected.report_data)};
}

Result<> audit_verification(const RouteContext& context, const Call& call,
                            const VerifyRequest& request, const VerifyAnswer& found, bool good) {
  TRY(context.store.audit().append(
      {.actor = call.actor,
       .action = "verify",
       .app = request.policy,
       .subject = request.tee,
       .outcome = good ? "affirmed" : "denied",
       .rules = good ? granted_rules(found.rules) : denied_rules(found.rules)}));
  return {};
}

}  // namespace

void verify_alone(const RouteContext& context, const Call& call, net::ResponseWriter& writer) {
  const auto request = parse_verify_request(call.http.body);
  if (!request) return answer_error(writer, request.error());
  const auto found = verify_evidence(context, *request);
  if (!found) return answer_error(writer, found.error());
  const bool good = attest::all_pass(found->rules);
  if (const auto entered = audit_verification(context, call, *request, *found, good); !entered)
    return answer_error(writer, entered.error());
  if (!good) {
    const bool affirming = found->verdict.affirming();
    return answer(writer,
                  {{"outcome", "reject"},
                   {"evidence", affirming ? "affirming" : "contraindicated"},
                   {"rules", attest::to_json(with_own_advice(found->rules))},
                   {"claims", affirming ? found->verdict.claims() : Json::object()}},
                  403);
  }
  const auto token = context.tokens.issue_result({.tee = request->tee,
                                                  .trust = found->verdict.trust(),
                                                  .claims = found->verdict.claims(),
                                                  .policy = request->policy,
                                                  .report_data = found->report_data,
                                                  .config_digest = to_hex(request->config_digest),
                                                  .runtime_claims = request->runtime_claims});
  if (!token) return answer_error(writer, token.error());
  (void)writer.send(200, "text/plain; charset=utf-8", *token);
}

}  // namespace penstock::manager
