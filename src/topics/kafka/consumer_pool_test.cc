#include "topics/kafka/consumer_pool.h"

#include <gtest/gtest.h>

#include "topics/kafka/limits.h"

namespace penstock::topics::kafka {
namespace {

TEST(KafkaConsumerPool, APrefetchBudgetIsSharedOutAmongPartitions) {
  EXPECT_EQ(ConsumerPool::share_of(1), kQueuedKibibytes << 10);
  EXPECT_EQ(ConsumerPool::share_of(8), kPrefetchBytes / 8);
  EXPECT_EQ(ConsumerPool::share_of(100), kPrefetchBytes / 100);
  EXPECT_EQ(ConsumerPool::share_of(1'000'000), kPrefetchPartitionBytesMin);
  EXPECT_EQ(ConsumerPool::share_of(0), kQueuedKibibytes << 10);
}

}  // namespace
}  // namespace penstock::topics::kafka
