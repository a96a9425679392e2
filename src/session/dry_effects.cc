#include "session/dry_effects.h"

namespace penstock::session {

Result<std::optional<std::int32_t>> partitions_in(topics::Log& log,
                                                  const topics::TopicName& topic) {
  auto info = log.describe(topic);
  if (info) return info->spec.partitions;
  if (info.error().code() == ErrorCode::not_found) return std::nullopt;
  return fail(std::move(info).error());
}

Result<std::optional<std::int32_t>> DryEffects::partitions(const topics::TopicName& topic) {
  if (const auto at = changed_.find(topic); at != changed_.end()) return at->second;
  return partitions_in(log_, topic);
}

Result<> DryEffects::create_topic(const topics::TopicSpec& spec) {
  changed_.insert_or_assign(spec.name, spec.partitions);
  return {};
}

Result<> DryEffects::remove_topic(const topics::TopicName& topic) {
  changed_.insert_or_assign(topic, std::nullopt);
  return {};
}

}  // namespace penstock::session
