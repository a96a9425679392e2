#include "engine/payload_opener.h"

#include <utility>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"

namespace penstock::engine {
namespace {

constexpr std::chrono::seconds kClockEvery{30};  // looks whether grants have ended
constexpr std::string_view kPayloadStore = "payload_windows";
constexpr std::string_view kNotSealed = "payload_not_sealed";

}  // namespace

PayloadOpener::~PayloadOpener() {
  wipe(body_);
}

Result<std::unique_ptr<PayloadOpener>> PayloadOpener::create(topics::Log& log,
                                                             const seal::KeySource* keys,
                                                             const std::string& topic,
                                                             const std::string& policy) {
  if (keys == nullptr)
    return fail(ErrorCode::permission_denied,
                fmt::format("payloads that are sealed for topic '{}': no keys are loaded", topic));
  std::shared_ptr<GrantFollower> follower = TRY(GrantFollower::share(log, topic, policy, *keys));
  TRY(follower->catch_up(std::chrono::steady_clock::now()));
  std::shared_ptr<seal::EpochStore> epochs(follower, &follower->epochs());
  auto committed = TRY(seal::Opener::create(std::move(epochs), system_clock().now_ms()));
  auto fresh = TRY(seal::Opener::create({.topic = topic, .policy_id = policy}, *keys));
  return std::unique_ptr<PayloadOpener>(new PayloadOpener(  // the constructor is private
      std::move(follower), std::move(committed), std::move(fresh)));
}

Result<> PayloadOpener::restore(const StoredState& state) {
  for (const StoredState::Entry& entry : state.of(kPayloadStore)) {
    const auto window = TRY(seal::PayloadGuard::parse_entry(entry.key, entry.value));
    TRY(guard_.restore(window));
  }
  return {};
}

Result<> PayloadOpener::open(SourceBatch& batch, bool keep_keys) {
  const auto now = std::chrono::steady_clock::now();
  committed_->fetched_at(now);
  if (now >= next_clock_) {
    for (seal::Opener* opener : {fresh_.get(), committed_.get()})
      opener->set_time(system_clock().now_ms());
    next_clock_ = now + kClockEvery;
  }
  batch.grants.clear();
  batch.refused_are_sealed = true;
  opened_.clear();
  const auto refused_before = std::exchange(batch.refused, {});
  auto refused = refused_before.begin();
  for (std::size_t row = 0; row < batch.records.size(); ++row) {
    if (refused != refused_before.end() && refused->first == row) {
      batch.refused.emplace_back(opened_.size(), (refused++)->second);
      opened_.append(batch.records[row]);
    } else {
      TRY(take(batch.records[row], keep_keys, batch));
    }
  }
  std::swap(batch.records, opened_);
  return {};
}

Result<> PayloadOpener::take(const topics::RecordView& record, bool keep_key, SourceBatch& batch) {
  const ByteView payload = record.value.value_or(ByteView());
  const seal::SealedPayload read = seal::read_payload(payload, scratch_);
  if (read.kind == seal::PayloadKind::grant) return take_grant(read, batch);
  std::string_view reason = kNotSealed;
  if (read.kind == seal::PayloadKind::record) {
    const auto outcome = TRY(open_record(record.key.value_or(ByteView()), read.value));
    if (outcome == seal::OpenOutcome::replayed) {
      ++counts_.repeats;
      return {};
    }
    if (seal::is_opened(outcome)) {
      topics::RecordView out = record;
      out.value = ByteView(body_);
      if (outcome == seal::OpenOutcome::tombstone) out.value = std::nullopt;
      if (!keep_key) out.key = std::nullopt;
      opened_.append(out);
      return {};
    }
    reason = seal::reason_code(outcome);
  }
  batch.refused.emplace_back(opened_.size(), reason);
  opened_.append(record);
  return {};
}

// Devices send their grant again and again: what is known is not verified once more.
Result<> PayloadOpener::take_grant(const seal::SealedPayload& grant, SourceBatch& batch) {
  std::string name(as_text(grant.key));
  if (known_.contains(name)) return {};
  const std::int64_t now_ms = system_clock().now_ms();
  const seal::EpochName epoch = TRY(seal::epoch_name_from(grant.key));
  if (!TRY(follower_->epochs().verifies(epoch, now_ms / 1000))) {
    const auto added = fresh_->add_grant(grant.key, grant.value, now_ms);
    if (!added) {
      if (counts_.grants_refused++ == 0)
        log::warning("a grant that came among payloads is refused; more of them are only counted",
                     {{"reason", added.error()}});
      return {};
    }
    batch.grants.append({.key = grant.key, .value = grant.value, .timestamp_ms = now_ms});
  }
  known_.insert(std::move(name));
  return {};
}

Result<seal::OpenOutcome> PayloadOpener::open_record(ByteView channel, ByteView record) {
  forget_bodies();
  const seal::RecordContext context = seal::payload_context(as_text(channel));
  seal::OpenOutcome outcome = fresh_->open(context, record, guard_, body_);
  if (seal::Opener::may_open_later(outcome)) {
    const auto here = std::exchange(outcome, committed_->open(context, record, guard_, body_));
    if (outcome == seal::OpenOutcome::unknown_epoch) outcome = here;
  }
  if (outcome == seal::OpenOutcome::no_keys) return fail(*committed_->trouble());
  if (outcome == seal::OpenOutcome::too_many_epochs)
    return fail(ErrorCode::limit_exceeded,
                "sealed payloads of more epochs than can be followed; their policy must end");
  return outcome;
}

void PayloadOpener::forget_bodies() {
  wipe(body_);
  body_.clear();
}

void PayloadOpener::write_state(topics::StateWrites& state) {
  StoreWrites windows(kPayloadStore, state);
  for (const seal::PayloadGuard::Entry& entry : guard_.take_changes())
    windows.put(seal::to_bytes(entry.epoch), seal::PayloadGuard::encode_value(entry));
}

}  // namespace penstock::engine
