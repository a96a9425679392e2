#include "topics/partitioner.h"

#include <gtest/gtest.h>

namespace penstock::topics {
namespace {

TEST(Partitioner, HashesAsTheJavaClientDoes) {
  EXPECT_EQ(murmur2(as_bytes("21")), -973932308);
  EXPECT_EQ(murmur2(as_bytes("foobar")), -790332482);
  EXPECT_EQ(murmur2(as_bytes("a-little-bit-long-string")), -985981536);
  EXPECT_EQ(murmur2(as_bytes("a-little-bit-longer-string")), -1486304829);
  EXPECT_EQ(murmur2(as_bytes("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8")), -58897971);
  EXPECT_EQ(murmur2(as_bytes("abc")), 479470107);
}

TEST(Partitioner, MakesNegativeHashesPositiveByDroppingTheSign) {
  EXPECT_EQ(partition_of(as_bytes("21"), 7), (-973932308 & 0x7fffffff) % 7);
  EXPECT_EQ(partition_of(as_bytes("abc"), 1), 0);
  for (int n = 1; n < 50; ++n) {
    EXPECT_GE(partition_of(as_bytes("foobar"), n), 0);
    EXPECT_LT(partition_of(as_bytes("foobar"), n), n);
  }
}

}  // namespace
}  // namespace penstock::topics
