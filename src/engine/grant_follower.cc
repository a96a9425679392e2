#include "engine/grant_follower.h"

#include "base/log.h"
#include "engine/limits.h"
#include "seal/grant.h"
#include "topics/read_to_end.h"

namespace penstock::engine {

Result<> GrantFollower::catch_up(std::int64_t now_ms) {
  if (readers_.empty()) TRY(open_readers());
  for (const auto& reader : readers_)
    TRY_IN(read_partition(*reader, now_ms), "reading grants of topic '" + opener_.topic() + "'");
  return {};
}

Result<> GrantFollower::open_readers() {
  topics::TopicName name = TRY(topics::TopicName::parse(seal::grants_topic(opener_.topic())));
  Result<topics::TopicInfo> info = log_.describe(name);
  if (!info && info.error().code() == ErrorCode::not_found) return {};
  if (!info) return fail(info.error());
  for (std::size_t i = 0; i < info->partitions.size(); ++i) {
    topics::TopicPartition partition{name, static_cast<std::int32_t>(i)};
    readers_.push_back(TRY(log_.reader(partition, info->partitions[i].first)));
  }
  return {};
}

Result<> GrantFollower::read_partition(topics::Reader& reader, std::int64_t now_ms) {
  topics::Offset end = TRY(reader.end());
  while (TRY(topics::next_before(log_, reader, end, buffer_, kGrantFetchBytes)) > 0) {
    for (std::size_t row = 0; row < buffer_.size(); ++row) {
      if (buffer_.values[row].is_null()) continue;  // a grant that was withdrawn
      Result<seal::EpochName> added =
          opener_.add_grant(buffer_.keys[row].bytes(), buffer_.values[row].bytes(), now_ms);
      if (!added)
        log::warning("grant refused", {{"topic", log::Public(opener_.topic())},
                                       {"offset", buffer_.offsets[row]},
                                       {"error", added.error()}});
    }
  }
  return {};
}

}  // namespace penstock::engine
