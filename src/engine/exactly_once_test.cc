// Whatever becomes of commits, and whenever, outputs equal those of an undisturbed run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"
#include "engine/limits.h"
#include "engine/runtime.h"
#include "engine/test_faulty_log.h"
#include "engine/test_keys.h"
#include "engine/test_plans.h"
#include "engine/test_topics.h"
#include "topics/memory_log.h"
#include "topics/test_delayed_log.h"
#include "topics/test_state_key.h"

namespace penstock::engine {
namespace {

using namespace test;  // NOLINT: builders

// SELECT N + 1 from two partitions; every hundredth row fails and becomes a dead letter.
sql::PlanPtr counting_plan(std::string from, std::string to, sql::SealSpec seal) {
  sql::StreamInfo info = stream("S", std::move(from), kNumbers);
  info.seal = seal;
  auto hundredth = call("$modulo", list(column(kBigint, 0), bigint(100)));
  sql::CaseExpr choice;
  choice.branches.push_back({call("$equal", list(std::move(hundredth), bigint(0))),
                             call("$divide", list(column(kBigint, 0), bigint(0)))});
  choice.otherwise = call("$add", list(column(kBigint, 0), bigint(1)));
  return sink(project(source(std::move(info)), NamedExpr{"N", expr(kBigint, std::move(choice))}),
              "T", std::move(to), std::move(seal));
}

struct Variant {
  std::string name;
  bool sealed, in_background;
};

class ExactlyOnce : public testing::TestWithParam<Variant> {
 protected:
  void SetUp() override {
    log::set_level(log::Level::error);
    for (std::string_view topic : {"a", "b", "a.grants", "b.grants", "out"})
      make_topic(*memory_, topic, topic == "out" || topic.size() == 1 ? 2 : 1);
    if (GetParam().sealed) seal_ = kSealed;
  }
  void TearDown() override { log::set_level(log::Level::info); }

  // `rounds` commits of records to both partitions of a topic.
  void feed(const std::string& topic, int rounds) {
    TestProducer producer(*memory_, topic, keys_);
    if (GetParam().sealed) producer.publish_grant();
    for (int round = 0; round < rounds; ++round) {
      std::vector<TestRecord> records;
      for (int i = 0; i < 150; ++i) {
        std::string body = fmt::format(R"({{"N":{}}})", next_number_);
        auto partition = static_cast<std::int32_t>(next_number_ % 2);
        if (GetParam().sealed) body = producer.seal(body, next_number_, partition);
        records.push_back({.value = body, .timestamp_ms = next_number_, .partition = partition});
        expected_dead_ += next_number_ % 100 == 0;
        if (next_number_ % 100 != 0)
          expected_.push_back(fmt::format(R"({{"N":{}}})", next_number_ + 1));
        ++next_number_;
      }
      produce(*memory_, topic, records);
    }
  }
  std::unique_ptr<Runtime> start(Fate& fate, int threads) {
    faulty_ = std::make_unique<FaultyLog>(*memory_, fate);
    RuntimeOptions options;
    options.threads = threads;
    options.commit.records = 100;
    delayed_ = std::make_unique<topics::DelayedLog>(
        *faulty_, topics::Delays{.commit = std::chrono::microseconds(700)});
    topics::Log& log = GetParam().in_background ? static_cast<topics::Log&>(*delayed_) : *faulty_;
    auto runtime = start_runtime(log, &keys_, options).value();
    EXPECT_TRUE(
        runtime->start_query(QueryId("QA"), counting_plan("a", "out", seal_), StartAt::earliest));
    EXPECT_TRUE(
        runtime->start_query(QueryId("QB"), counting_plan("b", "out", seal_), StartAt::earliest));
    return runtime;
  }
  void expect_exact() {
    std::vector<std::string> seen =
        GetParam().sealed ? open_topic(*memory_, "out", keys_) : read_values(*memory_, "out");
    std::ranges::sort(seen);
    std::ranges::sort(expected_);
    EXPECT_EQ(seen.size(), expected_.size());
    EXPECT_TRUE(seen == expected_);
    EXPECT_EQ(read_topic(*memory_, "QA.dead_letters").size() +
                  read_topic(*memory_, "QB.dead_letters").size(),
              expected_dead_);
  }

  std::unique_ptr<topics::Log> memory_ = topics::make_memory_log(topics::test_identity());
  seal::KeyRing keys_ = make_keys({"a", "b", "out"});
  std::unique_ptr<FaultyLog> faulty_;
  std::unique_ptr<topics::DelayedLog> delayed_;
  sql::SealSpec seal_;
  std::int64_t next_number_ = 1;
  std::vector<std::string> expected_;
  std::size_t expected_dead_ = 0;
};

TEST_P(ExactlyOnce, CommitsThatFailAtRandom) {
  for (std::uint32_t seed = 1; seed <= 3; ++seed) {
    Fate fate(seed);
    fate.set_trouble_percent(30);
    auto runtime = start(fate, 2);
    feed("a", 10);
    feed("b", 10);
    Result<> drained = runtime->drain();
    ASSERT_TRUE(drained) << drained.error().text();
    EXPECT_GT(fate.troubles(), 0u);
    std::uint64_t restarts = 0;
    for (const QueryStats& stats : runtime->stats()) restarts += stats.restarts;
    EXPECT_EQ(restarts, fate.troubles());
    expect_exact();
  }
}

TEST_P(ExactlyOnce, RestartsInTheMiddle) {
  for (int round = 0; round < 10; ++round) {
    Fate fate(static_cast<std::uint32_t>(round));
    fate.set_trouble_percent(20);
    auto runtime = start(fate, 1 + round % 3);
    feed(round % 2 == 0 ? "a" : "b", 4);  // and end without waiting
  }
  Fate quiet(0);
  ASSERT_TRUE(start(quiet, 2)->drain());
  expect_exact();
}

TEST_P(ExactlyOnce, AFullDiskLosesNothing) {
  Fate fate(7);
  auto runtime = start(fate, 2);
  feed("a", 2);
  ASSERT_TRUE(runtime->drain());
  fate.fill_disk(true);
  feed("a", 2);
  feed("b", 2);
  while (fate.troubles() < 6) std::this_thread::yield();
  for (const QueryStats& stats : runtime->stats()) EXPECT_EQ(stats.state, QueryState::running);
  fate.fill_disk(false);
  ASSERT_TRUE(runtime->drain());
  expect_exact();
}

// A disk that has failed long enough fails the query. Resumed, it has as many tries as at first.
TEST_P(ExactlyOnce, FailuresBeforeAResumeDoNotCount) {
  if (GetParam().name != "plain") return;
  Fate fate(7);
  auto runtime = start(fate, 1);
  fate.fail_disk(2 * kIoRetriesMax + 1);  // of two tasks
  feed("a", 1);
  ASSERT_FALSE(runtime->drain());
  fate.fail_disk(1);
  ASSERT_TRUE(runtime->resume_query(QueryId("QA")));
  Result<> drained = runtime->drain();
  ASSERT_TRUE(drained) << drained.error().text();
  expect_exact();
}

// Tasks that are built again, however long that takes, do not stop the others of their worker.
TEST_P(ExactlyOnce, BuildingATaskStopsNoOther) {
  Fate fate(7);
  auto runtime = start(fate, 1);
  feed("b", 1);
  ASSERT_TRUE(runtime->drain());
  fate.writers.close();
  fate.fail_disk(1);
  feed("b", 1);
  while (fate.writers.waiting() == 0) std::this_thread::yield();
  feed("a", 2);
  while (runtime->stats()[0].records_in < 300) std::this_thread::yield();
  fate.writers.open();
  ASSERT_TRUE(runtime->drain());
  expect_exact();
}

INSTANTIATE_TEST_SUITE_P(Variants, ExactlyOnce,
                         testing::Values(Variant{"plain", false, false},
                                         Variant{"sealed", true, false},
                                         Variant{"plain_in_background", false, true},
                                         Variant{"sealed_in_background", true, true}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace penstock::engine
