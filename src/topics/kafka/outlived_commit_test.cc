#include <thread>

#include "topics/kafka/test_broker.h"
#include "topics/test_log.h"

namespace penstock::topics::kafka {
namespace {

// The brokers end a transaction whose time is over by the same means as a newer writer does.
TEST(KafkaOutlivedCommit, IsNotMistakenForANewerWriter) {
  if (test_bootstrap() == nullptr)
    GTEST_SKIP() << "runs with tools/kafka/with_broker.py topics_test";
  KafkaOptions options = test_options("outlived");
  options.transaction_timeout = std::chrono::seconds(1);
  auto log = must(open_kafka_log(std::move(options)));
  const TopicPartition place = at("outlived", 0);
  must(log->create({place.topic, 1, false}));

  auto writer = must(log->writer(WriterId("writer")));
  auto commit = must(writer->begin());
  must(commit->append(place, values({"late"})));
  std::this_thread::sleep_for(std::chrono::seconds(4));  // brokers look every second
  CommitResult result = commit->finish();
  EXPECT_NE(result.outcome, Outcome::committed);
  EXPECT_NE(result.outcome, Outcome::fenced);
  ASSERT_TRUE(result.error);
  EXPECT_EQ(result.error->code(), ErrorCode::unavailable) << result.error->text();

  commit.reset();
  writer = must(log->writer(WriterId("writer")));
  must_commit(*writer, place, {"again"});
  EXPECT_EQ(read_all(*log, place), std::vector<std::string>{"again"});
  must(log->remove(place.topic));
}

}  // namespace
}  // namespace penstock::topics::kafka
