#include "topics/kafka/consumer_pool.h"

#include <algorithm>
#include <cstdint>

#include "topics/kafka/limits.h"

// Ours (docs/adr/0009); null where the library is an installed one.
extern "C" __attribute__((weak)) void rd_kafka_set_queued_max_bytes(rd_kafka_t* client,
                                                                    std::int64_t bytes);

namespace penstock::topics::kafka {

Result<std::unique_ptr<ConsumerPool::Place>> ConsumerPool::take(const TopicPartition& partition,
                                                                ReadCheck check) {
  std::lock_guard lock(mutex_);
  std::size_t at = 0;
  while (at < clients_.size() &&
         (clients_[at]->check != check || clients_[at]->used.contains(partition)))
    ++at;
  if (at == clients_.size()) {
    Client client = TRY(make_reading_client(options_, check, trouble_));
    clients_.push_back(std::make_unique<Shared>(Shared{check, std::move(client), {}}));
  }
  clients_[at]->used.insert(partition);
  share_out();
  return std::make_unique<Place>(*this, at, partition);
}

std::size_t ConsumerPool::share_of(std::size_t partitions) {
  return std::clamp(kPrefetchBytes / std::max<std::size_t>(partitions, 1),
                    kPrefetchPartitionBytesMin, kQueuedKibibytes << 10);
}

void ConsumerPool::share_out() {
  if (rd_kafka_set_queued_max_bytes == nullptr) return;
  std::size_t partitions = 0;
  for (const auto& shared : clients_) partitions += shared->used.size();
  for (const auto& shared : clients_)
    rd_kafka_set_queued_max_bytes(shared->client.get(),
                                  static_cast<std::int64_t>(share_of(partitions)));
}

ConsumerPool::Place::~Place() {
  std::lock_guard lock(pool_.mutex_);
  pool_.clients_[client_]->used.erase(partition_);
  pool_.share_out();
}

rd_kafka_t& ConsumerPool::Place::client() const {
  std::lock_guard lock(pool_.mutex_);
  return *pool_.clients_[client_]->client;
}

void ConsumerPool::look_after() {
  std::lock_guard lock(mutex_);
  for (const auto& shared : clients_) rd_kafka_poll(shared->client.get(), 0);
}

}  // namespace penstock::topics::kafka
