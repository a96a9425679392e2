#include "manager/broker_parts.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/log.h"
#include "manager/answer.h"
#include "manager/broker_messages.h"

namespace penstock::manager {

void refuse(net::ResponseWriter& writer, int status, std::string_view kind,
            std::string_view detail) {
  (void)writer.send(status, kJsonType, broker_error(kind, detail));
}

void refuse_inside(net::ResponseWriter& writer, const Error& error) {
  log::error("broker_request_failed", {{"error", error}});
  const bool full = error.code() == ErrorCode::out_of_space;
  refuse(writer, facts_of(error.code()).http_status, "PluginInternalError",
         full ? std::string("the manager's audit log has no room on its disk: nothing is released "
                            "that cannot be entered there (out_of_space)")
              : fmt::format("the manager cannot do this now ({})", facts_of(error.code()).name));
}

std::string guest_name(const crypto::JweRecipient& key) {
  return fmt::format("guest:{}", to_hex(key.thumbprint()).substr(0, 16));
}

std::string denial_text(const std::vector<attest::RuleOutcome>& rules) {
  const attest::RuleOutcome* failure = attest::first_failure(rules);
  if (failure == nullptr) return "denied: policy (policy)";
  return fmt::format("denied: {} ({})", failure->code, failure->name);
}

void audit_refusal(const RouteContext& context, const Call& call, std::string_view code,
                   AuditDraft draft) {
  context.figures.denial(code);
  // Only apps that exist have a gate of their own.
  if (!draft.app.empty() && context.store.snapshot()->find(draft.app) == nullptr) draft.app = "";
  const bool whole = context.refusals.refuse(
      {.source = call.http.peer, .code = std::string(code), .draft = std::move(draft)});
  if (!whole) context.figures.unaudited();
}

std::vector<attest::RuleOutcome> with_own_advice(std::vector<attest::RuleOutcome> rules) {
  constexpr std::string_view kOfFiles = "penstock collateral import";
  constexpr std::array<std::string_view, 5> kKinds = {"tcb_info", "qe_identity",
                                                      "tcb_signing_chain", "amd_chain", "crl"};
  constexpr std::string_view kOwn =
      "import it: penstock collateral import makes a bundle, penstock manager collateral import "
      "gives it to the manager";
  for (attest::RuleOutcome& rule : rules) {
    const bool missing = rule.result == attest::RuleResult::not_checked &&
                         std::ranges::any_of(kKinds, [&](std::string_view kind) {
                           return rule.seen.find(kind) != std::string::npos;
                         });
    const bool old =
        rule.result == attest::RuleResult::fail && rule.advice.find(kOfFiles) != std::string::npos;
    if (missing || old) rule.advice = kOwn;
  }
  return rules;
}

void audit_denial(const RouteContext& context, const Call& call, AuditDraft draft,
                  const std::vector<attest::RuleOutcome>& rules) {
  const attest::RuleOutcome* failure = attest::first_failure(rules);
  draft.rules = denied_rules(with_own_advice(rules));
  audit_refusal(context, call, failure ? failure->code : "policy", std::move(draft));
}

void refuse_message(const RouteContext& context, const Call& call, std::string_view action,
                    std::string_view code, const Refused& answer, net::ResponseWriter& writer) {
  audit_refusal(context, call, code,
                {.actor = "unknown",
                 .action = std::string(action),
                 .app = "",
                 .subject = std::string(answer.detail),
                 .outcome = "denied",
                 .rules = Json::array()});
  refuse(writer, answer.status, answer.kind, answer.detail);
}

Result<std::shared_ptr<const keys::Requester>> requester_of(const RouteContext& context,
                                                            const Call& call) {
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

std::string service_of(const keys::Requester& requester) {
  const auto service = requester.claims.find("service");
  return service != requester.claims.end() && service->is_string() ? service->get<std::string>()
                                                                   : std::string();
}

std::vector<std::string> certificate_names_of(const keys::Requester& requester) {
  const auto names = requester.claims.find("certificate_names");
  std::vector<std::string> out;
  if (names == requester.claims.end() || !names->is_array()) return out;
  for (const Json& name : *names) {
    if (name.is_string()) out.push_back(name.get<std::string>());
  }
  return out;
}

Result<attest::Verdict> judge_here(const RouteContext& context, const Snapshot& snapshot,
                                   std::string_view tee, std::string_view evidence,
                                   attest::Expectations expected) {
  const CollateralSnapshot* collateral = snapshot.collateral.get();
  if (collateral != nullptr) expected.evaluation_number_min = evaluation_number_floor(*collateral);
  const attest::JudgeContext judging{expected, snapshot.anchors,
                                     collateral != nullptr ? &collateral->collateral : nullptr,
                                     &context.facts};
  return attest::judge(tee, evidence, judging);
}

attest::RuleOutcome not_here(std::string_view name, std::string_view seen) {
  return {.name = std::string(name),
          .code = "not_found",
          .result = attest::RuleResult::fail,
          .expected = "one that the manager has",
          .seen = std::string(seen),
          .advice = "the owner can put it there (penstock manager app, secret)"};
}

}  // namespace penstock::manager
