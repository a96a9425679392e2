#include "engine/sealed_source.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"
#include "engine/limits.h"
#include "engine/seal_access.h"
#include "seal/limits.h"

namespace penstock::engine {
namespace {

// Keys of kSealStore.
constexpr std::uint8_t kPinKey = 'p', kTotalsKey = 'g';
constexpr std::uint8_t kPinVersion = 1;
constexpr std::size_t kPinBytes = 5;

std::int32_t partitions_of(const topics::TopicInfo& topic) {
  return static_cast<std::int32_t>(topic.partitions.size());
}

ByteBuffer encode_pin(std::int32_t partitions) {
  auto number = static_cast<std::uint32_t>(partitions);
  ByteBuffer out = {kPinVersion};
  for (int shift = 24; shift >= 0; shift -= 8)
    out.push_back(static_cast<std::uint8_t>(number >> shift));
  return out;
}

Result<std::int32_t> parse_pin(ByteView bytes) {
  if (bytes.size() != kPinBytes || bytes[0] != kPinVersion)
    return fail(ErrorCode::corrupt,
                fmt::format("stored number of partitions: expected {} bytes of version {}",
                            kPinBytes, kPinVersion));
  std::uint32_t number = 0;
  for (std::uint8_t byte : bytes.subspan(1)) number = number << 8 | byte;
  return static_cast<std::int32_t>(number);
}

void add_epoch(std::vector<MissingRecords::Epoch>& list, const MissingRecords::Epoch& gap,
               std::size_t max) {
  auto same = [&](const MissingRecords::Epoch& known) {
    return known.epoch == gap.epoch && known.head == gap.head;
  };
  auto found = std::ranges::find_if(list, same);
  if (found != list.end()) {
    found->missing += gap.missing;
    return;
  }
  if (list.size() >= max) list.erase(list.begin());
  list.push_back(gap);
}

}  // namespace

Result<> require_partitions(const topics::TopicInfo& topic, const seal::TopicSettings& settings,
                            std::string_view policy_id) {
  if (!settings.partitions || *settings.partitions == partitions_of(topic)) return {};
  return fail(
      ErrorCode::failed_precondition,
      fmt::format("topic '{0}' has {1} partitions and the configuration says {2} "
                  "(policies.{3}.topics.{0}.partitions): partitions are hidden, or were "
                  "added; correct whichever is wrong",
                  topic.spec.name.text(), partitions_of(topic), *settings.partitions, policy_id));
}

SealedSource::SealedSource(topics::Log& log, const RuntimeOptions& options,
                           topics::TopicPartition from, std::string policy_id,
                           seal::TopicSettings settings)
    : log_(log),
      clock_(options.clock != nullptr ? *options.clock : system_clock()),
      from_(std::move(from)),
      policy_id_(std::move(policy_id)),
      settings_(settings),
      guard_(settings.compacted ? seal::SequenceGuard::Order::compacted
                                : seal::SequenceGuard::Order::dense) {}

Result<std::unique_ptr<SealedSource>> SealedSource::create(topics::Log& log,
                                                           const seal::KeySource* keys,
                                                           const RuntimeOptions& options,
                                                           const sql::StreamInfo& stream,
                                                           topics::TopicPartition from) {
  const std::string& policy = stream.seal.policy;
  TRY(require_policy(keys, stream.topic, policy));
  TRY(require_kept_timestamps(TRY(log.describe(from.topic))));
  std::unique_ptr<SealedSource> source(new SealedSource(
      log, options, std::move(from), policy, options.sealed_topics.of(policy, stream.topic)));
  std::shared_ptr<GrantFollower> grants =
      TRY(GrantFollower::share(log, stream.topic, policy, *keys));
  TRY(grants->catch_up(std::chrono::steady_clock::now()));
  std::shared_ptr<seal::EpochStore> epochs(grants, &grants->epochs());
  source->opener_ = TRY(seal::Opener::create(std::move(epochs), source->clock_.now_ms()));
  return source;
}

Result<> SealedSource::restore(const StoredState& state, std::size_t input) {
  for (const StoredState::Entry& entry : state.of(store_of_input(kGuardStore, input)))
    TRY(guard_.restore(TRY(seal::SequenceGuard::parse_entry(entry.key, entry.value))));
  for (const StoredState::Entry& entry : state.of(store_of_input(kSealStore, input))) {
    if (entry.key.size() == 1 && entry.key[0] == kPinKey) {
      pinned_partitions_ = TRY(parse_pin(entry.value));
      pin_is_stored_ = true;
    } else if (entry.key.size() == 1 && entry.key[0] == kTotalsKey) {
      stored_totals_ = TRY(seal::parse_gap_totals(entry.value));
      guard_.restore_totals(stored_totals_);
      missing_.totals = stored_totals_;
    } else {
      return fail(ErrorCode::corrupt, "stored state of a sealed input: an unknown entry");
    }
  }
  return {};
}

Result<> SealedSource::start() {
  next_look_ = std::chrono::steady_clock::now() + kSealLookInterval;
  return check_partitions();
}

Result<> SealedSource::check_partitions() {
  topics::TopicInfo info = TRY(log_.describe(from_.topic));
  TRY(require_partitions(info, settings_, policy_id_));
  std::int32_t now = partitions_of(info);
  if (pinned_partitions_ == now) return {};
  if (pinned_partitions_ && !settings_.partitions)
    return fail(ErrorCode::failed_precondition,
                fmt::format("topic '{0}' has {1} partitions and had {2} when this query first saw "
                            "it: partitions are hidden, or were added. If its owner changed it, "
                            "put `partitions = {1}` for it under [policies.{3}.topics] of the "
                            "measured configuration, or drop the query and make it anew",
                            from_.topic.text(), now, *pinned_partitions_, policy_id_));
  pinned_partitions_ = now;
  pin_is_stored_ = false;
  return {};
}

Result<> SealedSource::look_around() {
  auto now = std::chrono::steady_clock::now();
  if (now < next_look_) return {};
  next_look_ = now + kSealLookInterval;
  opener_->set_time(clock_.now_ms());  // guards stay: the clock is the host's
  return check_partitions();
}

// A grant is committed with or before its epoch's first record, so one look at the grants covers
// everything that was fetched before it.
Result<> SealedSource::open(const seal::Opener::Batch& batch, bool fresh) {
  TRY(look_around());
  if (fresh) opener_->fetched_at(std::chrono::steady_clock::now());
  opener_->open_batch(batch, guard_, opened_);
  if (opened_.refused() > 0) [[unlikely]] {
    for (const seal::Opened& row : opened_.rows()) {
      if (row.outcome == seal::OpenOutcome::no_keys)
        return fail(opener_->trouble()->in(fmt::format(
            "topic '{}', partition {}: no authentic record is passed over, so the query stops",
            from_.topic.text(), from_.partition)));
      if (row.outcome == seal::OpenOutcome::too_many_epochs)
        return fail(ErrorCode::limit_exceeded,
                    fmt::format("topic '{}', partition {}: records of more than {} epochs, more "
                                "than can be followed; no authentic record is passed over, so the "
                                "query stops",
                                from_.topic.text(), from_.partition, seal::kGuardEpochsMax));
    }
  }
  return note_gaps();
}

Result<> SealedSource::note_gaps() {
  if (guard_.totals() == missing_.totals) [[likely]]
    return {};
  missing_.totals = guard_.totals();
  for (const seal::SequenceGuard::Gap& gap : guard_.take_gaps()) {
    MissingRecords::Epoch epoch{
        .epoch = seal::to_text(gap.epoch), .missing = gap.missing, .head = gap.head};
    if (!gap.head && settings_.on_gap == seal::OnGap::stop)
      return fail(
          ErrorCode::failed_precondition,
          fmt::format("topic '{}', partition {}, epoch {}: {} records were taken out "
                      "between records that are there, and on_gap = \"stop\" is configured. "
                      "Put them back, or configure on_gap = \"count\" to go on without them",
                      from_.topic.text(), from_.partition, epoch.epoch, epoch.missing));
    add_epoch(missing_.epochs, epoch, kGapEpochsShown);
    add_epoch(untold_, epoch, kGapEpochsShown);
  }
  return {};
}

void SealedSource::tell_gaps() {
  for (const MissingRecords::Epoch& gap : untold_) {
    auto say = [&](log::Literal what) {
      log::warning(what, {{"topic", log::Public(from_.topic.text())},
                          {"partition", from_.partition},
                          {"epoch", log::Public(gap.epoch)},
                          {"missing", gap.missing}});
    };
    if (gap.head)
      say("an epoch begins behind its first record: unless the query began there, the log claims "
          "that "
          "older ones were deleted");
    else
      say("records were taken out of a sealed topic");
  }
  untold_.clear();
}

void SealedSource::write_state(topics::StateWrites& state, std::size_t input) {
  StoreWrites guards(store_of_input(kGuardStore, input), state);
  for (const seal::SequenceGuard::Entry& entry : guard_.take_changes())
    guards.put(seal::to_bytes(entry.epoch), seal::SequenceGuard::encode_value(entry));
  StoreWrites seal(store_of_input(kSealStore, input), state);
  if (pinned_partitions_ && !pin_is_stored_)
    seal.put(ByteView(&kPinKey, 1), encode_pin(*pinned_partitions_));
  pin_is_stored_ = true;
  if (stored_totals_ != missing_.totals)
    seal.put(ByteView(&kTotalsKey, 1), seal::encode_gap_totals(missing_.totals));
  stored_totals_ = missing_.totals;
  tell_gaps();
}

}  // namespace penstock::engine
