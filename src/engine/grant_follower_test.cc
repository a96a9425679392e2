#include "engine/grant_follower.h"

#include <gtest/gtest.h>

#include "engine/test_grants.h"
#include "engine/test_topics.h"
#include "topics/memory_log.h"
#include "topics/test_state_key.h"

namespace penstock::engine {
namespace {

using namespace test;  // NOLINT: builders
using SteadyClock = std::chrono::steady_clock;

class GrantFollowerTest : public testing::Test {
 protected:
  std::shared_ptr<GrantFollower> share(std::size_t grants_max = seal::kGrantsMax) {
    return GrantFollower::share(*log_, "in", "p", owner_.keys(), grants_max).value();
  }
  void publish(std::uint64_t from, std::uint64_t to, std::int32_t partition = 0) {
    std::vector<TestRecord> records;
    for (std::uint64_t epoch = from; epoch < to; ++epoch)
      records.push_back(
          {.key = owner_.grant_key(epoch), .value = owner_.grant(epoch), .partition = partition});
    produce(*log_, "in.grants", records);
  }
  std::size_t found(GrantFollower& follower, std::uint64_t epoch) {
    return follower.epochs().candidates(seal::EpochId(epoch), 0).value().size();
  }

  std::unique_ptr<topics::Log> log_ = topics::make_memory_log(topics::test_identity());
  GrantOwner owner_{"in", "p"};
};

TEST_F(GrantFollowerTest, TasksShareOneAndItEndsWithThem) {
  std::shared_ptr<GrantFollower> first = share();
  EXPECT_EQ(share(), first);
  GrantOwner other("in", "p");  // equal names, other keys
  EXPECT_NE(GrantFollower::share(*log_, "in", "p", other.keys()).value(), first);
  std::weak_ptr<GrantFollower> ended = first;
  first.reset();
  EXPECT_TRUE(ended.expired());
  EXPECT_NE(share(), nullptr);
}

TEST_F(GrantFollowerTest, NotesGrantsAndFetchesThemAgain) {
  make_topic(*log_, "in.grants", 3);
  for (std::int32_t partition = 0; partition < 3; ++partition) {
    auto from = static_cast<std::uint64_t>(partition) * 100;
    publish(from, from + 60, partition);
    publish(from + 60, from + 100, partition);
  }
  std::shared_ptr<GrantFollower> follower = share();
  ASSERT_TRUE(follower->catch_up(SteadyClock::now()));
  EXPECT_EQ(follower->epochs().figures().grants, 300u);
  EXPECT_EQ(follower->epochs().figures().verified, 0u);
  for (std::uint64_t i = 0; i < 300; ++i) ASSERT_EQ(found(*follower, i * 77 % 300), 1u);
  EXPECT_EQ(found(*follower, 300), 0u);
}

TEST_F(GrantFollowerTest, ReadsOnlyWhenSomebodyNeedsNewerOnes) {
  std::shared_ptr<GrantFollower> follower = share();
  ASSERT_TRUE(follower->catch_up(SteadyClock::now()));  // there is no such topic yet
  make_topic(*log_, "in.grants");
  auto before = SteadyClock::now();
  ASSERT_TRUE(follower->catch_up(before));
  publish(1, 2);
  ASSERT_TRUE(follower->catch_up(before));
  EXPECT_EQ(found(*follower, 1), 0u);
  ASSERT_TRUE(follower->catch_up(SteadyClock::now()));
  EXPECT_EQ(found(*follower, 1), 1u);
}

TEST_F(GrantFollowerTest, WhatIsNoGrantIsPassedOver) {
  make_topic(*log_, "in.grants");
  publish(1, 2);
  produce(*log_, "in.grants",
          {{.key = std::nullopt, .value = "x"},
           {.key = "short", .value = "x"},
           {.key = std::string(seal::kEpochNameBytes, 'x'), .value = "x"},
           {.key = owner_.grant_key(3), .value = "x"},
           {.key = owner_.grant_key(4), .value = std::nullopt}});
  publish(3, 6);
  std::shared_ptr<GrantFollower> follower = share();
  ASSERT_TRUE(follower->catch_up(SteadyClock::now()));
  for (std::uint64_t epoch : {1, 3, 4, 5}) EXPECT_EQ(found(*follower, epoch), 1u) << epoch;
  EXPECT_EQ(follower->epochs().figures().grants, 4u);
}

TEST_F(GrantFollowerTest, AFullTableStaysAnErrorForAll) {
  make_topic(*log_, "in.grants");
  publish(0, 5);
  std::shared_ptr<GrantFollower> follower = share(4);
  for (int i = 0; i < 2; ++i) {
    Result<> read = follower->catch_up(SteadyClock::now());
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code(), ErrorCode::limit_exceeded);
  }
  EXPECT_EQ(found(*follower, 2), 1u);
}

}  // namespace
}  // namespace penstock::engine
