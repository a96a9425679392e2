// Consuming clients, shared by readers: one connection to each broker for all partitions. A client
// reads a partition once, so a second reader of it gets the next client.
#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "topics/kafka/client.h"

namespace penstock::topics::kafka {

class ConsumerPool {
 public:
  explicit ConsumerPool(const KafkaOptions& options) : options_(options) {}

  // The right to read one partition with one client. Returned when destroyed.
  class Place {
   public:
    Place(ConsumerPool& pool, std::size_t client, TopicPartition partition)
        : pool_(pool), client_(client), partition_(std::move(partition)) {}
    ~Place();
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    rd_kafka_t& client() const;

   private:
    ConsumerPool& pool_;
    const std::size_t client_;
    const TopicPartition partition_;
  };
  Result<std::unique_ptr<Place>> take(const TopicPartition& partition, ReadCheck check);

  // How much of one partition may wait, as many as there are now.
  static std::size_t share_of(std::size_t partitions);

  void look_after();  // serves the clients' callbacks; to be called now and then

 private:
  struct Shared {
    ReadCheck check;
    Client client;
    std::set<TopicPartition> used;
  };

  void share_out();  // under the lock

  const KafkaOptions& options_;
  Trouble trouble_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Shared>> clients_;  // never shrinks
};

}  // namespace penstock::topics::kafka
