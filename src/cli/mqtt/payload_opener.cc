#include "cli/mqtt/payload_opener.h"

#include "base/clock.h"
#include "base/secret.h"
#include "seal/payload.h"

namespace penstock::cli {

Result<std::unique_ptr<PayloadOpener>> PayloadOpener::create(const std::string& topic,
                                                             const seal::KeySource& keys) {
  const seal::Policy* policy = TRY(seal::policy_for_topic(keys, topic));
  std::unique_ptr<seal::Opener> opener =
      TRY(seal::Opener::create({.topic = topic, .policy_id = policy->id()}, keys));
  return std::unique_ptr<PayloadOpener>(new PayloadOpener(std::move(opener)));
}

PayloadOpener::Got PayloadOpener::take(std::string_view channel, std::string_view payload,
                                       std::string_view& out) {
  wipe(body_);
  body_.clear();
  const seal::SealedPayload read = seal::read_payload(as_bytes(payload), scratch_);
  if (read.kind == seal::PayloadKind::grant) {
    const auto epoch = opener_->add_grant(read.key, read.value, system_clock().now_ms());
    if (epoch) return Got::grant;
    why_ = epoch.error().text();
    out = why_;
    return Got::refused;
  }
  if (read.kind == seal::PayloadKind::other) {
    out = "neither a sealed record nor a grant";
    return Got::refused;
  }
  const seal::OpenOutcome outcome =
      opener_->open(seal::payload_context(channel), read.value, guard_, body_);
  if (seal::is_opened(outcome)) {
    out = as_text(body_);
    return Got::body;
  }
  out = seal::explain(outcome);
  return Got::refused;
}

}  // namespace penstock::cli
