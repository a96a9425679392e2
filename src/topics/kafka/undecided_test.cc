#include "topics/kafka/undecided.h"

#include <gtest/gtest.h>

#include <thread>

#include "topics/kafka/client.h"
#include "topics/kafka/test_broker.h"
#include "topics/test_log.h"

namespace penstock::topics::kafka {
namespace {

constexpr int kWaitMs = 30'000;

class Failed {
 public:
  explicit Failed(rd_kafka_error_t* error) : error_(error) {}
  ~Failed() {
    EXPECT_EQ(error_, nullptr) << rd_kafka_error_string(error_);
    rd_kafka_error_destroy(error_);
  }

 private:
  rd_kafka_error_t* const error_;
};

// Somebody else's producer, in the middle of a transaction.
class ForeignTransaction {
 public:
  explicit ForeignTransaction(const TopicPartition& place) : place_(place) {
    client_ = must(make_client(test_options("foreign"), RD_KAFKA_PRODUCER,
                               {{"transactional.id", "foreign.producer"}}, trouble_));
    Failed(rd_kafka_init_transactions(client_.get(), kWaitMs));
    Failed(rd_kafka_begin_transaction(client_.get()));
  }
  void write(const std::string& value, std::int64_t timestamp_ms) {
    EXPECT_EQ(rd_kafka_producev(client_.get(), RD_KAFKA_V_TOPIC(place_.topic.text().c_str()),
                                RD_KAFKA_V_PARTITION(place_.partition),
                                RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()),
                                RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                RD_KAFKA_V_TIMESTAMP(timestamp_ms), RD_KAFKA_V_END),
              RD_KAFKA_RESP_ERR_NO_ERROR);
    EXPECT_EQ(rd_kafka_flush(client_.get(), kWaitMs), RD_KAFKA_RESP_ERR_NO_ERROR);
  }
  void abort() { Failed(rd_kafka_abort_transaction(client_.get(), kWaitMs)); }

 private:
  const TopicPartition place_;
  Trouble trouble_;
  Client client_;
};

TEST(KafkaUndecided, WhatWaitsAndBehindWhomIsSaid) {
  if (test_bootstrap() == nullptr)
    GTEST_SKIP() << "runs with tools/kafka/with_broker.py topics_test";
  auto log = must(open_kafka_log(test_options("undecided")));
  const TopicPartition place = at("undecided", 1);
  must(log->create({.name = place.topic, .partitions = 2}));
  auto writer = must(log->writer(WriterId("ours")));
  must_commit(*writer, place, {"before"});
  EXPECT_TRUE(must(log->undecided(place.topic)).empty());
  const Offset end = must(log->describe(place.topic)).partitions[1].end;

  ForeignTransaction foreign(place);
  foreign.write("first", 1'700'000'000'000);
  foreign.write("second", 1'700'000'000'001);
  must_commit(*writer, place, {"behind"});
  auto held = must(log->undecided(place.topic));
  ASSERT_EQ(held.size(), 1u);
  EXPECT_EQ(held.begin()->first, 1);
  const Undecided& one = held.begin()->second;
  EXPECT_EQ(one.from, end);
  EXPECT_EQ(one.offsets, 4) << "two records, ours behind them, and the mark of our transaction";
  EXPECT_EQ(one.since_ms, 1'700'000'000'000);
  EXPECT_TRUE(one.producer_id);
  EXPECT_EQ(must(log->describe(place.topic)).partitions[1].end, end);

  foreign.abort();
  // A broker answers when the end is decided; the marks follow.
  const Deadline deadline = in_ms(kWaitMs);
  while (!must(log->undecided(place.topic)).empty() && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  EXPECT_TRUE(must(log->undecided(place.topic)).empty());
  EXPECT_EQ(read_all(*log, place), (std::vector<std::string>{"before", "behind"}));
  must(log->remove(place.topic));
}

}  // namespace
}  // namespace penstock::topics::kafka
