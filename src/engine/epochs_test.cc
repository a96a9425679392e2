// Epochs without end: more than any cache holds, in many partitions. bench/epoch_rows.cc has the
// full number.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "engine/runtime.h"
#include "engine/test_grants.h"
#include "engine/test_plans.h"
#include "engine/test_topics.h"
#include "topics/memory_log.h"

namespace penstock::engine {
namespace {

using namespace test;  // NOLINT: builders
using testing::HasSubstr;

constexpr std::int32_t kPartitions = 64;

class EpochsTest : public testing::Test {
 protected:
  void fill(std::uint64_t epochs) {
    ASSERT_TRUE(fill_with_epochs(*log_, owner_, "in", kPartitions, epochs));
    make_topic(*log_, "out", kPartitions);
  }
  Result<> run() {
    sql::StreamInfo info = stream("S", "in", kNumbers);
    info.seal = {sql::SealKind::psr1, "p"};
    runtime_ = start_runtime(*log_, &owner_.keys(), {.threads = 2}).value();
    TRY(runtime_->start_query(kQuery, sink(source(std::move(info)), "T", "out"),
                              StartAt::earliest));
    return runtime_->drain();
  }

  std::unique_ptr<topics::Log> log_ = topics::make_memory_log();
  GrantOwner owner_{"in", "p"};
  std::unique_ptr<Runtime> runtime_;
};

TEST_F(EpochsTest, EveryRecordOfManyEpochsIsRead) {
  constexpr std::uint64_t kManyEpochs = 1500;
  fill(kManyEpochs);
  Result<> done = run();
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(read_values(*log_, "out").size(), kManyEpochs);
  EXPECT_EQ(runtime_->stats().at(0).dead_letters, 0u);
  EXPECT_EQ(runtime_->stats().at(0).restarts, 0u);
}

}  // namespace
}  // namespace penstock::engine
