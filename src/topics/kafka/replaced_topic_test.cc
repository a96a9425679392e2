#include "topics/kafka/test_broker.h"
#include "topics/test_log.h"

namespace penstock::topics::kafka {
namespace {

// Each time the client that uses the topic learns of its new id without having seen it absent.
TEST(KafkaReplacedTopic, IsNoticedByThoseWhoUseIt) {
  if (test_bootstrap() == nullptr)
    GTEST_SKIP() << "runs with tools/kafka/with_broker.py topics_test";
  constexpr std::uint64_t kTimes = 6;
  const TopicPartition place = at("replaced", 0);
  auto user = must(open_kafka_log(test_options("user")));
  auto operators = must(open_kafka_log(test_options("operators")));
  must(operators->create({place.topic, 1, false}));
  for (std::uint64_t time = 1; time <= kTimes; ++time) {
    must_commit(*must(user->writer(WriterId("writer"))), place, {"a", "b"});
    auto reader = must(user->reader(place, 0));
    must(operators->remove(place.topic));
    must(operators->create({place.topic, 1, false}));
    EXPECT_EQ(must(user->describe(place.topic)).partitions.at(0).end, 0);
    ReadBuffer buffer;
    EXPECT_EQ(code_of(reader->next(buffer, 1 << 20)), ErrorCode::not_found);
    std::vector<Misbehaviour> noticed = user->figures().misbehaviour;
    ASSERT_EQ(noticed.size(), 1u);
    EXPECT_EQ(noticed[0].kind, "topic_recreated");
    EXPECT_EQ(noticed[0].count, time);
  }
  must(operators->remove(place.topic));
}

}  // namespace
}  // namespace penstock::topics::kafka
