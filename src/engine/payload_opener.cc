#include "engine/payload_opener.h"

#include <utility>

#include <fmt/format.h>

#include "base/log.h"
#include "base/secret.h"

namespace penstock::engine {
namespace {

constexpr std::string_view kPayloadStore = "payload_windows";
constexpr std::string_view kNotSealed = "payload_not_sealed";

std::string_view stored_name(ByteView name) {
  return as_text(name);
}

}  // namespace

PayloadOpener::~PayloadOpener() {
  wipe(body_);
}

Result<std::unique_ptr<PayloadOpener>> PayloadOpener::create(topics::Log& log,
                                                             const seal::KeySource* keys,
                                                             const Clock& clock,
                                                             const std::string& topic,
                                                             std::string policy) {
  if (keys == nullptr)
    return fail(ErrorCode::permission_denied,
                fmt::format("payloads that are sealed for topic '{}': no keys are loaded", topic));
  if (policy.empty()) policy = TRY(seal::policy_for_topic(*keys, topic))->id();
  std::shared_ptr<GrantFollower> follower = TRY(GrantFollower::share(log, topic, policy, *keys));
  TRY(follower->catch_up(std::chrono::steady_clock::now()));
  // Not owned: the follower keeps it.
  std::shared_ptr<seal::EpochStore> epochs(follower, &follower->epochs());
  auto committed = TRY(seal::Opener::create(std::move(epochs), clock.now_ms()));
  auto fresh = TRY(seal::Opener::create({.topic = topic, .policy_id = policy}, *keys));
  return std::unique_ptr<PayloadOpener>(
      new PayloadOpener(clock, std::move(follower), std::move(committed), std::move(fresh)));
}

Result<> PayloadOpener::restore(const StoredState& state) {
  for (const StoredState::Entry& entry : state.of(kPayloadStore)) {
    const auto window = TRY(seal::PayloadGuard::parse_entry(entry.key, entry.value));
    TRY(guard_.restore(window));
  }
  return {};
}

void PayloadOpener::begin() {
  grants_.clear();
  committed_->fetched_at(std::chrono::steady_clock::now());
}

Result<PayloadOpener::Payload> PayloadOpener::open(std::string_view channel, ByteView payload) {
  wipe(body_);
  body_.clear();
  const seal::SealedPayload read = seal::read_payload(payload, scratch_);
  switch (read.kind) {
    case seal::PayloadKind::grant:
      return take_grant(read);
    case seal::PayloadKind::record:
      return open_record(channel, read.value);
    case seal::PayloadKind::other:
      break;
  }
  return Payload{.got = Got::refused, .body = {}, .reason = kNotSealed};
}

// Devices send their grant again and again: what is known is not verified once more.
Result<PayloadOpener::Payload> PayloadOpener::take_grant(const seal::SealedPayload& grant) {
  const Payload taken{.got = Got::grant, .body = {}, .reason = {}};
  if (known_.contains(std::string(stored_name(grant.key)))) return taken;
  const std::int64_t now_ms = clock_.now_ms();
  const Result<seal::EpochName> epoch = seal::epoch_name_from(grant.key);
  bool followed = false;
  if (epoch) followed = TRY(follower_->epochs().verifies(*epoch, now_ms / 1000));
  if (!followed) {
    const Result<seal::EpochName> added = fresh_->add_grant(grant.key, grant.value, now_ms);
    if (!added) {
      if (grants_refused_++ == 0)
        log::warning("a grant that came with payloads is refused", {{"reason", added.error()}});
      return taken;
    }
    grants_.append({.key = grant.key, .value = grant.value, .timestamp_ms = now_ms});
  }
  known_.insert(std::string(stored_name(grant.key)));
  return taken;
}

Result<PayloadOpener::Payload> PayloadOpener::open_record(std::string_view channel,
                                                          ByteView record) {
  const seal::RecordContext context = seal::payload_context(channel);
  seal::OpenOutcome outcome = fresh_->open(context, record, guard_, body_);
  if (seal::Opener::may_open_later(outcome)) {
    const auto here = std::exchange(outcome, committed_->open(context, record, guard_, body_));
    if (outcome == seal::OpenOutcome::unknown_epoch) outcome = here;
  }
  switch (outcome) {
    case seal::OpenOutcome::ok:
    case seal::OpenOutcome::tombstone:
      return Payload{.got = Got::body, .body = body_, .reason = {}};
    case seal::OpenOutcome::replayed:
      ++repeats_;
      return Payload{.got = Got::repeat, .body = {}, .reason = {}};
    case seal::OpenOutcome::no_keys:
      return fail(*committed_->trouble());
    case seal::OpenOutcome::too_many_epochs:
      return fail(ErrorCode::limit_exceeded,
                  "sealed payloads of more epochs than can be followed; the policy must end");
    default:
      return Payload{.got = Got::refused, .body = {}, .reason = seal::reason_code(outcome)};
  }
}

void PayloadOpener::write_state(topics::StateWrites& state) {
  StoreWrites windows(kPayloadStore, state);
  for (const seal::PayloadGuard::Entry& entry : guard_.take_changes())
    windows.put(seal::to_bytes(entry.epoch), seal::PayloadGuard::encode_value(entry));
}

}  // namespace penstock::engine
