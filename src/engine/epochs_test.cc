// Epochs without end: more than any cache holds, in many partitions. bench/epoch_rows.cc has the
// full number.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/grant_follower.h"
#include "engine/runtime.h"
#include "engine/test_grants.h"
#include "engine/test_plans.h"
#include "engine/test_topics.h"
#include "topics/memory_log.h"
#include "topics/test_state_key.h"

namespace penstock::engine {
namespace {

using namespace test;  // NOLINT: builders
using testing::HasSubstr;

constexpr std::int32_t kPartitions = 64;

class EpochsTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(make_epoch_topics(*log_, "in", kPartitions));
    make_topic(*log_, "out", kPartitions);
  }
  void append(std::uint64_t from, std::uint64_t to) {
    ASSERT_TRUE(append_epochs(*log_, owner_, "in", kPartitions, from, to));
  }
  Result<> run() {
    sql::StreamInfo info = stream("S", "in", kNumbers);
    info.seal = {sql::SealKind::psr1, "p"};
    RuntimeOptions options;
    options.threads = 2;
    runtime_ = start_runtime(*log_, &owner_.keys(), options).value();
    TRY(runtime_->start_query(kQuery, sink(source(std::move(info)), "T", "out"),
                              StartAt::earliest));
    return runtime_->drain();
  }

  std::unique_ptr<topics::Log> log_ = topics::make_memory_log(topics::test_identity());
  GrantOwner owner_{"in", "p"};
  std::unique_ptr<Runtime> runtime_;
};

TEST_F(EpochsTest, EveryRecordOfManyEpochsIsRead) {
  constexpr std::uint64_t kManyEpochs = 1000;
  append(0, kManyEpochs);
  Result<> done = run();
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(read_values(*log_, "out").size(), kManyEpochs);
  EXPECT_EQ(runtime_->stats().at(0).dead_letters, 0u);
  EXPECT_EQ(runtime_->stats().at(0).restarts, 0u);
}

TEST_F(EpochsTest, AFullTableStopsTheQueryAndMakesNoDeadLetters) {
  // The one that the tasks will share.
  auto follower = GrantFollower::share(*log_, "in", "p", owner_.keys(), 10).value();
  append(0, 10);
  Result<> done = run();
  ASSERT_TRUE(done) << done.error().text();
  append(10, 30);
  done = runtime_->drain();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), ErrorCode::limit_exceeded);
  EXPECT_THAT(done.error().text(), HasSubstr("more than 10 grants"));
  EXPECT_EQ(read_values(*log_, "out").size(), 10u);
  EXPECT_EQ(runtime_->stats().at(0).dead_letters, 0u);
  runtime_.reset();
  EXPECT_EQ(run().error().code(), ErrorCode::limit_exceeded);  // at once
}

}  // namespace
}  // namespace penstock::engine
