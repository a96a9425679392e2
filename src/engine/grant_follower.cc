#include "engine/grant_follower.h"

#include <map>
#include <tuple>

#include "base/log.h"
#include "engine/limits.h"
#include "seal/grant.h"
#include "topics/read_to_end.h"

namespace penstock::engine {
namespace {

// What makes followers differ: a process may have several logs, and key sources with other
// policies and keys under equal names.
using FollowerKey =
    std::tuple<const topics::Log*, std::string, seal::PolicyDigest, crypto::Thumbprint>;

struct Followers {
  std::mutex mutex;
  std::map<FollowerKey, std::weak_ptr<GrantFollower>> all;
};

Followers& followers() {
  static Followers of_process;
  return of_process;
}

}  // namespace

Result<std::shared_ptr<GrantFollower>> GrantFollower::share(topics::Log& log,
                                                            const std::string& topic,
                                                            const std::string& policy_id,
                                                            const seal::KeySource& keys,
                                                            std::size_t grants_max) {
  std::shared_ptr<GrantFollower> made(new GrantFollower(log, topic));
  made->epochs_ = TRY(seal::EpochStore::create(
      {.topic = topic, .policy_id = policy_id, .grants_max = grants_max}, keys, *made));
  FollowerKey key{&log, topic, made->epochs_->policy().digest(),
                  keys.reader_key(policy_id)->public_key().thumbprint()};
  std::lock_guard lock(followers().mutex);
  std::erase_if(followers().all, [](const auto& entry) { return entry.second.expired(); });
  std::weak_ptr<GrantFollower>& known = followers().all[key];
  if (std::shared_ptr<GrantFollower> follower = known.lock()) return follower;
  known = made;
  return made;
}

Result<ByteBuffer> GrantFollower::fetch(seal::GrantPlace place) {
  topics::TopicName name = TRY(topics::TopicName::parse(seal::grants_topic(topic_)));
  std::lock_guard lock(fetching_);
  return windows_.fetch(name, place);
}

Result<> GrantFollower::catch_up(std::chrono::steady_clock::time_point since) {
  std::lock_guard lock(reading_);
  if (full_) return fail(*full_);
  if (read_since_ && *read_since_ >= since) return {};  // somebody else has done it
  auto now = std::chrono::steady_clock::now();
  Result<> read = read_to_end();
  if (read) {
    read_since_ = now;
    return {};
  }
  Error error = read.error().in("reading grants of topic '" + topic_ + "'");
  if (error.code() == ErrorCode::limit_exceeded) full_ = error;  // what came behind is lost
  if (error.code() == ErrorCode::not_found) readers_.clear();    // the topic was taken away
  return fail(error);
}

Result<> GrantFollower::read_to_end() {
  if (readers_.empty()) TRY(open_readers());
  for (std::size_t i = 0; i < readers_.size(); ++i)
    TRY(read_partition(static_cast<std::int32_t>(i), *readers_[i]));
  return {};
}

Result<> GrantFollower::open_readers() {
  topics::TopicName name = TRY(topics::TopicName::parse(seal::grants_topic(topic_)));
  Result<topics::TopicInfo> info = log_.describe(name);
  if (!info && info.error().code() == ErrorCode::not_found) return {};
  if (!info) return fail(info.error());
  std::vector<std::unique_ptr<topics::Reader>> readers;
  for (std::size_t i = 0; i < info->partitions.size(); ++i) {
    topics::TopicPartition partition{name, static_cast<std::int32_t>(i)};
    readers.push_back(TRY(log_.reader(partition, info->partitions[i].first)));
  }
  readers_ = std::move(readers);
  return {};
}

Result<> GrantFollower::read_partition(std::int32_t partition, topics::Reader& reader) {
  topics::Offset end = TRY(reader.end());
  topics::ReadBuffer buffer;
  while (TRY(topics::next_before(log_, reader, end, buffer, kGrantFetchBytes)) > 0) {
    TRY(take(partition, buffer));
    if (reader.position() < end) continue;
    std::lock_guard lock(fetching_);
    windows_.put(partition, buffer, reader.position());
  }
  return {};
}

Result<> GrantFollower::take(std::int32_t partition, const topics::ReadBuffer& buffer) {
  std::size_t refused = 0;
  std::optional<std::pair<topics::Offset, Error>> first;
  for (std::size_t row = 0; row < buffer.size(); ++row) {
    if (buffer.values[row].is_null()) continue;  // a grant that was withdrawn
    Result<> added = epochs_->add(buffer.keys[row].bytes(), {partition, buffer.offsets[row]});
    if (added) continue;
    if (added.error().code() == ErrorCode::limit_exceeded) return added;
    ++refused;
    if (!first) first.emplace(buffer.offsets[row], added.error());
  }
  if (first)
    log::warning("grants refused", {{"topic", log::Public(topic_)},
                                    {"partition", partition},
                                    {"refused", refused},
                                    {"first_offset", first->first},
                                    {"first_error", first->second}});
  return {};
}

}  // namespace penstock::engine
