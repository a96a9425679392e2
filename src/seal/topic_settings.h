// What a reader of sealed topics is told about each of them beside its policy, in the measured
// configuration ([policies.X.topics.T]): what nobody but its owner can say.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace penstock::seal {

// When records are missing between two that are there.
enum class OnGap : std::uint8_t {
  count,  // counted and shown
  stop,   // the query stops
};

struct TopicSettings {
  std::optional<std::int32_t> partitions = std::nullopt;  // none: the number first seen is kept to
  bool compacted = false;  // older records of a key may be missing: no gap check
  OnGap on_gap = OnGap::count;
  friend bool operator==(const TopicSettings&, const TopicSettings&) = default;
};

// By policy id and topic. Filled before it is shared, then immutable.
class TopicSettingsTable {
 public:
  void set(std::string policy_id, std::string topic, TopicSettings settings) {
    settings_[{std::move(policy_id), std::move(topic)}] = settings;
  }
  // Defaults where nothing was said.
  TopicSettings of(const std::string& policy_id, const std::string& topic) const {
    auto found = settings_.find({policy_id, topic});
    return found == settings_.end() ? TopicSettings{} : found->second;
  }
  std::size_t size() const { return settings_.size(); }

 private:
  std::map<std::pair<std::string, std::string>, TopicSettings> settings_;
};

}  // namespace penstock::seal
