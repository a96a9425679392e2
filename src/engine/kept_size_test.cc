// Rows and groups that are too large to be kept: dead letters, and the query goes on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "engine/kept_limits.h"
#include "engine/test_sql_run.h"

namespace penstock::engine {
namespace {

using namespace test;  // NOLINT: builders
using testing::ElementsAre;
using testing::IsEmpty;

class KeptSizeTest : public SqlRunTest {
 protected:
  void SetUp() override {
    ByteBuffer secret(seal::kStateKeyBytes, 9);
    ASSERT_TRUE(keys_.set_state_key(SecretBuffer::copy_of(secret)));
    SqlRunTest::SetUp();
  }
  void feed(const std::string& topic, const std::string& key, const std::string& text) {
    produce(*log_, topic,
            {{.key = key,
              .value = fmt::format(R"({{"T":"{}"}})", text),
              .timestamp_ms = 1000 + ++fed_}});
  }
  std::vector<std::string> keys_in(const std::string& topic) {
    std::vector<std::string> out;
    for (TestRecord& record : read_topic(*log_, topic)) out.push_back(record.key.value_or("-"));
    return out;
  }
  void expect_running() {
    for (const QueryStats& stats : runtime_->stats()) EXPECT_EQ(stats.state, QueryState::running);
  }

  static constexpr std::string_view kSources = R"(
    CREATE STREAM a (k STRING KEY, t STRING) WITH (KAFKA_TOPIC='a', FORMAT='JSON', PARTITIONS=1);
    CREATE STREAM b (k STRING KEY, t STRING) WITH (KAFKA_TOPIC='b', FORMAT='JSON', PARTITIONS=1);)";
  const std::string long_key_ = '"' + std::string(70'000, 'k') + '"';
  const std::string short_key_ = R"("s")";
  int fed_ = 0;
};

TEST_F(KeptSizeTest, GroupsWithKeysThatAreTooLarge) {
  execute(std::string(kSources) + R"(
    CREATE TABLE plain WITH (KAFKA_TOPIC='plain') AS SELECT k, COUNT(*) AS n FROM a GROUP BY k;
    CREATE TABLE hopping WITH (KAFKA_TOPIC='hopping') AS
      SELECT k, COUNT(*) AS n FROM a WINDOW HOPPING (SIZE 1 HOUR, ADVANCE BY 1 HOUR) GROUP BY k;
    CREATE TABLE sessions WITH (KAFKA_TOPIC='sessions') AS
      SELECT k, COUNT(*) AS n FROM a WINDOW SESSION (1 HOUR) GROUP BY k;)");
  feed("a", short_key_, "1");
  drain();
  feed("a", long_key_, "2");
  drain();
  feed("a", short_key_, "3");
  drain();
  expect_running();
  for (const char* id : {"CSAS_PLAIN", "CSAS_HOPPING", "CSAS_SESSIONS"})
    EXPECT_THAT(reasons(id), ElementsAre(kKeptKeyTooLarge)) << id;
  EXPECT_THAT(keys_in("plain"), ElementsAre(short_key_, short_key_));
}

TEST_F(KeptSizeTest, GroupsOfTooLargeListsTakeNoMore) {
  constexpr std::string_view kLists = R"(
    CREATE TABLE lists{} WITH (KAFKA_TOPIC='lists{}'{}) AS
      SELECT k, COUNT(*) AS n, ARRAY_LENGTH(COLLECT_LIST(t)) AS l FROM a GROUP BY k;)";
  execute(std::string(kSources) + fmt::format(kLists, 1, 1, "") +
          fmt::format(kLists, 2, 2, ", ON_ERROR='dead_letter'"));
  const std::string text(500'000, 't');
  for (int i = 0; i < 6; ++i) feed("a", short_key_, text);
  feed("a", short_key_, "short");
  drain();
  expect_running();
  EXPECT_THAT(reasons("CSAS_LISTS1"), IsEmpty());
  EXPECT_THAT(reasons("CSAS_LISTS2"), ElementsAre("group_too_large", "group_too_large"));
  EXPECT_EQ(read_values(*log_, "lists1").back(), R"({"N":7,"L":5})");
  EXPECT_EQ(read_values(*log_, "lists2").back(), R"({"N":7,"L":5})");
}

// Two sessions, each with a list of nearly all that one may have, grow together.
TEST_F(KeptSizeTest, SessionsThatGrowTogether) {
  execute(std::string(kSources) + R"(
    CREATE TABLE lists WITH (KAFKA_TOPIC='lists') AS
      SELECT k, COUNT(*) AS n, ARRAY_LENGTH(COLLECT_LIST(t)) AS l
      FROM a WINDOW SESSION (10 SECONDS) GROUP BY k;)");
  const std::string value = fmt::format(R"({{"T":"{}"}})", std::string(900'000, 't'));
  for (const int second : {10, 11, 25, 26, 18})
    produce(*log_, "a", {{.key = short_key_, .value = value, .timestamp_ms = second * 1000}});
  drain();
  expect_running();
  EXPECT_EQ(read_values(*log_, "lists").back(), R"({"N":5,"L":2})");
}

TEST_F(KeptSizeTest, JoinsWithKeysThatAreTooLarge) {
  execute(std::string(kSources) + R"(
    CREATE TABLE t (k STRING PRIMARY KEY, t STRING)
      WITH (KAFKA_TOPIC='t', FORMAT='JSON', PARTITIONS=1);
    CREATE TABLE r (t STRING PRIMARY KEY, v STRING)
      WITH (KAFKA_TOPIC='r', FORMAT='JSON', PARTITIONS=1);
    CREATE STREAM looked_up WITH (KAFKA_TOPIC='looked_up') AS
      SELECT a.k AS k, a.t, t.t FROM a LEFT JOIN t ON a.k = t.k;
    CREATE TABLE referring WITH (KAFKA_TOPIC='referring') AS
      SELECT t.k, t.t, r.v FROM t JOIN r ON t.t = r.t;
    CREATE TABLE counts WITH (KAFKA_TOPIC='counts') AS SELECT t, COUNT(*) AS n FROM t GROUP BY t;
    CREATE STREAM both WITH (KAFKA_TOPIC='both') AS
      SELECT a.k AS k, a.t, b.t FROM a JOIN b WITHIN 1 HOUR ON a.k = b.k;)");
  for (const std::string& key : {short_key_, long_key_})
    for (const char* topic : {"t", "a", "b"}) {
      feed(topic, key, "x");
      drain();
    }
  produce(*log_, "r", {{.key = R"("x")", .value = R"({"V":"y"})", .timestamp_ms = 5000}});
  drain();
  expect_running();
  EXPECT_THAT(reasons("CSAS_LOOKED_UP"), ElementsAre(kKeptKeyTooLarge, kKeptKeyTooLarge));
  EXPECT_THAT(reasons("CSAS_REFERRING"), ElementsAre(kKeptKeyTooLarge));
  EXPECT_THAT(reasons("CSAS_COUNTS"), ElementsAre(kKeptKeyTooLarge));
  EXPECT_THAT(reasons("CSAS_BOTH"), IsEmpty());  // what a window keeps is stored by its time
  EXPECT_THAT(keys_in("looked_up"), ElementsAre(short_key_));
  EXPECT_THAT(keys_in("referring"), ElementsAre(short_key_));
  EXPECT_THAT(keys_in("both"), ElementsAre(short_key_, long_key_));
}

// What commits write is not what they read: large groups that say little.
TEST_F(KeptSizeTest, CommitsComeBeforeMuchIsKept) {
  RuntimeOptions options;
  options.commit = {.records = 1'000'000,
                    .output_bytes = 1 << 30,
                    .age = std::chrono::hours(1),
                    .state_bytes = 1'000'000};
  runtime_ = start_runtime(*log_, &keys_, options).value();
  execute(std::string(kSources) + R"(
    CREATE TABLE lists WITH (KAFKA_TOPIC='lists') AS
      SELECT k, ARRAY_LENGTH(COLLECT_LIST(t)) AS l FROM a GROUP BY k;)");
  std::vector<TestRecord> records;
  for (int i = 0; i < 4096; ++i)
    records.push_back({.key = fmt::format("\"{}\"", i),
                       .value = fmt::format(R"({{"T":"{}"}})", std::string(1000, 't')),
                       .timestamp_ms = i});
  produce(*log_, "a", records);
  drain();
  expect_running();
  EXPECT_GE(runtime_->stats().at(0).commits, 3u);
}

}  // namespace
}  // namespace penstock::engine
