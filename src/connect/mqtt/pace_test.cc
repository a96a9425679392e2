#include "connect/mqtt/pace.h"

#include <gtest/gtest.h>

namespace penstock::connect::mqtt {
namespace {

using Next = Pace::Next;

TEST(Pace, CommitsWhenTheWindowIsFull) {
  Pace pace(100);
  EXPECT_EQ(pace.came(10, 10), Next::look_again);
  EXPECT_EQ(pace.came(99, 99), Next::look_again);
  EXPECT_EQ(pace.came(100, 100), Next::commit);
}

TEST(Pace, CommitsHalfOfALargeWindowWhileTheOtherHalfComes) {
  Pace pace(1000);
  EXPECT_EQ(pace.came(499, 499), Next::look_again);
  EXPECT_EQ(pace.came(500, 500), Next::commit);
  EXPECT_EQ(pace.came(900, 400), Next::look_again);  // the first half is not acknowledged yet
  EXPECT_EQ(pace.came(1000, 500), Next::commit);
}

TEST(Pace, CommitsWhenNothingMoreComesAndRemembersWhereTheBrokerStopped) {
  Pace pace(1000);
  EXPECT_EQ(pace.came(20, 20), Next::look_again);
  EXPECT_EQ(pace.looked(20, 20), Next::look_again);  // they have only come
  EXPECT_EQ(pace.looked(20, 20), Next::commit);
  EXPECT_EQ(pace.came(19, 19), Next::look_again);
  EXPECT_EQ(pace.came(20, 20), Next::commit);  // it stops here again
}

TEST(Pace, GrowsWhenTheBrokerDoesNotStopThere) {
  Pace pace(1000);
  (void)pace.came(1, 1);
  (void)pace.looked(1, 1);
  EXPECT_EQ(pace.looked(1, 1), Next::commit);
  EXPECT_EQ(pace.came(1, 1), Next::commit);
  EXPECT_EQ(pace.came(30, 29), Next::look_again);  // 29 came while one was committed
  EXPECT_EQ(pace.came(60, 59), Next::commit);
  EXPECT_EQ(pace.came(700, 300), Next::look_again);
  EXPECT_EQ(pace.came(1000, 490), Next::commit);  // never above the window
}

TEST(Pace, NeverWaitsForLong) {
  Pace pace(1000);
  std::size_t gathered = 1;
  EXPECT_EQ(pace.came(0, gathered), Next::look_again);  // QoS 0
  int looks = 0;
  while (pace.looked(0, gathered++) == Next::look_again) ++looks;
  EXPECT_LT(looks, 30);
  EXPECT_EQ(pace.came(0, 5000), Next::commit);
}

}  // namespace
}  // namespace penstock::connect::mqtt
