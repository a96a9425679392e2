#include "topics/kafka/fresh_commits.h"

#include <numeric>
#include <thread>
#include <vector>

namespace penstock::topics::kafka {
namespace {

constexpr std::chrono::seconds kFreshPatience{2};
constexpr std::chrono::milliseconds kPause{2};

bool all_reached(const std::vector<Offset>& ends, const std::vector<Offset>& wanted) {
  for (std::size_t i = 0; i < ends.size(); ++i)
    if (ends[i] < wanted[i]) return false;
  return true;
}

}  // namespace

void FreshCommits::note(const TopicName& topic) {
  std::lock_guard lock(mutex_);
  noted_[topic] = std::chrono::steady_clock::now();
}

Result<> FreshCommits::settle(const TopicName& topic, std::span<const std::int32_t> partitions) {
  Time began = std::chrono::steady_clock::now(), noted;
  {
    std::lock_guard lock(mutex_);
    auto found = noted_.find(topic);
    if (found == noted_.end()) return {};
    noted = found->second;
  }
  std::vector<Offset> wanted = TRY(admin_.offsets(topic.text(), partitions, Admin::Which::end));
  while (!all_reached(TRY(admin_.offsets(topic.text(), partitions, Admin::Which::committed_end)),
                      wanted)) {
    if (std::chrono::steady_clock::now() - began > kFreshPatience) break;
    std::this_thread::sleep_for(kPause);
  }
  std::lock_guard lock(mutex_);
  // Only some partitions may have been asked for: the note stays until it is old.
  auto found = noted_.find(topic);
  if (found != noted_.end() && found->second == noted && began - noted > kFreshPatience)
    noted_.erase(found);
  return {};
}

void FreshCommits::settle_all() {
  std::map<TopicName, Time> noted;
  {
    std::lock_guard lock(mutex_);
    noted = noted_;
  }
  for (const auto& [topic, at] : noted) {
    if (std::chrono::steady_clock::now() - at > kFreshPatience) continue;
    Result<TopicShape> shape = admin_.shape(topic.text());
    if (!shape) continue;
    std::vector<std::int32_t> all(static_cast<std::size_t>(shape->partitions));
    std::iota(all.begin(), all.end(), 0);
    (void)settle(topic, all);
  }
}

}  // namespace penstock::topics::kafka
