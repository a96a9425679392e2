#include "topics/kafka/changelog_replica.h"

#include "base/log.h"
#include "topics/kafka/task_names.h"

namespace penstock::topics::kafka {
namespace {

constexpr std::chrono::seconds kReplicaLookEvery{2};
constexpr std::chrono::milliseconds kReplicaPause{100};
constexpr std::size_t kReadBytes = 1 << 20;

}  // namespace

ChangelogReplica::ChangelogReplica(Log& log, Core& core)
    : log_(log), core_(core), thread_([this] { run(); }) {}

ChangelogReplica::~ChangelogReplica() {
  ending_ = true;
  thread_.join();
}

Offset ChangelogReplica::lend(const TopicPartition& changelog, ChangelogContent& content) {
  std::lock_guard lock(mutex_);
  auto found = followed_.find(changelog);
  if (found == followed_.end()) return 0;
  content = found->second.content;
  return found->second.next;
}

void ChangelogReplica::run() {
  auto look_at = std::chrono::steady_clock::now();
  while (!ending_) {
    if (std::chrono::steady_clock::now() >= look_at) {
      look_for_changelogs();
      look_at = std::chrono::steady_clock::now() + kReplicaLookEvery;
    }
    if (!follow_all()) std::this_thread::sleep_for(kReplicaPause);
  }
  std::lock_guard lock(mutex_);
  followed_.clear();
}

void ChangelogReplica::look_for_changelogs() {
  Result<std::vector<std::string>> names = core_.admin->topics();
  if (!names) return;
  for (const std::string& text : *names) {
    if (!is_internal(core_.options.service_id, text) ||
        text == members_topic(core_.options.service_id))
      continue;
    auto name = TopicName::parse(text);
    if (!name) continue;
    auto topic = core_.topics.look(*name);
    if (!topic) continue;
    auto info = log_.describe(*name);
    if (!info) continue;
    for (std::size_t p = 0; p < info->partitions.size() && !ending_; ++p) {
      TopicPartition at{*name, static_cast<std::int32_t>(p)};
      std::lock_guard lock(mutex_);
      auto known = followed_.find(at);
      if (known != followed_.end() && known->second.topic_id == (*topic)->id) continue;
      auto reader = log_.reader(at, info->partitions[p].first);
      if (!reader) continue;
      followed_.insert_or_assign(
          at, Followed{(*topic)->id, std::move(*reader), {}, info->partitions[p].first});
    }
  }
}

bool ChangelogReplica::follow_all() {
  bool read = false;
  ReadBuffer buffer;
  std::lock_guard lock(mutex_);
  for (auto at = followed_.begin(); at != followed_.end();) {
    Followed& one = at->second;
    Result<std::size_t> count = one.reader->next(buffer, kReadBytes);
    bool good = count.has_value();
    for (std::size_t i = 0; good && i < *count; ++i) good = one.content.take(buffer[i]).has_value();
    if (!good) {  // found again, or not, at the next look; whoever needs it reads it himself
      at = followed_.erase(at);
      continue;
    }
    one.next = one.reader->position();
    read = read || *count > 0;
    ++at;
  }
  return read;
}

}  // namespace penstock::topics::kafka
