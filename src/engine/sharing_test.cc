// Several processes that share the tasks of their queries.
#include "engine/sharing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include <fmt/format.h>

#include "base/check.h"
#include "base/log.h"
#include "engine/runtime.h"
#include "engine/test_faulty_log.h"
#include "engine/test_group.h"
#include "engine/test_keys.h"
#include "engine/test_plans.h"
#include "engine/test_sql_run.h"
#include "engine/test_topics.h"
#include "topics/memory_log.h"
#include "topics/test_state_key.h"

namespace penstock::engine {
namespace {

using namespace test;  // NOLINT: builders
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::int32_t kPartitions = 4;

class SharingTest : public testing::Test {
 protected:
  void SetUp() override {
    log::set_level(log::Level::error);
    for (std::string_view topic : {"in", "out"}) make_topic(*memory_, topic, kPartitions);
  }
  void TearDown() override { log::set_level(log::Level::info); }

  void seal_topics() {
    make_topic(*memory_, "in.grants");
    make_topic(*memory_, "out.grants");
  }
  sql::PlanPtr plan(bool sealed = false) {
    sql::StreamInfo info = stream("S", "in", kNumbers);
    if (sealed) info.seal = kSealed;
    const auto seal = info.seal;
    return sink(source(std::move(info)), "T", "out", seal);
  }
  std::unique_ptr<Runtime> start(topics::Log& log, int threads = 1, bool sealed = false) {
    RuntimeOptions options;
    options.threads = threads;
    options.commit.records = 100;
    auto runtime = start_runtime(log, &keys_, options).value();
    const auto started = runtime->start_query(kQuery, plan(sealed), StartAt::earliest);
    CHECK(started);  // else nothing would ever come
    return runtime;
  }
  void feed(int records, TestProducer* sealing = nullptr) {
    std::vector<TestRecord> batch;
    for (int i = 0; i < records; ++i, ++next_) {
      std::string body = fmt::format(R"({{"N":{}}})", next_);
      const std::int32_t partition = next_ % kPartitions;
      if (sealing != nullptr) body = sealing->seal(body, next_, partition);
      batch.push_back({.value = body, .timestamp_ms = next_, .partition = partition});
    }
    produce(*memory_, "in", batch);
  }
  void drain(Runtime& runtime) {
    Result<> drained = runtime.drain();
    ASSERT_TRUE(drained) << drained.error().text();
  }
  void expect_all(bool sealed = false) {
    std::vector<std::string> seen =
        sealed ? open_topic(*memory_, "out", keys_) : read_values(*memory_, "out");
    std::vector<std::string> expected;
    for (int i = 0; i < next_; ++i) expected.push_back(fmt::format(R"({{"N":{}}})", i));
    std::ranges::sort(expected);
    std::ranges::sort(seen);
    EXPECT_EQ(seen.size(), expected.size());
    EXPECT_TRUE(seen == expected);
    EXPECT_THAT(read_values(*memory_, "Q.dead_letters"), IsEmpty());
  }
  static std::vector<std::int32_t> owned(Runtime& runtime) {
    std::vector<std::int32_t> out;
    QueryStats stats = runtime.stats().at(0);
    for (const PartitionProgress& progress : stats.progress) out.push_back(progress.partition);
    return out;
  }

  std::unique_ptr<topics::Log> memory_ = topics::make_memory_log(topics::test_identity());
  seal::KeyRing keys_ = make_keys({"in", "out"});
  topics::Delays delays_{.commit = std::chrono::microseconds(500)};
  Group group_;
  MemberLog one_{group_, *memory_, delays_}, two_{group_, *memory_, delays_};
  int next_ = 0;
};

TEST_F(SharingTest, EachProcessRunsShowsAndDrainsItsOwnTasks) {
  auto first = start(one_), second = start(two_);
  EXPECT_EQ(first->stats().at(0).partitions, kPartitions);
  EXPECT_THAT(owned(*first), IsEmpty());
  group_.share({{0, &one_}, {1, &two_}, {2, &one_}});
  EXPECT_THAT(owned(*first), ElementsAre(0, 2));
  EXPECT_THAT(owned(*second), ElementsAre(1));
  feed(400);
  drain(*first);
  drain(*second);
  EXPECT_EQ(first->stats().at(0).records_in, 200u);
  EXPECT_EQ(second->stats().at(0).records_in, 100u);
  group_.share({{3, &two_}});
  EXPECT_THAT(owned(*first), IsEmpty());
  drain(*first);
  drain(*second);
  expect_all();
}

TEST_F(SharingTest, WhatIsGivenBackIsCommittedFirst) {
  auto runtime = start(one_);
  group_.share({{0, &one_}, {1, &one_}, {2, &one_}, {3, &one_}});
  feed(4);
  drain(*runtime);  // all have begun, which is a commit of its own
  one_.hold_commits(true);
  feed(4);
  while (one_.commits_waiting() < 4) std::this_thread::yield();
  std::thread sharing([&] { group_.share({}); });
  feed(400);
  one_.hold_commits(false);
  sharing.join();
  EXPECT_EQ(one_.commits_waiting(), 0u);
  EXPECT_EQ(read_values(*memory_, "out").size(), runtime->stats().at(0).records_in);
  EXPECT_GE(runtime->stats().at(0).records_in, 4u);
  EXPECT_THAT(owned(*runtime), IsEmpty());
  group_.share({{0, &one_}, {1, &one_}, {2, &one_}, {3, &one_}});
  drain(*runtime);
  expect_all();
}

class SharingUnderLoad : public SharingTest, public testing::WithParamInterface<bool> {};

// Tasks wander under load, also away from processes that learn of it late, and commits fail.
TEST_P(SharingUnderLoad, OutputsAreExactWhateverMoves) {
  bool sealed = GetParam();
  std::mt19937 random(sealed ? 1 : 2);
  if (sealed) seal_topics();
  Fate fate(3);
  fate.set_trouble_percent(5);
  FaultyLog faulty(*memory_, fate);
  MemberLog a(group_, faulty, delays_), b(group_, faulty, delays_);
  std::vector<const MemberLog*> members = {&a, &b};
  auto first = start(a, 2, sealed), second = start(b, 1, sealed);
  std::optional<TestProducer> producer;
  if (sealed) {
    producer.emplace(*memory_, "in", keys_);
    producer->publish_grant();
  }
  for (int round = 0; round < 25; ++round) {
    Group::Owners owners;
    for (std::int32_t p = 0; p < kPartitions; ++p) owners[p] = members[random() % 2];
    group_.share(owners, round % 5 == 4 ? members[random() % 2] : nullptr);
    feed(100, producer ? &*producer : nullptr);
    if (round % 3 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(3));
  }
  fate.set_trouble_percent(0);
  group_.share({{0, &a}, {1, &a}, {2, &b}, {3, &b}});
  drain(*first);
  drain(*second);
  expect_all(sealed);
}

TEST_P(SharingUnderLoad, OneProcessTakesOverFromAnotherThatEnds) {
  bool sealed = GetParam();
  if (sealed) seal_topics();
  std::optional<TestProducer> producer;
  if (sealed) {
    producer.emplace(*memory_, "in", keys_);
    producer->publish_grant();
  }
  auto first = start(one_, 1, sealed);
  group_.share({{0, &one_}, {1, &one_}, {2, &one_}, {3, &one_}});
  for (int i = 0; i < 10; ++i) feed(100, producer ? &*producer : nullptr);
  auto second = start(two_, 1, sealed);
  first.reset();
  EXPECT_EQ(group_.members(), 1u);
  group_.share({{0, &two_}, {1, &two_}, {2, &two_}, {3, &two_}});
  drain(*second);
  expect_all(sealed);
}

INSTANTIATE_TEST_SUITE_P(PlainAndSealed, SharingUnderLoad, testing::Bool(),
                         [](const auto& info) { return info.param ? "sealed" : "plain"; });

// The last statement's plan.
sql::PlanPtr plan_of(std::string_view script) {
  TestStreams streams;
  sql::PlanPtr plan;
  const auto texts = sql::split_statements(script).value();
  for (const sql::StatementText& text : texts) {
    auto statement = sql::prepare_statement(text, streams, builtin_functions()).value();
    if (const auto* create = std::get_if<sql::CreateStream>(&statement.node))
      streams.add(create->stream);
    if (auto* made = std::get_if<sql::CreateStreamAs>(&statement.node))
      plan = std::move(made->plan);
  }
  return plan;
}

// GROUP BY moves rows between partitions: tasks of both stages wander, and commits fail.
TEST_F(SharingTest, StagesWanderAndWhatTheyCountIsExact) {
  constexpr std::string_view kScript =
      "CREATE STREAM s (n INT) WITH (KAFKA_TOPIC='in', VALUE_FORMAT='JSON', PARTITIONS=4);"
      "CREATE TABLE t WITH (KAFKA_TOPIC='out', VALUE_FORMAT='JSON', PARTITIONS=4) AS "
      "SELECT n % 7 AS c, COUNT(*) AS many, SUM(n) AS total FROM s GROUP BY n % 7;";
  ASSERT_TRUE(keys_.set_state_key(SecretBuffer::copy_of(ByteBuffer(seal::kStateKeyBytes, 9))));
  std::mt19937 random(5);
  Fate fate(4);
  fate.set_trouble_percent(5);
  FaultyLog faulty(*memory_, fate);
  MemberLog a(group_, faulty, delays_), b(group_, faulty, delays_);
  std::vector<const MemberLog*> members = {&a, &b};
  std::vector<std::unique_ptr<Runtime>> runtimes;
  for (MemberLog* member : {&a, &b}) {
    runtimes.push_back(start_runtime(*member, &keys_, {}).value());
    const auto started = runtimes.back()->start_query(kQuery, plan_of(kScript), StartAt::earliest);
    ASSERT_TRUE(started) << started.error().text();
  }
  for (int round = 0; round < 25; ++round) {
    Group::Owners owners;
    for (std::int32_t p = 0; p < kPartitions; ++p) owners[p] = members[random() % 2];
    group_.share(owners, round % 5 == 4 ? members[random() % 2] : nullptr);
    feed(100);
    if (round % 3 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(3));
  }
  fate.set_trouble_percent(0);
  group_.share({{0, &a}, {1, &a}, {2, &b}, {3, &b}});
  for (int i = 0; i < 2; ++i)  // what one's first stage moves may be the other's to count
    for (const auto& runtime : runtimes) drain(*runtime);
  std::map<std::string, std::string> seen;
  for (TestRecord& record : read_topic(*memory_, "out"))
    seen[record.key.value_or("-")] = record.value.value_or("-");
  std::map<int, std::pair<int, int>> counts;
  for (int n = 0; n < next_; ++n) ++counts[n % 7].first, counts[n % 7].second += n;
  std::vector<std::string> values, wanted;
  for (const auto& [key, value] : seen) values.push_back(value);
  for (const auto& [c, count] : counts)
    wanted.push_back(fmt::format(R"({{"MANY":{},"TOTAL":{}}})", count.first, count.second));
  std::ranges::sort(wanted);
  std::ranges::sort(values);
  EXPECT_EQ(values, wanted);
}

TEST_F(SharingTest, QueriesComeAndGoWhileTasksMove) {
  auto first = start(one_), second = start(two_);
  std::atomic<bool> moving = true;
  std::thread mover([&] {
    for (int round = 0; moving; ++round) {
      const MemberLog* even = round % 2 == 0 ? &one_ : &two_;
      const MemberLog* odd = round % 2 == 0 ? &two_ : &one_;
      group_.share({{0, even}, {1, odd}, {2, even}, {3, odd}});
    }
  });
  for (int round = 0; round < 20; ++round) {
    feed(20);
    Runtime& runtime = round % 2 == 0 ? *first : *second;
    ASSERT_TRUE(runtime.stop_query(kQuery, false));
    ASSERT_TRUE(runtime.start_query(kQuery, plan(), StartAt::earliest));
    ASSERT_TRUE(runtime.pause_query(kQuery));
    ASSERT_TRUE(runtime.resume_query(kQuery));
  }
  moving = false;
  mover.join();
  drain(*first);
  drain(*second);
  expect_all();
}

TEST_F(SharingTest, ATaskThatAnotherHasTakenIsTriedAgainWhileItIsOurs) {
  auto shared = start(one_);
  group_.share({{0, &one_}, {1, &one_}, {2, &one_}, {3, &one_}});
  feed(4);
  drain(*shared);
  topics::DelayedLog alone(*memory_, delays_);
  auto thief = start(alone);  // takes all tasks without asking
  feed(4);
  drain(*thief);
  while (shared->stats().at(0).restarts == 0) std::this_thread::yield();
  EXPECT_EQ(shared->stats().at(0).state, QueryState::running);
  thief.reset();
  feed(4);
  drain(*shared);
  expect_all();
}

TEST_F(SharingTest, AnExpelledProcessFailsItsQueriesAndStartsNone) {
  auto first = start(one_), second = start(two_);
  group_.share({{0, &one_}, {1, &one_}, {2, &two_}, {3, &two_}});
  group_.expel(one_, Error(ErrorCode::fenced, "another process has the name 'one'"));
  QueryStats stats = first->stats().at(0);
  EXPECT_EQ(stats.state, QueryState::failed);
  ASSERT_TRUE(stats.error);
  EXPECT_THAT(stats.error->text(), testing::HasSubstr("'one'"));
  EXPECT_THAT(stats.progress, IsEmpty());
  EXPECT_EQ(first->drain().error().code(), ErrorCode::fenced);
  EXPECT_EQ(first->start_query(QueryId("R"), plan(), StartAt::earliest).error().code(),
            ErrorCode::fenced);
  EXPECT_EQ(first->resume_query(kQuery).error().code(), ErrorCode::fenced);
  group_.share({{0, &two_}, {1, &two_}, {2, &two_}, {3, &two_}});
  feed(100);
  drain(*second);
  expect_all();
}

TEST_F(SharingTest, ForgetsTheTasksThatAreItsOwn) {
  auto first = start(one_), second = start(two_);
  group_.share({{0, &one_}, {1, &one_}, {2, &two_}, {3, &two_}});
  feed(4);
  drain(*first);
  drain(*second);
  ASSERT_TRUE(first->stop_query(kQuery, /*forget=*/true));
  ASSERT_TRUE(first->start_query(kQuery, plan(), StartAt::earliest));
  drain(*first);
  EXPECT_EQ(read_values(*memory_, "out").size(), 6u);  // 0 and 1 once more
  feed(4);
  drain(*second);
  EXPECT_EQ(second->stats().at(0).restarts, 0u);
}

TEST_F(SharingTest, WhatHindersAllTasksIsSaidAtTheStart) {
  seal_topics();
  auto runtime = start_runtime(one_, nullptr, {}).value();
  Result<> started = runtime->start_query(kQuery, plan(/*sealed=*/true), StartAt::earliest);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code(), ErrorCode::permission_denied);
}

}  // namespace
}  // namespace penstock::engine
