#include "topics/kafka/topic_table.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/log.h"
#include "topics/commit_limits.h"
#include "topics/kafka/limits.h"

namespace penstock::topics::kafka {
namespace {

std::string_view value_of(const TopicSettings& settings, const std::string& name) {
  auto found = settings.find(name);
  return found == settings.end() ? std::string_view() : found->second;
}

std::optional<std::int64_t> number_of(const TopicSettings& settings, const std::string& name) {
  const std::string_view text = value_of(settings, name);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Retention retention_of(const TopicSettings& settings) {
  Retention retention;
  const bool deletes = value_of(settings, "cleanup.policy").contains("delete");
  const auto age_ms = number_of(settings, "retention.ms");
  const auto bytes = number_of(settings, "retention.bytes");
  if (deletes && age_ms && *age_ms >= 0) retention.age = std::chrono::milliseconds(*age_ms);
  if (deletes && bytes && *bytes >= 0) retention.bytes = static_cast<std::uint64_t>(*bytes);
  return retention;
}

TopicRules rules_of(const TopicSettings& settings) {
  TopicRules rules;
  // librdkafka takes 0 for "now", and Kafka's clients take negative times for "none".
  rules.timestamp_ms_min = 1;
  rules.keeps_timestamps = value_of(settings, "message.timestamp.type") != "LogAppendTime";
  std::size_t bytes = 0;
  std::string_view text = value_of(settings, "max.message.bytes");
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), bytes);
  if (ec == std::errc() && end == text.data() + text.size())
    rules.record_bytes_max =
        std::min(kRecordBytesMax, bytes - std::min(bytes, kRecordOverheadBytes));
  return rules;
}

}  // namespace

TopicSettings settings_of(const Retention& retention) {
  return {{"retention.ms", retention.age ? std::to_string(retention.age->count()) : "-1"},
          {"retention.bytes", retention.bytes ? std::to_string(*retention.bytes) : "-1"}};
}

void TopicTable::doubt(const TopicName& name) {
  std::lock_guard lock(mutex_);
  auto found = topics_.find(name);
  if (found == topics_.end()) return;
  TopicFacts old = *found->second;
  old.seen = {};
  found->second = std::make_shared<const TopicFacts>(std::move(old));
}

TopicRef TopicTable::seen(const TopicName& name) {
  std::lock_guard lock(mutex_);
  auto found = topics_.find(name);
  return found != topics_.end() && !*found->second->removed ? found->second : nullptr;
}

Result<TopicRef> TopicTable::find(const TopicName& name) {
  if (TopicRef topic = seen(name)) return topic;
  return look(name);
}

Result<TopicRef> TopicTable::look(const TopicName& name) {
  Result<TopicShape> shape = admin_.shape(name.text());
  if (!shape) {
    if (shape.error().code() != ErrorCode::not_found) return fail(shape.error());
    settle(name, nullptr);
    return fail(no_such_topic(name));
  }
  {
    std::lock_guard lock(mutex_);
    auto found = topics_.find(name);
    if (found != topics_.end() && found->second->id == shape->id &&
        found->second->spec.partitions == shape->partitions &&
        std::chrono::steady_clock::now() - found->second->seen < kTopicFactsAge)
      return found->second;
  }
  TopicFacts now = TRY(ask(name, shape->id, shape->partitions));
  settle(name, &now);
  std::lock_guard lock(mutex_);
  TopicRef& known = topics_[name];
  if (known != nullptr) now.removed = known->removed;
  return known = std::make_shared<const TopicFacts>(std::move(now));
}

Result<TopicFacts> TopicTable::ask(const TopicName& name, const std::string& id,
                                   std::int32_t partitions) {
  TopicSettings settings = TRY(admin_.settings(name.text()));
  bool compacted = value_of(settings, "cleanup.policy").find("compact") != std::string_view::npos;
  return TopicFacts{.spec = {.name = name,
                             .partitions = partitions,
                             .compacted = compacted,
                             .retention = retention_of(settings)},
                    .id = id,
                    .rules = rules_of(settings),
                    .seen = std::chrono::steady_clock::now(),
                    .removed = std::make_shared<std::atomic<bool>>(false)};
}

void TopicTable::settle(const TopicName& name, const TopicFacts* now) {
  std::lock_guard lock(mutex_);
  auto found = topics_.find(name);
  if (found == topics_.end() || (now != nullptr && found->second->id == now->id)) return;
  bool noticed = found->second->removed->exchange(true);
  topics_.erase(found);
  if (now == nullptr || noticed) return;
  (void)figures_.note("topic_recreated", {name, 0},
                      fmt::format("topic '{}' was deleted and made again under its name while it "
                                  "was in use",
                                  name.text()));
}

void TopicTable::forget(const TopicName& name) {
  settle(name, nullptr);
}

std::vector<TopicName> TopicTable::known() {
  std::lock_guard lock(mutex_);
  std::vector<TopicName> names;
  for (const auto& [name, facts] : topics_) names.push_back(name);
  return names;
}

void TopicTable::look_at_all() {
  for (const TopicName& name : known()) {
    (void)look(name);
  }
}

}  // namespace penstock::topics::kafka
