// What is asked of the cluster about topics and groups. Blocking; thread-safe.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "topics/kafka/client.h"
#include "topics/kafka/patience.h"
#include "topics/log.h"

namespace penstock::topics::kafka {

struct TopicShape {
  std::string id;  // the cluster's, another one for each topic that ever had the name
  std::int32_t partitions = 0;
};

struct GroupOffset {
  TopicPartition from;
  Offset next;
  std::string metadata;
};

using TopicSettings = std::map<std::string, std::string>;

// Topics that were there when somebody looked. Thread-safe.
class SeenTopics {
 public:
  void add(const std::string& topic) {
    std::lock_guard lock(mutex_);
    names_.insert(topic);
  }
  void drop(const std::string& topic) {
    std::lock_guard lock(mutex_);
    names_.erase(topic);
  }
  bool has(const std::string& topic) const {
    std::lock_guard lock(mutex_);
    return names_.contains(topic);
  }

 private:
  mutable std::mutex mutex_;
  std::set<std::string> names_;
};

class Admin {
 public:
  // last outlives it: calls that wait end then, cancelled.
  static Result<std::unique_ptr<Admin>> connect(const KafkaOptions& options, const LastCall& last);

  // Brokers learn of topics at different times: a broker that does not know a topic which was made
  // or seen through here is not believed at once.

  // Returns when it can be used. already_exists.
  Result<> create(const std::string& name, std::int32_t partitions, std::int16_t replication,
                  const TopicSettings& settings);
  Result<> grow(const std::string& name, std::int32_t partitions);
  Result<> remove(const std::string& name);                 // returns when it is gone. not_found
  Result<TopicShape> shape(const std::string& name);        // not_found
  Result<TopicSettings> settings(const std::string& name);  // all, as they hold
  // Sets these and leaves the others; an empty value: the brokers' default holds again.
  Result<> set(const std::string& topic, const TopicSettings& settings);
  // Deletes all records of the partition before the offset.
  Result<> trim(const std::string& topic, std::int32_t partition, Offset before);
  Result<std::vector<std::string>> topics();  // internal ones left out

  // end: with what is not committed (yet).
  enum class Which : std::uint8_t { first, committed_end, end };
  // By partition.
  Result<std::vector<Offset>> offsets(const std::string& topic,
                                      std::span<const std::int32_t> partitions, Which which);

  // All that is committed; a group that never was has none. Another producer's transaction may be
  // about to change them.
  Result<std::vector<GroupOffset>> group_offsets(const std::string& group);
  // Of these partitions, when no transaction is about to change them. Waits a little for it; what
  // stays open then is the leftover of a transaction that has ended, and what was committed counts.
  // So it may be asked only by who has initialised the id that commits them.
  Result<std::vector<GroupOffset>> settled_offsets(const std::string& group,
                                                   std::span<const TopicPartition> partitions);
  Result<> forget_offsets(const std::string& group, const std::string& topic,
                          std::int32_t partitions);
  Result<std::vector<std::string>> groups();

  // Serves the client's callbacks; to be called now and then.
  void look_after();

 private:
  Admin(std::string bootstrap, const LastCall& last)
      : bootstrap_(std::move(bootstrap)), last_(last) {}
  struct OffsetsAnswer {
    std::vector<GroupOffset> offsets;
    bool settled = true;  // false: some are left out, since a transaction is about to change them
  };
  Result<OffsetsAnswer> ask_offsets(const std::string& group, rd_kafka_topic_partition_list_t* of,
                                    bool settled);
  Result<TopicShape> ask_shape(const std::string& name);
  Result<TopicSettings> ask_settings(const std::string& name);
  Result<std::vector<Offset>> ask_ends(const std::string& topic,
                                       std::span<const std::int32_t> partitions, Which which);
  // Asks again while brokers are starting, leaders moving, coordinators loading.
  template <typename Ask>
  auto patiently(Ask ask) -> decltype(ask());
  // Likewise, about a topic.
  template <typename Ask>
  auto patiently(const std::string& topic, Ask ask) -> decltype(ask());
  // A queue for an answer, once a broker can be reached: the library goes round in circles with
  // requests that it can send to nobody.
  Result<Queue> queue_when_connected(std::string_view doing);
  // Sends a request, with send(rd_kafka_queue_t*), and waits for the answer to it.
  template <typename Send>
  Result<Event> call(std::string_view doing, Send send);
  void look_for_brokers();
  Result<> wait_until_known(const std::string& name, std::int32_t partitions);

  const std::string bootstrap_;
  const LastCall& last_;
  SeenTopics seen_;
  Trouble trouble_;
  Client client_;
};

}  // namespace penstock::topics::kafka
