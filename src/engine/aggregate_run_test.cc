// GROUP BY from text to records: stages, exchanges, state over restarts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "base/log.h"
#include "engine/query.h"
#include "engine/test_sql_run.h"

namespace penstock::engine {
namespace {

using namespace test;  // NOLINT: builders
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;

constexpr std::string_view kExchange = "_CSAS_SUMS.0-repartition";

class AggregateRunTest : public SqlRunTest {
 protected:
  void SetUp() override {
    ByteBuffer secret(seal::kStateKeyBytes, 9);
    ASSERT_TRUE(keys_.set_state_key(SecretBuffer::copy_of(secret)));
    SqlRunTest::SetUp();
  }
  // The last value of each key.
  std::map<std::string, std::string> table(const std::string& topic) {
    std::map<std::string, std::string> out;
    for (TestRecord& record : read_topic(*log_, topic))
      out[record.key.value_or("-")] = record.value.value_or("-");
    return out;
  }
  // A process that ends, and the next one.
  void restart() {
    runtime_.reset();
    streams_ = TestStreams();
    SqlRunTest::SetUp();
  }
  void feed(int from, int to) {
    std::vector<TestRecord> records;
    for (int i = from; i < to; ++i)
      records.push_back({.value = fmt::format(R"({{"C":"c{}","N":{}}})", i % 7, i),
                         .timestamp_ms = 1000 + i,
                         .partition = i % 3});
    produce(*log_, "a", records);
  }
  static std::map<std::string, std::string> expected(int count) {
    std::map<std::string, std::string> out;
    for (int c = 0; c < std::min(7, count); ++c) {
      std::int64_t rows = 0, sum = 0;
      int last = 0;
      for (int i = c; i < count; i += 7) ++rows, sum += i, last = i;
      out[fmt::format("c{}", c)] =
          fmt::format(R"({{"ROWS":{},"TOTAL":{},"LEAST":{},"MOST":{}}})", rows, sum, c, last);
    }
    return out;
  }

  static constexpr std::string_view kSums = R"(
    CREATE STREAM a (c STRING, n BIGINT) WITH (KAFKA_TOPIC='a', VALUE_FORMAT='JSON', PARTITIONS=3);
    CREATE TABLE sums WITH (KAFKA_TOPIC='sums', VALUE_FORMAT='JSON', PARTITIONS=3) AS
      SELECT c, COUNT(*) AS rows, SUM(n) AS total, MIN(n) AS least, MAX(n) AS most
      FROM a GROUP BY c;)";
};

TEST_F(AggregateRunTest, RowsOfAllPartitionsMeetInTheirGroup) {
  execute(kSums);
  feed(0, 500);
  drain();
  EXPECT_EQ(table("sums"), expected(500));
  const QueryStats stats = runtime_->stats().at(0);
  EXPECT_EQ(stats.records_in, 500u);
  EXPECT_EQ(stats.dead_letters, 0u);
}

TEST_F(AggregateRunTest, GroupsGoOnAfterARestart) {
  execute(kSums);
  feed(0, 100);
  drain();
  for (int round = 1; round <= 3; ++round) {
    restart();
    feed(100 * round, 100 * (round + 1));
    execute(kSums);
    drain();
    EXPECT_EQ(table("sums"), expected(100 * (round + 1)));
  }
}

TEST_F(AggregateRunTest, WhatLiesBetweenTheStagesIsSealed) {
  execute(kSums);
  produce(*log_, "a",
          {{.value = R"({"C":"a group that shows","N":7})", .timestamp_ms = 1000, .partition = 0}});
  drain();
  EXPECT_THAT(table("sums"), ElementsAre(Pair("a group that shows",
                                              R"({"ROWS":1,"TOTAL":7,"LEAST":7,"MOST":7})")));
  const std::vector<TestRecord> between = read_topic(*log_, kExchange);
  ASSERT_EQ(between.size(), 1u);
  EXPECT_FALSE(between[0].key.has_value());
  EXPECT_THAT(between[0].value.value(), Not(HasSubstr("that shows")));
}

TEST_F(AggregateRunTest, ARecordThatSomebodyElsePutBetweenTheStagesStopsTheQuery) {
  log::set_level(log::Level::error);
  execute(kSums);
  feed(0, 50);
  drain();
  std::vector<TestRecord> between = read_topic(*log_, kExchange);
  produce(*log_, kExchange, {between.front()});  // once more
  const Result<> drained = runtime_->drain();
  ASSERT_FALSE(drained);
  EXPECT_EQ(drained.error().code(), ErrorCode::not_authentic);
  EXPECT_THAT(drained.error().text(), HasSubstr("taken out, doubled or moved"));
  log::set_level(log::Level::info);
}

TEST_F(AggregateRunTest, TheCheckpointKeepsTheGreatestTimestamp) {
  execute(kSums);
  feed(0, 50);
  drain();
  runtime_.reset();
  const topics::TaskId task = Query::task_id(QueryId("CSAS_SUMS"), 1, 0);
  data::TimestampMs greatest = 0;
  for (const TestRecord& record : read_partition(*log_, kExchange, 0))
    greatest = std::max(greatest, record.timestamp_ms);
  auto writer = log_->writer(Query::writer_id(QueryId("CSAS_SUMS"), 1, 0)).value();
  const auto checkpoint = writer->restore(task, [](ByteView, ByteView) {}).value();
  bool found = false;
  for (const topics::TaskPosition& position : checkpoint.positions) {
    const auto* time = std::get_if<topics::StreamTimePosition>(&position.position);
    if (time == nullptr) continue;
    found = true;
    EXPECT_EQ(time->time_ms, greatest);
  }
  EXPECT_TRUE(found);
}

TEST_F(AggregateRunTest, GroupsThatAreTheKeyNeedNoExchange) {
  execute(R"(
    CREATE STREAM a (c STRING KEY, n BIGINT) WITH (KAFKA_TOPIC='a', VALUE_FORMAT='JSON');
    CREATE TABLE sums WITH (KAFKA_TOPIC='sums', VALUE_FORMAT='JSON') AS
      SELECT c, SUM(n) AS total, AVG(n) AS mean FROM a GROUP BY c;)");
  produce(*log_, "a",
          {{.key = "x", .value = R"({"N":1})"},
           {.key = "y", .value = R"({"N":5})"},
           {.key = "x", .value = R"({"N":2})"},
           {.value = R"({"N":9})"},
           {.key = "x"}});
  drain();
  EXPECT_THAT(table("sums"), ElementsAre(Pair("x", R"({"TOTAL":3,"MEAN":1.5})"),
                                         Pair("y", R"({"TOTAL":5,"MEAN":5.0})")));
  EXPECT_FALSE(log_->describe(topic_name(kExchange)));
}

// After each record the process ends: sessions, their order and the numbers of their values go on.
TEST_F(AggregateRunTest, SessionsGoOnAfterARestart) {
  constexpr std::string_view kSessions = R"(
    CREATE STREAM a (c STRING, n BIGINT) WITH (KAFKA_TOPIC='a', VALUE_FORMAT='JSON', PARTITIONS=1);
    CREATE TABLE sums WITH (KAFKA_TOPIC='sums', VALUE_FORMAT='JSON', PARTITIONS=1) AS
      SELECT c, COUNT(*) AS n, LATEST_BY_OFFSET(n, 2) AS newest, EARLIEST_BY_OFFSET(n) AS oldest
      FROM a WINDOW SESSION (10 SECONDS, GRACE PERIOD 1 MINUTE) GROUP BY c;)";
  execute(kSessions);
  const std::vector<std::pair<int, int>> rows = {{1, 0},      {2, 15'000}, {3, 8'000},
                                                 {4, 90'000}, {5, 23'500}, {6, 91'000}};
  for (const auto& [n, time_ms] : rows) {
    produce(*log_, "a",
            {{.value = fmt::format(R"({{"C":"x","N":{}}})", n), .timestamp_ms = time_ms}});
    drain();
    restart();
    execute(kSessions);
  }
  drain();
  // The one that ended at 15 s is closed at 90 s, so row 5 begins another.
  EXPECT_THAT(
      read_values(*log_, "sums"),
      ElementsAre(R"({"N":1,"NEWEST":[1],"OLDEST":1})", R"({"N":1,"NEWEST":[2],"OLDEST":2})",
                  testing::_, testing::_, R"({"N":3,"NEWEST":[2,3],"OLDEST":1})",
                  R"({"N":1,"NEWEST":[4],"OLDEST":4})", R"({"N":1,"NEWEST":[5],"OLDEST":5})",
                  testing::_, R"({"N":2,"NEWEST":[4,6],"OLDEST":4})"));
}

TEST_F(AggregateRunTest, HavingTakesBackGroupsThatLeave) {
  execute(R"(
    CREATE STREAM a (c STRING KEY, n BIGINT) WITH (KAFKA_TOPIC='a', VALUE_FORMAT='JSON');
    CREATE TABLE sums WITH (KAFKA_TOPIC='sums', VALUE_FORMAT='JSON') AS
      SELECT c, COUNT(*) AS rows FROM a GROUP BY c HAVING SUM(n) > 10;)");
  const auto one = [&](int n) {
    produce(*log_, "a", {{.key = "x", .value = fmt::format(R"({{"N":{}}})", n)}});
    drain();
  };
  one(4);
  EXPECT_THAT(read_values(*log_, "sums"), IsEmpty());
  for (const int n : {7, 1, -5, -1, 20}) one(n);
  EXPECT_THAT(read_values(*log_, "sums"),
              ElementsAre(R"({"ROWS":2})", R"({"ROWS":3})", "<null>", R"({"ROWS":6})"));
}

TEST_F(AggregateRunTest, ATableIsGroupedByItsChanges) {
  constexpr std::string_view kScript = R"(
    CREATE TABLE a (id STRING PRIMARY KEY, c STRING, n BIGINT)
      WITH (KAFKA_TOPIC='a', VALUE_FORMAT='JSON', PARTITIONS=2);
    CREATE TABLE sums WITH (KAFKA_TOPIC='sums', VALUE_FORMAT='JSON', PARTITIONS=2) AS
      SELECT c, COUNT(*) AS rows, SUM(n) AS total FROM a GROUP BY c;)";
  execute(kScript);
  produce(*log_, "a",
          {{.key = "1", .value = R"({"C":"x","N":1})"},
           {.key = "2", .value = R"({"C":"x","N":2})"},
           {.key = "3", .value = R"({"C":"y","N":3})"}});
  drain();
  restart();
  execute(kScript);
  produce(*log_, "a", {{.key = "1", .value = R"({"C":"y","N":10})"}, {.key = "3"}});
  drain();
  EXPECT_THAT(table("sums"), ElementsAre(Pair("x", R"({"ROWS":1,"TOTAL":2})"),
                                         Pair("y", R"({"ROWS":1,"TOTAL":10})")));
}

// As in ksqlDB, of windows that close at once those behind the retention are dropped, also where an
// older one, closed before, has not gone out yet.
TEST_F(AggregateRunTest, TheSameWindowsAreDroppedHoweverRowsAreBatched) {
  const auto counts = [this](std::size_t at_once) {
    restart();
    execute(fmt::format(R"(
      CREATE STREAM a{0} (c STRING KEY, n BIGINT) WITH (KAFKA_TOPIC='a{0}', VALUE_FORMAT='JSON');
      CREATE TABLE sums{0} WITH (KAFKA_TOPIC='sums{0}', VALUE_FORMAT='JSON') AS
        SELECT c, COUNT(*) AS rows FROM a{0}
        WINDOW HOPPING (SIZE 5 MILLISECONDS, ADVANCE BY 2 MILLISECONDS,
                        GRACE PERIOD 1 MILLISECONDS)
        GROUP BY c EMIT FINAL;)",
                        at_once));
    std::vector<TestRecord> records;
    for (const int ms : {0, 1, 2, 1, 6, 5, 10}) {
      records.push_back({.key = "k", .value = R"({"N":1})", .timestamp_ms = ms});
      if (records.size() < at_once) continue;
      produce(*log_, fmt::format("a{}", at_once), records);
      drain();
      records.clear();
    }
    return read_values(*log_, fmt::format("sums{}", at_once));
  };
  EXPECT_THAT(counts(1), ElementsAre(R"({"ROWS":4})", R"({"ROWS":2})"));
  EXPECT_THAT(counts(7), ElementsAre(R"({"ROWS":4})", R"({"ROWS":2})"));
}

// Windows that close with more groups than one commit takes.
TEST_F(AggregateRunTest, WhatTimeBringsOutIsSplitOverCommits) {
  constexpr std::string_view kScript = R"(
    CREATE STREAM a (c STRING KEY, n BIGINT) WITH (KAFKA_TOPIC='a', VALUE_FORMAT='JSON');
    CREATE TABLE sums WITH (KAFKA_TOPIC='sums', VALUE_FORMAT='JSON') AS
      SELECT c, COUNT(*) AS rows FROM a
      WINDOW TUMBLING (SIZE 10 SECONDS, GRACE PERIOD 0 SECONDS) GROUP BY c EMIT FINAL;)";
  RuntimeOptions options;
  options.commit.output_bytes = 20'000;
  runtime_ = start_runtime(*log_, &keys_, options).value();
  execute(kScript);
  std::vector<TestRecord> records;
  for (int i = 0; i < 5000; ++i)
    records.push_back({.key = fmt::format("k{}", i), .value = R"({"N":1})", .timestamp_ms = 1000});
  produce(*log_, "a", records);
  drain();
  EXPECT_THAT(read_values(*log_, "sums"), IsEmpty());
  const std::uint64_t commits = runtime_->stats().at(0).commits;
  produce(*log_, "a", {{.key = "k", .value = R"({"N":1})", .timestamp_ms = 10'000}});
  drain();
  EXPECT_EQ(table("sums").size(), 5000u);
  EXPECT_GE(runtime_->stats().at(0).commits, commits + 4);
  restart();  // nothing is said twice
  execute(kScript);
  produce(*log_, "a", {{.key = "l", .value = R"({"N":1})", .timestamp_ms = 20'000}});
  drain();
  EXPECT_EQ(table("sums").size(), 5001u);
}

}  // namespace
}  // namespace penstock::engine
