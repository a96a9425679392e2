// Joins from text to records: order, state over restarts, sealed inputs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include <fmt/format.h>

#include "engine/query.h"
#include "engine/test_sql_run.h"

namespace penstock::engine {
namespace {

using namespace test;  // NOLINT: builders
using testing::HasSubstr;
using testing::SizeIs;

class JoinRunTest : public SqlRunTest {
 protected:
  void SetUp() override {
    ByteBuffer secret(seal::kStateKeyBytes, 9);
    ASSERT_TRUE(keys_.set_state_key(SecretBuffer::copy_of(secret)));
    SqlRunTest::SetUp();
  }
  // A process that ends, and the next one.
  void restart() {
    runtime_.reset();
    streams_ = TestStreams();
    SqlRunTest::SetUp();
  }
  // "key value @time" of a topic's records, sorted.
  std::vector<std::string> rows(const std::string& topic) {
    std::vector<std::string> out;
    for (const TestRecord& record : read_topic(*log_, topic))
      out.push_back(fmt::format("{} {} @{}", record.key.value_or("-"), record.value.value_or("-"),
                                record.timestamp_ms));
    std::ranges::sort(out);
    return out;
  }
  // The last of each key.
  std::vector<std::string> newest(const std::string& topic) {
    std::map<std::string, std::string> last;
    for (const TestRecord& record : read_topic(*log_, topic))
      last[record.key.value_or("-")] = record.value.value_or("-");
    std::vector<std::string> out;
    for (const auto& [key, value] : last) out.push_back(fmt::format("{} {}", key, value));
    return out;
  }
};

constexpr std::string_view kReadings = R"(
  CREATE STREAM readings (id STRING KEY, n INT)
    WITH (KAFKA_TOPIC='readings', VALUE_FORMAT='JSON', PARTITIONS=2);
  CREATE TABLE rooms (id STRING PRIMARY KEY, v INT)
    WITH (KAFKA_TOPIC='rooms', VALUE_FORMAT='JSON', PARTITIONS=2);)";
constexpr std::string_view kPlaced = R"(
  CREATE STREAM placed WITH (KAFKA_TOPIC='placed', VALUE_FORMAT='JSON', PARTITIONS=2) AS
    SELECT r.id, n, v FROM readings r LEFT JOIN rooms t ON r.id = t.id;)";

// All lies there before the query begins; every row finds what its table had at its time.
TEST_F(JoinRunTest, InputsAreReadInTheOrderOfTime) {
  execute(kReadings);
  std::vector<TestRecord> readings, rooms;
  for (int i = 0; i < 4'000; ++i)
    readings.push_back({.key = fmt::format("k{}", i % 2),
                        .value = fmt::format(R"({{"N":{}}})", i),
                        .timestamp_ms = 1000 + i,
                        .partition = i % 2});
  for (int i = 0; i < 400; ++i)
    for (int p = 0; p < 2; ++p)
      rooms.push_back({.key = fmt::format("k{}", p),
                       .value = fmt::format(R"({{"V":{}}})", i),
                       .timestamp_ms = 1000 + 10 * i,
                       .partition = p});
  produce(*log_, "readings", readings);
  produce(*log_, "rooms", rooms);
  execute(kPlaced);
  drain();
  std::vector<std::string> expected;
  for (int i = 0; i < 4'000; ++i)
    expected.push_back(fmt::format(R"(k{} {{"N":{},"V":{}}} @{})", i % 2, i, i / 10, 1000 + i));
  std::ranges::sort(expected);
  EXPECT_EQ(rows("placed"), expected);
  const QueryStats stats = runtime_->stats().at(0);
  EXPECT_EQ(stats.records_in, 4'800u);
  EXPECT_EQ(stats.records_out, 4'000u);
}

// What refers and what is referred to may lie in different numbers of partitions.
TEST_F(JoinRunTest, AForeignKeyMeetsATableWithMorePartitions) {
  execute(R"(
    CREATE TABLE lt (id STRING PRIMARY KEY, k STRING)
      WITH (KAFKA_TOPIC='lt', VALUE_FORMAT='JSON', PARTITIONS=1);
    CREATE TABLE rt (id STRING PRIMARY KEY, b INT)
      WITH (KAFKA_TOPIC='rt', VALUE_FORMAT='JSON', PARTITIONS=3);
    CREATE TABLE both WITH (KAFKA_TOPIC='both', VALUE_FORMAT='JSON', PARTITIONS=1) AS
      SELECT lt.id, k, b FROM lt JOIN rt ON k = rt.id;)");
  produce(*log_, "lt",
          {{.key = "a", .value = R"({"K":"x"})"}, {.key = "b", .value = R"({"K":"y"})"}});
  produce(*log_, "rt",
          {{.key = "x", .value = R"({"B":1})", .partition = 2},
           {.key = "y", .value = R"({"B":2})", .partition = 1}});
  drain();
  EXPECT_THAT(newest("both"), testing::ElementsAre(R"(a {"K":"x","B":1})", R"(b {"K":"y","B":2})"));
  EXPECT_EQ(log_->describe(topic_name("CSAS_BOTH.dead_letters"))->spec.partitions, 3);
}

constexpr std::string_view kPairs = R"(
  CREATE STREAM l (id STRING KEY, a INT, k STRING)
    WITH (KAFKA_TOPIC='l', VALUE_FORMAT='JSON', PARTITIONS=2);
  CREATE STREAM r (id STRING KEY, b INT) WITH (KAFKA_TOPIC='r', VALUE_FORMAT='JSON', PARTITIONS=2);
  CREATE STREAM pairs WITH (KAFKA_TOPIC='pairs', VALUE_FORMAT='JSON', PARTITIONS=2) AS
    SELECT ROWKEY AS id, a, b FROM l FULL OUTER JOIN r WITHIN 40 SECONDS GRACE PERIOD 1 SECOND
    ON l.id = r.id;
  CREATE STREAM moved WITH (KAFKA_TOPIC='moved', VALUE_FORMAT='JSON', PARTITIONS=2) AS
    SELECT k, a, b FROM l JOIN r WITHIN 40 SECONDS GRACE PERIOD 1 DAY ON k = r.id;
  CREATE TABLE lt (id STRING PRIMARY KEY, a INT, k STRING) WITH (KAFKA_TOPIC='l', VALUE_FORMAT='JSON');
  CREATE TABLE rt (id STRING PRIMARY KEY, b INT) WITH (KAFKA_TOPIC='r', VALUE_FORMAT='JSON');
  CREATE TABLE both WITH (KAFKA_TOPIC='both', VALUE_FORMAT='JSON', PARTITIONS=2) AS
    SELECT lt.id, a, b FROM lt JOIN rt ON lt.id = rt.id;
  CREATE TABLE referring WITH (KAFKA_TOPIC='referring', VALUE_FORMAT='JSON', PARTITIONS=2) AS
    SELECT lt.id, a, k, b FROM lt LEFT JOIN rt ON k = rt.id;)";

class JoinRestartTest : public JoinRunTest {
 protected:
  // One second each; a key's rows are in its partition on both sides.
  void feed(int from, int to) {
    std::vector<TestRecord> left, right;
    for (int i = from; i < to; ++i) {
      left.push_back({.key = fmt::format("k{}", i % 7),
                      .value = fmt::format(R"({{"A":{},"K":"k{}"}})", i, (i + 3) % 7),
                      .timestamp_ms = 1000 * i,
                      .partition = i % 7 % 2});
      if (i % 5 == 0)
        right.push_back({.key = fmt::format("k{}", i % 35 / 5),
                         .value = fmt::format(R"({{"B":{}}})", i),
                         .timestamp_ms = 1000 * i,
                         .partition = i % 35 / 5 % 2});
    }
    produce(*log_, "l", left);
    produce(*log_, "r", right);
  }
  std::vector<std::vector<std::string>> run(int rounds) {
    runtime_.reset();
    log_ = topics::make_memory_log(topics::test_identity());
    make_topic(*log_, "l", 2);
    make_topic(*log_, "r", 2);
    for (int round = 0; round < rounds; ++round) {
      restart();
      feed(280 / rounds * round, 280 / rounds * (round + 1));
      execute(kPairs);
      drain();
    }
    auto out = std::vector{rows("pairs"), rows("moved"), rows("both"), newest("referring")};
    runtime_.reset();
    return out;
  }
};

TEST_F(JoinRestartTest, JoinsGoOnAfterRestarts) {
  const auto at_once = run(1);
  EXPECT_GT(at_once[0].size(), 200u);
  EXPECT_GT(at_once[1].size(), 200u);
  EXPECT_GT(at_once[2].size(), 200u);
  EXPECT_THAT(at_once[3], SizeIs(7));
  EXPECT_EQ(run(7), at_once);
}

TEST_F(JoinRunTest, TopicsOfAJoinHaveAsManyPartitions) {
  execute(R"(
    CREATE STREAM l (id STRING KEY, a INT) WITH (KAFKA_TOPIC='l', VALUE_FORMAT='JSON', PARTITIONS=2);
    CREATE TABLE t (id STRING PRIMARY KEY, b INT)
      WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON', PARTITIONS=3);
    CREATE STREAM j (id STRING KEY, a INT, b INT)
      WITH (KAFKA_TOPIC='j', VALUE_FORMAT='JSON', PARTITIONS=2);)");
  auto texts =
      sql::split_statements("INSERT INTO j SELECT l.id AS id, a, b FROM l JOIN t ON l.id = t.id;");
  auto statement = sql::prepare_statement(texts->front(), streams_, builtin_functions());
  ASSERT_TRUE(statement) << statement.error().text();
  auto& insert = std::get<sql::InsertSelect>(statement->node);
  const Result<> started =
      runtime_->start_query(QueryId("Q"), std::move(insert.plan), StartAt::earliest);
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().text(),
              HasSubstr("Can't join `L` with `T` since the number of partitions don't match. `L` "
                        "partitions = 2; `T` partitions = 3."));
}

constexpr std::string_view kSealedSides = R"(
  CREATE STREAM a (id STRING KEY, x INT) WITH (KAFKA_TOPIC='a', VALUE_FORMAT='JSON', PARTITIONS=1);
  CREATE STREAM b (id STRING KEY, y INT) WITH (KAFKA_TOPIC='b', VALUE_FORMAT='JSON', PARTITIONS=1);
  CREATE STREAM sa WITH (KAFKA_TOPIC='payments', VALUE_FORMAT='JSON', SEAL='psr1', KEY_POLICY='pay-v1') AS
    SELECT * FROM a;
  CREATE STREAM sb WITH (KAFKA_TOPIC='review', VALUE_FORMAT='JSON', SEAL='psr1', KEY_POLICY='pay-v1') AS
    SELECT * FROM b;
  CREATE STREAM sj WITH (KAFKA_TOPIC='sj', VALUE_FORMAT='JSON') AS
    SELECT sa.id, x, y FROM sa JOIN sb WITHIN 1 DAY ON sa.id = sb.id;)";

// Each input has guards of its own, which restarts keep.
TEST_F(JoinRunTest, BothInputsMayBeSealed) {
  make_topic(*log_, "payments.grants");
  make_topic(*log_, "review.grants");
  std::size_t expected = 0;
  for (int round = 1; round <= 3; ++round) {
    if (round > 1) restart();
    execute(kSealedSides);
    produce(
        *log_, "a",
        {{.key = "k", .value = fmt::format(R"({{"X":{}}})", round), .timestamp_ms = 1000 * round}});
    produce(
        *log_, "b",
        {{.key = "k", .value = fmt::format(R"({{"Y":{}}})", round), .timestamp_ms = 1000 * round}});
    drain();
    expected = static_cast<std::size_t>(round * round);  // each with each
    EXPECT_THAT(rows("sj"), SizeIs(expected));
  }
  EXPECT_EQ(runtime_->stats().at(0).dead_letters, 0u);
  std::vector<TestRecord> again = read_topic(*log_, "review");  // the host plays a record once more
  produce(*log_, "review", {again.front()});
  drain();
  EXPECT_THAT(rows("sj"), SizeIs(expected));
  EXPECT_THAT(reasons("CSAS_SJ"), SizeIs(1));
}

}  // namespace
}  // namespace penstock::engine
