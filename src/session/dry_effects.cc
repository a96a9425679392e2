#include "session/dry_effects.h"

namespace penstock::session {

Result<std::optional<topics::TopicSpec>> topic_in(topics::Log& log, const topics::TopicName& name) {
  auto info = log.describe(name);
  if (info) return info->spec;
  if (info.error().code() == ErrorCode::not_found) return std::nullopt;
  return fail(std::move(info).error());
}

Result<std::optional<topics::TopicSpec>> DryEffects::topic(const topics::TopicName& name) {
  if (const auto at = changed_.find(name); at != changed_.end()) return at->second;
  return topic_in(log_, name);
}

Result<> DryEffects::create_topic(const topics::TopicSpec& spec) {
  changed_.insert_or_assign(spec.name, spec);
  return {};
}

Result<> DryEffects::remove_topic(const topics::TopicName& topic) {
  changed_.insert_or_assign(topic, std::nullopt);
  return {};
}

}  // namespace penstock::session
