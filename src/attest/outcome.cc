#include <algorithm>

#include "attest/outcome.h"
#include "attest/rule_book.h"

namespace penstock::attest {
namespace {

// Digests are shown up to their padding.
std::string digest_text(ByteView bytes) {
  return all_zero(bytes) ? "none" : to_hex(bytes);
}

}  // namespace

RuleOutcome report_data_rule(ByteView seen, const JudgeContext& context) {
  const ReportData& expected = context.expected.report_data;
  return outcome(
      equal_constant_time(seen, expected),
      {.name = "report_data",
       .code = "report-data",
       .expected = to_hex(expected),
       .seen = to_hex(seen),
       .advice = "the evidence was made for another nonce, key or session: the guest must "
                 "attest afresh; if it happens again somebody relays evidence"});
}

RuleOutcome config_digest_rule(ByteView seen, const JudgeContext& context) {
  const ByteBuffer& expected = context.expected.config_digest;
  bool holds = expected.empty() ? all_zero(seen)
                                : seen.size() >= expected.size() &&
                                      std::ranges::equal(seen.first(expected.size()), expected) &&
                                      all_zero(seen.subspan(expected.size()));
  return outcome(holds,
                 {.name = "config_digest",
                  .code = "binding",
                  .expected = digest_text(expected),
                  .seen = digest_text(seen),
                  .advice = "the configuration that was sent is not the one that the TEE was "
                            "started with: the host changed one of them"});
}

RuleOutcome debug_rule(bool debug, const JudgeContext& context) {
  const bool allowed = context.expected.debug_allowed;
  return outcome(!debug || allowed,
                 {.name = "debug",
                  .code = "debug",
                  .expected = allowed ? "any" : "off",
                  .seen = debug ? "on" : "off",
                  .advice = "the host can read this enclave's memory: start it without debug"});
}

}  // namespace penstock::attest
