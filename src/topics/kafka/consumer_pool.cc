#include "topics/kafka/consumer_pool.h"

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
  return std::make_unique<Place>(*this, at, partition);
}

ConsumerPool::Place::~Place() {
  std::lock_guard lock(pool_.mutex_);
  pool_.clients_[client_]->used.erase(partition_);
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
