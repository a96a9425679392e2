// The topics of an embedded log: their specs, folders and partitions.
#pragma once

#include <map>
#include <memory>
#include <shared_mutex>
#include <vector>

#include "topics/committer.h"
#include "topics/partition.h"

namespace penstock::topics {

// Thread-safe.
class TopicDirectory {
 public:
  // All outlive it. folder: DIR/topics.
  TopicDirectory(std::filesystem::path folder, const SegmentSettings& settings, StateStore& store,
                 Committer& committer)
      : folder_(std::move(folder)), settings_(settings), store_(store), committer_(committer) {}

  // Opening: look() checks everything and changes nothing, clean() cuts what lies behind the ends.
  Result<> look();
  Result<> clean();
  Result<> create(const TopicSpec& spec);
  Result<> remove(const TopicName& name);
  Result<> set_retention(const TopicName& name, const Retention& retention);
  // Deletes the segments that lie before the offset, whoever has read them.
  Result<> trim(const TopicPartition& at, Offset before);
  struct Kept {
    Retention retention;
    std::vector<std::shared_ptr<Partition>> partitions;
  };
  std::vector<Kept> with_retention() const;                   // topics that have one
  std::vector<std::shared_ptr<Partition>> compacted() const;  // partitions of such topics
  // Puts a compacted file in place of the segment's; false: the segment is not kept any more.
  Result<bool> replace(const Partition& partition, Offset segment_base,
                       const std::filesystem::path& by);
  Result<TopicInfo> describe(const TopicName& name) const;
  std::optional<Offset> end_of(std::uint32_t topic_id, std::int32_t partition) const;
  std::vector<TopicName> list() const;
  Result<std::shared_ptr<Partition>> find(const TopicPartition& at) const;

 private:
  struct Topic {
    StoredTopic stored;
    std::vector<std::shared_ptr<Partition>> partitions;
  };
  Result<const Topic*> find_locked(const TopicName& name) const;
  Result<StoredTopic> stored_of(const TopicName& name) const;
  Result<> check_nothing_lost(const std::vector<TopicName>& garbage) const;
  Topic make_topic(const StoredTopic& stored) const;
  Result<> make_way_for(const TopicName& name) const;
  Result<> make_folders(const TopicSpec& spec) const;
  Result<> remove_garbage(const TopicName& name) const;

  const std::filesystem::path folder_;
  const SegmentSettings& settings_;
  StateStore& store_;
  Committer& committer_;
  mutable std::shared_mutex mutex_;
  std::map<TopicName, Topic> topics_;
};

}  // namespace penstock::topics
