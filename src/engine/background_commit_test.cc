// Over a log that commits in the background, whose offsets have gaps and whose records come late.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "engine/limits.h"
#include "engine/runtime.h"
#include "engine/test_plans.h"
#include "engine/test_topics.h"
#include "topics/memory_log.h"
#include "topics/test_delayed_log.h"
#include "topics/test_state_key.h"

namespace penstock::engine {
namespace {

using namespace test;  // NOLINT: builders
using testing::IsEmpty;

class BackgroundCommits : public testing::Test {
 protected:
  void SetUp() override {
    for (std::string_view topic : {"in", "middle", "out"}) make_topic(log_, topic, 2);
  }
  void start(RuntimeOptions options = {}) {
    runtime_.reset();
    runtime_ = start_runtime(log_, nullptr, options).value();
  }
  void run(std::string from = "in", std::string to = "out", QueryId id = kQuery,
           StartAt at = StartAt::earliest) {
    Result<> started = runtime_->start_query(
        id, sink(source(stream("S", std::move(from), kNumbers)), "T", std::move(to)), at);
    ASSERT_TRUE(started) << started.error().text();
  }
  void feed(int records) {
    std::vector<TestRecord> batch;
    for (int i = 0; i < records; ++i, ++next_)
      batch.push_back({.value = fmt::format(R"({{"N":{}}})", next_),
                       .timestamp_ms = 1000,
                       .partition = next_ % 2});
    produce(*memory_, "in", batch);
  }
  void drain() {
    Result<> drained = runtime_->drain();
    ASSERT_TRUE(drained) << drained.error().text();
  }
  void expect_all() {
    std::vector<std::string> expected;
    for (int i = 0; i < next_; ++i) expected.push_back(fmt::format(R"({{"N":{}}})", i));
    EXPECT_THAT(read_values(log_, "out"), testing::UnorderedElementsAreArray(expected));
  }
  void wait_for_commits(std::size_t count) {
    while (log_.commits_waiting() < count) std::this_thread::yield();
  }
  QueryStats stats() { return runtime_->stats().at(0); }

  std::unique_ptr<topics::Log> memory_ = topics::make_memory_log(topics::test_identity());
  topics::DelayedLog log_{*memory_, {.commit = std::chrono::microseconds(500)}};
  std::unique_ptr<Runtime> runtime_;
  int next_ = 0;
};

TEST_F(BackgroundCommits, DrainPassesMarkersWithoutCommitsForThem) {
  start();
  run();
  feed(10);
  drain();
  expect_all();
  EXPECT_EQ(stats().commits, 4u);  // per partition: where it begins, and the rows
  for (const PartitionProgress& progress : stats().progress) {
    EXPECT_EQ(progress.position, 10);
    EXPECT_EQ(progress.end, 10);
  }
  start();  // takes up before the last marker
  run();
  feed(2);
  drain();
  expect_all();
  EXPECT_EQ(stats().records_in, 2u);
}

TEST_F(BackgroundCommits, CommitsForLackOfWorkOnlyAtTheEnd) {
  RuntimeOptions options;
  options.commit = {.records = 1'000'000, .output_bytes = 1 << 30, .age = std::chrono::hours(1)};
  start(options);
  std::vector<TestRecord> batch;
  const std::string padding(kFetchBytes / 2, ' ');
  for (; next_ < 10; ++next_)
    batch.push_back({.value = fmt::format(R"({{"N":{}{}}})", next_, padding),
                     .timestamp_ms = 1000,
                     .partition = 0});
  produce(*memory_, "in", batch);
  run();
  drain();
  expect_all();
  EXPECT_EQ(stats().commits, 3u);  // two of them say where the partitions begin
}

TEST_F(BackgroundCommits, ATaskGoesOnWhileACommitIsOnItsWay) {
  RuntimeOptions options;
  options.commit.records = 100;
  start(options);
  run();
  log_.hold_commits(true);
  feed(2);
  wait_for_commits(2);
  for (int i = 0; i < 20; ++i) feed(100);
  EXPECT_THAT(read_values(log_, "out"), IsEmpty());
  EXPECT_EQ(stats().records_in, 0u) << "counted when committed";
  log_.hold_commits(false);
  drain();
  expect_all();
  EXPECT_EQ(stats().records_in, 2002u);
  EXPECT_EQ(stats().records_out, 2002u);
}

TEST_F(BackgroundCommits, StopPauseAndShutdownSettleWhatIsOnItsWay) {
  start();
  run();
  feed(100);
  ASSERT_TRUE(runtime_->pause_query(kQuery));
  std::uint64_t paused_at = stats().records_in;
  EXPECT_EQ(read_values(log_, "out").size(), paused_at);
  ASSERT_TRUE(runtime_->resume_query(kQuery));
  feed(100);
  ASSERT_TRUE(runtime_->stop_query(kQuery, false));
  EXPECT_EQ(log_.commits_waiting(), 0u);
  run();
  feed(100);
  runtime_->shutdown();
  EXPECT_EQ(log_.commits_waiting(), 0u);
  start();
  run();
  drain();
  expect_all();
}

TEST_F(BackgroundCommits, DrainCoversQueriesThatFeedEachOther) {
  RuntimeOptions options;
  options.threads = 2;
  start(options);
  run("middle", "out", QueryId("B"));
  run("in", "middle", QueryId("A"));
  for (int round = 0; round < 10; ++round) {
    feed(50);
    drain();
    expect_all();
  }
}

TEST_F(BackgroundCommits, LatestIsTheSameMomentAfterARestart) {
  start();
  feed(2);
  run("in", "out", kQuery, StartAt::latest);
  start();
  feed(2);
  run("in", "out", kQuery, StartAt::latest);
  drain();
  EXPECT_EQ(read_values(log_, "out").size(), 2u);
}

TEST_F(BackgroundCommits, ARowSourceForAClientEndsAtItsEnd) {
  start();
  feed(100);
  std::shared_ptr<const sql::PlanNode> plan = source(stream("S", "in", kNumbers));
  auto rows = runtime_->push(plan, StartAt::earliest, /*until_end=*/true).value();
  feed(10);  // behind the end
  std::size_t seen = 0;
  for (bool done = false; !done;) {
    PushQuery::Rows some =
        rows->next(1000, std::chrono::steady_clock::now() + std::chrono::seconds(1));
    ASSERT_FALSE(some.error);
    seen += some.rows.size();
    done = some.done;
  }
  EXPECT_EQ(seen, 100u);
}

}  // namespace
}  // namespace penstock::engine
