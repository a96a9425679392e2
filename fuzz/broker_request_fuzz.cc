// links: manager keys attest crypto base
// Bodies of the key broker protocol, its cookie, and evidence behind them, as strangers send them.
#include <cstdint>
#include <string_view>

#include "attest/initdata.h"
#include "attest/report_data.h"
#include "attest/verifier.h"
#include "manager/broker_messages.h"
#include "manager/measured_facts.h"
#include "manager/sessions.h"
#include "manager/verify_request.h"

namespace {

using namespace penstock;

void check_auth(std::string_view body) {
  const auto request = manager::parse_auth_request(body);
  if (!request && request.error().text().empty()) __builtin_trap();
  if (request && (!request->version.starts_with("0.4.") || request->tee.empty())) __builtin_trap();
  if (!request) return;
  // What a challenge carries is made of what came; TPMs send keys and a certificate.
  for (const attest::Verifier& verifier : attest::builtin_verifiers()) {
    const auto extra = verifier.challenge(request->extra_params, crypto::system_random());
    if (extra && extra->tpm && extra->tpm->secret.size() != 32) __builtin_trap();
  }
}

void check_verification(std::string_view body) {
  const auto request = manager::parse_verify_request(body);
  if (!request) {
    if (request.error().text().empty()) __builtin_trap();
    return;
  }
  // Evidence that is bound to nothing is never judged.
  if (request->tee.size() > body.size() || request->evidence.size() > body.size()) __builtin_trap();
  attest::Expectations expected{};
  expected.runtime_data = request->runtime_data;
  const auto verdict = attest::judge(request->tee, request->evidence, expected, {});
  if (verdict && verdict->affirming()) __builtin_trap();
}

void check_attest(std::string_view body) {
  const auto request = manager::parse_attest_request(body);
  if (!request) {
    if (request.error().text().empty()) __builtin_trap();
    return;
  }
  // What is bound must be the same however often the key is read.
  const auto again = crypto::JweRecipient::from_jwk(request->key.jwk(), "key");
  if (!again || !(*again == request->key)) __builtin_trap();
  attest::Expectations expected{};
  if (const auto data =
          attest::report_data(request->additional, request->nonce, request->key.jwk()))
    expected.report_data = *data;
  for (const attest::Verifier& verifier : attest::builtin_verifiers()) {
    const auto verdict = attest::judge(verifier.tee, request->evidence, expected, {});
    // Nothing is believed without anchors.
    if (verdict && verdict->affirming()) __builtin_trap();
  }
}

void check_lease(std::string_view body) {
  const auto request = manager::parse_lease_request(body);
  if (!request) return;
  const auto again = keys::parse_held_checkpoint(keys::to_json(request->checkpoint), "again");
  if (!again || !(*again == request->checkpoint)) __builtin_trap();
  // Nothing is behind itself, and nothing passes for what is behind.
  const auto same = keys::compare(request->checkpoint, request->checkpoint);
  if (same.progress != keys::Progress::onward) __builtin_trap();
}

// What is hashed unread must be what is hashed by who reads it.
void check_configuration(std::string_view text) {
  if (!manager::measured_facts(text)) return;
  const auto unread = manager::unparsed_digest(text);
  const auto read = attest::initdata_digest(text);
  if (!unread || !read || *unread != *read) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_auth(text);
  check_attest(text);
  check_verification(text);
  check_lease(text);
  check_configuration(text);
  const auto id = penstock::manager::session_cookie(text);
  if (id && !id->empty() && id->size() != 32) __builtin_trap();
  return 0;
}
