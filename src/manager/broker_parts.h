// What the routes of guests have in common: who asks, and how they are refused.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "manager/route.h"

namespace penstock::manager {

// An answer in the protocol's shape.
struct Refused {
  int status;
  std::string_view kind;
  std::string_view detail;
};
void refuse(net::ResponseWriter& writer, int status, std::string_view kind,
            std::string_view detail);
// For failures of ours: a guest learns the kind, the log the rest.
void refuse_inside(net::ResponseWriter& writer, const Error& error);

std::string guest_name(const crypto::JweRecipient& key);
std::string denial_text(const std::vector<attest::RuleOutcome>& rules);

// Refusals need no entry before they are answered, but the owner wants to see them, and no flood of
// them may fill the disk (refusal_log.h). `code`: the rule's, or what was malformed.
void audit_refusal(const RouteContext& context, const Call& call, std::string_view code,
                   AuditDraft draft);
void audit_denial(const RouteContext& context, const Call& call, AuditDraft draft,
                  const std::vector<attest::RuleOutcome>& rules);
// What was refused before anybody was judged: messages, sessions and tokens that are no good.
void refuse_message(const RouteContext& context, const Call& call, std::string_view action,
                    std::string_view code, const Refused& answer, net::ResponseWriter& writer);

// Authorization decides where it is given, else the cookie. unauthenticated.
Result<std::shared_ptr<const keys::Requester>> requester_of(const RouteContext& context,
                                                            const Call& call);
// service_id of the configuration that the evidence has proved; empty: it names none.
std::string service_of(const keys::Requester& requester);

// What it may be certified for, of the same configuration.
std::vector<std::string> certificate_names_of(const keys::Requester& requester);

// attest::judge() with what the store has: anchors, collateral, and what is known by content.
Result<attest::Verdict> judge_here(const RouteContext& context, const Snapshot& snapshot,
                                   std::string_view tee, std::string_view evidence,
                                   attest::Expectations expected);
// What the verifiers advise about files, said of what the manager has.
std::vector<attest::RuleOutcome> with_own_advice(std::vector<attest::RuleOutcome> rules);

attest::RuleOutcome not_here(std::string_view name, std::string_view seen);

}  // namespace penstock::manager
