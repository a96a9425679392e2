// Topics that this process has committed to a moment ago. Kafka answers a commit before readers of
// committed records see it (the coordinator writes its markers afterwards), so whoever asks for the
// end of such a topic waits until what was there when he asked is visible.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <span>

#include "topics/kafka/admin.h"

namespace penstock::topics::kafka {

class FreshCommits {
 public:
  explicit FreshCommits(Admin& admin) : admin_(admin) {}

  void note(const TopicName& topic);
  // Returns when our own commits up to now are visible in these partitions, or after two seconds
  // (another writer's transaction is in the way: then it cannot be told).
  Result<> settle(const TopicName& topic, std::span<const std::int32_t> partitions);
  // Of all topics, as far as they can be asked: what others read after our end holds what we wrote.
  void settle_all();

 private:
  using Time = std::chrono::steady_clock::time_point;
  Admin& admin_;
  std::mutex mutex_;
  std::map<TopicName, Time> noted_;
};

}  // namespace penstock::topics::kafka
