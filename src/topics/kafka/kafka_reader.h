// Reads one partition: fetched in the background, taken from its queue in runs.
#pragma once

#include <memory>
#include <vector>

#include "topics/kafka/admin.h"
#include "topics/kafka/consumer_pool.h"
#include "topics/kafka/figures.h"
#include "topics/kafka/topic_table.h"
#include "topics/kafka/waiters.h"

namespace penstock::topics::kafka {

class KafkaReader final : public Reader {
 public:
  struct Surroundings {
    Admin& admin;
    TopicTable& topics;
    Figures& figures;
    Waiters& waiters;  // told when records come
  };
  static Result<std::unique_ptr<KafkaReader>> start(Surroundings around,
                                                    std::unique_ptr<ConsumerPool::Place> place,
                                                    TopicRef topic, TopicPartition from,
                                                    Offset start);
  ~KafkaReader() override;

  Result<std::size_t> next(ReadBuffer& buffer, std::size_t bytes_max) override;
  Offset position() const override { return position_; }
  Result<Offset> end() override;
  Offset known_end() const override;

  // Takes what the queue has. True: next() would bring records, an error or another position.
  bool ready();

 private:
  KafkaReader(Surroundings around, std::unique_ptr<ConsumerPool::Place> place, TopicRef topic,
              TopicPartition from, Offset start);

  void dequeue();
  // Of the messages at hand, those that next() is to bring: their number and bytes.
  struct Run {
    std::size_t records = 0, bytes = 0;
  };
  Run measure(std::size_t bytes_max) const;
  // The run, or its first ones if their headers take more than bytes_max as well.
  Result<> copy(Run run, std::size_t bytes_max, ReadBuffer& buffer);
  Result<> take_notice(const rd_kafka_message_t& message);  // of what is no record
  // The broker says that the topic is not there.
  Error absent(std::string_view where, const rd_kafka_message_t& message);
  void drop_messages(std::size_t count);

  Surroundings around_;
  std::unique_ptr<ConsumerPool::Place> place_;
  const TopicRef topic_;
  const TopicPartition from_;
  TopicHandle handle_;
  Queue queue_;
  Offset position_;
  bool moved_ = false;  // since next() was called last
  std::vector<rd_kafka_message_t*> messages_;
  std::size_t first_ = 0;  // of messages_, not yet taken
};

}  // namespace penstock::topics::kafka
