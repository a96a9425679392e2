#include "cli/topic_opener.h"

#include "base/clock.h"
#include "cli/folder.h"
#include "seal/grant.h"
#include "topics/read_to_end.h"

namespace penstock::cli {
namespace {

constexpr std::size_t kFetchBytes = 256 << 10;

seal::RecordContext context_of(const topics::RecordView& record, std::int32_t partition) {
  return {.key = record.key ? Slice::of(*record.key) : Slice{},
          .timestamp_ms = record.timestamp_ms,
          .path = std::nullopt,
          .partition = partition};
}

}  // namespace

Result<std::unique_ptr<TopicOpener>> TopicOpener::create(topics::Log& log,
                                                         const seal::KeySource& keys,
                                                         const std::string& topic,
                                                         const std::string& policy) {
  std::string id = policy;
  if (id.empty()) id = TRY(seal::policy_for_topic(keys, topic))->id();
  std::unique_ptr<seal::Opener> opener =
      TRY(seal::Opener::create({.topic = topic, .policy_id = id}, keys));
  std::unique_ptr<TopicOpener> out(new TopicOpener(log, std::move(opener)));
  TRY(out->read_grants());
  return out;
}

Result<> TopicOpener::open_grants() {
  topics::TopicName name = TRY(topics::TopicName::parse(seal::grants_topic(opener_->topic())));
  std::optional<topics::TopicInfo> info = TRY(find_topic(log_, name));
  if (!info) return {};
  for (std::size_t i = 0; i < info->partitions.size(); ++i)
    grants_.push_back(
        TRY(log_.reader({name, static_cast<std::int32_t>(i)}, info->partitions[i].first)));
  return {};
}

Result<bool> TopicOpener::read_grants() {
  if (grants_.empty()) TRY(open_grants());
  bool taken = false;
  topics::ReadBuffer buffer;
  for (const auto& reader : grants_) {
    topics::Offset end = TRY(reader->end());
    while (TRY(topics::next_before(log_, *reader, end, buffer, kFetchBytes)) > 0) {
      for (std::size_t i = 0; i < buffer.size(); ++i) {
        topics::RecordView grant = buffer[i];
        if (!grant.key || !grant.value) continue;
        Result<seal::EpochName> epoch =
            opener_->add_grant(*grant.key, *grant.value, system_clock().now_ms());
        taken |= epoch.has_value();
        if (!epoch && !refused_grant_) refused_grant_ = epoch.error();
      }
    }
  }
  return taken;
}

Result<seal::OpenOutcome> TopicOpener::open(const topics::RecordView& record,
                                            std::int32_t partition, Order order, ByteBuffer& out) {
  if (!record.value) return seal::OpenOutcome::bare_null;
  seal::RecordContext context = context_of(record, partition);
  auto attempt = [&] {
    if (order == Order::any) return opener_->open_in_any_order(context, *record.value, out);
    return opener_->open(context, *record.value, guards_[partition], out);
  };
  seal::OpenOutcome outcome = attempt();
  if (seal::Opener::may_open_later(outcome) && TRY(read_grants())) outcome = attempt();
  return outcome;
}

std::vector<std::pair<std::int32_t, seal::GapTotals>> TopicOpener::missing() const {
  std::vector<std::pair<std::int32_t, seal::GapTotals>> out;
  for (const auto& [partition, guard] : guards_)
    if (guard.totals() != seal::GapTotals{}) out.emplace_back(partition, guard.totals());
  return out;
}

}  // namespace penstock::cli
