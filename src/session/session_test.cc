#include "session/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "session/test_world.h"
#include "topics/test_state_key.h"

namespace penstock::session::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::string_view kOrders =
    "CREATE STREAM orders (id BIGINT, item STRING, price DOUBLE) "
    "WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON', PARTITIONS=1);";
constexpr std::string_view kCheap =
    "CREATE STREAM cheap AS SELECT id, item FROM orders WHERE price < 10 EMIT CHANGES;";

std::string both() {
  return std::string(kOrders) + std::string(kCheap);
}

topics::Deadline in_seconds(int seconds) {
  return std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
}

// All rows until the query ends (or a minute has passed).
engine::PushQuery::Rows all_rows(engine::PushQuery& query) {
  engine::PushQuery::Rows out;
  const auto give_up = in_seconds(60);
  while (!out.done && std::chrono::steady_clock::now() < give_up) {
    auto some = query.next(100, in_seconds(1));
    for (auto& row : some.rows) out.rows.push_back(std::move(row));
    out.done = some.done;
    out.limit_reached = some.limit_reached;
    out.error = some.error;
  }
  return out;
}

TEST(Session, RunsAPipelineAndDrainsIt) {
  auto log = topics::make_memory_log(topics::test_identity());
  auto session = open(*log);
  const ScriptResult made = must(*session, both());
  EXPECT_EQ(command(made, 0).command_id, "stream/`ORDERS`/create");
  EXPECT_EQ(command(made, 0).message, "Stream created");
  EXPECT_EQ(command(made, 0).sequence, 0);
  EXPECT_EQ(command(made, 1).message, "Created query with ID CSAS_CHEAP_1");
  EXPECT_EQ(command(made, 1).query_id, "CSAS_CHEAP_1");
  produce(*log, "orders",
          {R"({"ID":1,"ITEM":"pen","PRICE":2.5})", R"({"ID":2,"ITEM":"car","PRICE":9000})"});
  ASSERT_TRUE(session->drain());
  EXPECT_THAT(read_values(*log, "CHEAP"), ElementsAre(R"({"ID":1,"ITEM":"pen"})"));
  const auto queries = session->queries();
  ASSERT_EQ(queries.size(), 1u);
  EXPECT_EQ(queries[0].sink, "CHEAP");
  EXPECT_EQ(queries[0].stats.records_in, 2u);
  EXPECT_EQ(queries[0].stats.records_out, 1u);
}

TEST(Session, ChecksTheWholeScriptBeforeItsFirstStatementRuns) {
  auto log = topics::make_memory_log(topics::test_identity());
  auto session = open(*log);
  const ScriptResult result =
      session->execute(std::string(kOrders) + "CREATE STREAM x AS SELECT nope FROM orders;", {});
  ASSERT_TRUE(result.error);
  EXPECT_THAT(result.error->text(), HasSubstr("NOPE"));
  EXPECT_THAT(result.failed_statement, HasSubstr("SELECT nope"));
  EXPECT_THAT(result.done, IsEmpty());
  EXPECT_FALSE(log->describe(topic_name("orders")));
  must(*session, both());  // nothing of the refused script is left
}

TEST(Session, ResumesAfterARestartFromTheStatementsTopic) {
  auto log = topics::make_memory_log(topics::test_identity());
  {
    auto session = open(*log);
    must(*session, both());
    produce(*log, "orders", {R"({"ID":1,"ITEM":"pen","PRICE":2})"});
    ASSERT_TRUE(session->drain());
  }
  auto session = open(*log);
  ASSERT_EQ(session->queries().size(), 1u);
  EXPECT_EQ(session->queries()[0].id, "CSAS_CHEAP_1");
  const ScriptResult again = must(*session, both());
  EXPECT_EQ(command(again, 1).message, "Resumed query with ID CSAS_CHEAP_1");
  produce(*log, "orders", {R"({"ID":2,"ITEM":"cup","PRICE":3})"});
  ASSERT_TRUE(session->drain());
  EXPECT_THAT(read_values(*log, "CHEAP"),
              ElementsAre(R"({"ID":1,"ITEM":"pen"})", R"({"ID":2,"ITEM":"cup"})"));
}

// Custom types, columns that were added, properties and groups are the same in the next process.
TEST(Session, GoesOnWithTypesPropertiesAndGroupsAfterARestart) {
  auto log = topics::make_memory_log(topics::test_identity());
  {
    auto session = open(*log);
    must(*session, R"(
      CREATE TYPE place AS STRUCT<city STRING, zip INT>;
      CREATE STREAM visits (id BIGINT, at place)
        WITH (KAFKA_TOPIC='visits', VALUE_FORMAT='JSON', PARTITIONS=2);
      ALTER STREAM visits ADD COLUMN spent DECIMAL(6, 2);
      SET 'ksql.output.topic.name.prefix'='out_';
      CREATE TABLE cities WITH (PARTITIONS=1) AS
        SELECT at->city AS city, COUNT(*) AS visits, SUM(spent) AS spent FROM visits
        GROUP BY at->city EMIT CHANGES;)");
    produce(*log, "visits", {R"({"ID":1,"AT":{"CITY":"a","ZIP":7},"SPENT":1.50})"}, 0);
    produce(*log, "visits", {R"({"ID":2,"AT":{"CITY":"a","ZIP":8}})"}, 1);
    ASSERT_TRUE(session->drain());
    const std::vector<std::string> first = read_values(*log, "out_CITIES");
    EXPECT_EQ(first.back(), R"({"VISITS":2,"SPENT":1.50})");
  }
  auto session = open(*log);
  produce(*log, "visits", {R"({"ID":3,"AT":{"CITY":"a","ZIP":7},"SPENT":0.25})"}, 1);
  ASSERT_TRUE(session->drain());
  const std::vector<std::string> then = read_values(*log, "out_CITIES");
  EXPECT_EQ(then.back(), R"({"VISITS":3,"SPENT":1.75})");
  must(*session, "CREATE STREAM more (at place) WITH (KAFKA_TOPIC='visits', VALUE_FORMAT='JSON');");
  must(*session, "TERMINATE ALL;");
  const std::vector<topics::TopicName> left = log->list().value();
  for (const topics::TopicName& topic : left)
    EXPECT_THAT(topic.text(), Not(HasSubstr("repartition")));
}

TEST(Session, TakesStatementsAsTheSameWhateverTheirWhiteSpaceAndComments) {
  auto log = topics::make_memory_log(topics::test_identity());
  auto session = open(*log);
  must(*session, both());
  const auto again =
      must(*session,
           "-- the cheap ones\nCREATE STREAM cheap AS\n  SELECT id, item /* both */ FROM "
           "orders\n  WHERE price < 10\n  EMIT CHANGES;");
  EXPECT_EQ(command(again).query_id, "CSAS_CHEAP_1");
  EXPECT_EQ(session->queries().size(), 1u);
}

TEST(Session, RefusesAChangedStatementWithBothTexts) {
  auto log = topics::make_memory_log(topics::test_identity());
  auto session = open(*log);
  must(*session, both());
  const Error error =
      refused(*session, "CREATE STREAM cheap AS SELECT id FROM orders EMIT CHANGES;");
  EXPECT_THAT(error.text(), HasSubstr("SELECT id, item FROM orders WHERE price < 10"));
  EXPECT_THAT(error.text(), HasSubstr("SELECT id FROM orders EMIT CHANGES"));
}

TEST(Session, SaysOverRestWhatKsqldbSays) {
  auto log = topics::make_memory_log(topics::test_identity());
  auto session = open(*log);
  must(*session, both());
  EXPECT_EQ(refused(*session, kOrders, Again::refused).text(),
            "Cannot add stream 'ORDERS': A stream with the same name already exists");
  EXPECT_EQ(refused(*session, kCheap, Again::refused).text(),
            "Cannot add stream 'CHEAP': A stream with the same name already exists");
  const auto hit =
      must(*session,
           "CREATE STREAM IF NOT EXISTS orders (id BIGINT) WITH (KAFKA_TOPIC='orders', "
           "VALUE_FORMAT='JSON');",
           Again::refused);
  EXPECT_TRUE(command(hit).warning);
  EXPECT_THAT(command(hit).message, testing::StartsWith("Cannot add"));
}

TEST(Session, DropsOnlyWhatNoQueryUses) {
  auto log = topics::make_memory_log(topics::test_identity());
  auto session = open(*log);
  must(*session, both());
  const Error used = refused(*session, "DROP STREAM orders;");
  EXPECT_THAT(used.text(),
              HasSubstr("The following queries read from this source: [CSAS_CHEAP_1]"));
  const auto ended =
      must(*session, "TERMINATE CSAS_CHEAP_1; DROP STREAM cheap DELETE TOPIC; DROP STREAM orders;");
  EXPECT_EQ(command(ended, 0).command_id, "terminate/CSAS_CHEAP_1/execute");
  EXPECT_THAT(command(ended, 1).message, HasSubstr("(topic: CHEAP) was dropped"));
  EXPECT_FALSE(log->describe(topic_name("CHEAP")));
  EXPECT_TRUE(log->describe(topic_name("orders")));
  EXPECT_THAT(session->queries(), IsEmpty());
  EXPECT_THAT(refused(*session, "DROP STREAM orders;").text(), HasSubstr("ORDERS"));
  EXPECT_TRUE(command(must(*session, "DROP STREAM IF EXISTS orders;")).warning);
  session.reset();
  session = open(*log);  // and it stays so
  EXPECT_THAT(session->queries(), IsEmpty());
  EXPECT_EQ(refused(*session, "TERMINATE CSAS_CHEAP_1;").code(), ErrorCode::not_found);
}

TEST(Session, SaysWhatToDoAboutAMissingTopicOrAWrongNumberOfPartitions) {
  auto log = topics::make_memory_log(topics::test_identity());
  auto session = open(*log);
  const Error missing = refused(
      *session, "CREATE STREAM s (id BIGINT) WITH (KAFKA_TOPIC='nowhere', VALUE_FORMAT='JSON');");
  EXPECT_EQ(missing.code(), ErrorCode::not_found);
  EXPECT_THAT(missing.text(), HasSubstr("PARTITIONS=n"));
  make_topic(*log, "two", 2);
  const Error wrong =
      refused(*session,
              "CREATE STREAM s (id BIGINT) WITH (KAFKA_TOPIC='two', VALUE_FORMAT='JSON', "
              "PARTITIONS=3);");
  EXPECT_THAT(wrong.text(), HasSubstr("has 2 partitions, not the 3"));
  must(*session,
       "CREATE STREAM s (id BIGINT) WITH (KAFKA_TOPIC='two', VALUE_FORMAT='JSON');"
       "CREATE STREAM copy AS SELECT * FROM s EMIT CHANGES;");
  EXPECT_EQ(log->describe(topic_name("COPY"))->spec.partitions, 2);
}

TEST(Session, InsertsValuesAndInsertsFromQueries) {
  auto log = topics::make_memory_log(topics::test_identity());
  auto session = open(*log);
  must(*session, kOrders);
  const auto row = must(*session, "INSERT INTO orders (id, item, price) VALUES (7, 'nib', 1.5);");
  EXPECT_EQ(command(row).command_id, "");
  EXPECT_THAT(read_values(*log, "orders"), ElementsAre(R"({"ID":7,"ITEM":"nib","PRICE":1.5})"));
  must(*session,
       "CREATE STREAM items (item STRING) WITH (KAFKA_TOPIC='items', VALUE_FORMAT='JSON', "
       "PARTITIONS=1);");
  const auto first = must(*session, "INSERT INTO items SELECT item FROM orders EMIT CHANGES;");
  EXPECT_EQ(command(first).query_id, "INSERTQUERY_2");
  const auto named = must(*session,
                          "INSERT INTO items WITH (QUERY_ID='upper') SELECT UCASE(item) AS item "
                          "FROM orders EMIT CHANGES;");
  EXPECT_EQ(command(named).query_id, "UPPER");
  ASSERT_TRUE(session->drain());
  EXPECT_THAT(read_values(*log, "items"),
              testing::UnorderedElementsAre(R"({"ITEM":"nib"})", R"({"ITEM":"NIB"})"));
  const Error changed = refused(
      *session, "INSERT INTO items WITH (QUERY_ID='upper') SELECT item FROM orders EMIT CHANGES;");
  EXPECT_THAT(changed.text(), HasSubstr("UCASE(item)"));
}

TEST(Session, RefusesQueriesThatWouldFeedThemselves) {
  auto log = topics::make_memory_log(topics::test_identity());
  auto session = open(*log);
  must(*session, both());
  const Error circle = refused(
      *session,
      "INSERT INTO orders SELECT id, item, CAST(1 AS DOUBLE) AS price FROM cheap EMIT CHANGES;");
  EXPECT_THAT(circle.text(), HasSubstr("would read what it writes"));
}

TEST(Session, AnswersPushAndPullQueries) {
  auto log = topics::make_memory_log(topics::test_identity());
  auto session = open(*log);
  must(*session, kOrders);
  produce(*log, "orders", {R"({"ID":1,"ITEM":"pen","PRICE":2})"});
  auto pull = session->select("SELECT id, item FROM orders;", {}, false);
  ASSERT_TRUE(pull) << pull.error().text();
  auto rows = all_rows(*pull->query);
  ASSERT_EQ(rows.rows.size(), 1u);
  EXPECT_EQ(std::get<std::string>(rows.rows[0][1]), "pen");
  EXPECT_FALSE(rows.error);

  auto push = session->select("SELECT id FROM orders EMIT CHANGES LIMIT 1;", {}, false);
  ASSERT_TRUE(push);
  EXPECT_THAT(push->query_id, testing::StartsWith("transient_ORDERS_"));
  produce(*log, "orders", {R"({"ID":2,"ITEM":"cup","PRICE":3})"});
  rows = all_rows(*push->query);
  ASSERT_EQ(rows.rows.size(), 1u);  // the one that came after the query
  EXPECT_EQ(std::get<std::int64_t>(rows.rows[0][0]), 2);
  EXPECT_TRUE(rows.limit_reached);

  auto early = session->select("SELECT id FROM orders EMIT CHANGES LIMIT 1;",
                               {{"auto.offset.reset", "earliest"}}, false);
  ASSERT_TRUE(early);
  EXPECT_EQ(std::get<std::int64_t>(all_rows(*early->query).rows.at(0)[0]), 1);
  EXPECT_FALSE(session->select("SHOW STREAMS;", {}, false));
  EXPECT_FALSE(session->select("SELECT id FROM orders; SELECT id FROM orders;", {}, false));
}

TEST(Session, PrintsRecordsAndOnlyTheLengthOfSealedOnes) {
  auto log = topics::make_memory_log(topics::test_identity());
  auto session = open(*log);
  make_topic(*log, "t", 2);
  produce(*log, "t", {"{\"a\":1}"});
  produce(*log, "t", {std::string("\xd0\x83\x53") + std::string(30, 'x')}, 1);
  auto print = session->select("PRINT 't' FROM BEGINNING LIMIT 2;", {}, false);
  ASSERT_TRUE(print) << print.error().text();
  const auto rows = all_rows(*print->query);
  ASSERT_EQ(rows.rows.size(), 2u);
  EXPECT_TRUE(rows.limit_reached);
  std::vector<std::string> values;
  for (const auto& row : rows.rows) values.push_back(std::get<std::string>(row[1]));
  EXPECT_THAT(values, testing::UnorderedElementsAre("{\"a\":1}", "<sealed, 33 bytes>"));
  auto endless = session->select("PRINT 't';", {}, false);
  ASSERT_TRUE(endless);
  endless->query->cancel();
  EXPECT_EQ(all_rows(*endless->query).error->code(), ErrorCode::cancelled);
  EXPECT_FALSE(session->select("PRINT 'absent';", {}, false));
}

TEST(Session, OpensAndSealsOnlyWithThePolicysKeys) {
  auto log = topics::make_memory_log(topics::test_identity());
  const seal::KeyRing keys = make_keys("pay-v1", {"pay", "review"});
  const std::string sealed =
      "CREATE STREAM pay (id BIGINT, card STRING) WITH (KAFKA_TOPIC='pay', VALUE_FORMAT='JSON', "
      "PARTITIONS=1, SEAL='psr1', KEY_POLICY='pay-v1');";
  {
    auto session = open(*log, &keys);
    must(*session, sealed);
    EXPECT_TRUE(log->describe(topic_name("pay.grants"))->spec.compacted);
    must(*session,
         "INSERT INTO pay VALUES (1, '4111-1111');INSERT INTO pay VALUES (2, '4222-2222');");
    for (const std::string& value : read_values(*log, "pay")) {
      EXPECT_THAT(value, Not(HasSubstr("4111")));
      EXPECT_THAT(value, testing::StartsWith("\xd0\x83\x53"));
    }
    must(*session, "CREATE STREAM masked AS SELECT id, MASK(card) AS card FROM pay EMIT CHANGES;");
    ASSERT_TRUE(session->drain());
    EXPECT_THAT(read_values(*log, "MASKED"),
                ElementsAre(R"({"ID":1,"CARD":"nnnn-nnnn"})", R"({"ID":2,"CARD":"nnnn-nnnn"})"));
    auto leak = session->select("SELECT card FROM pay EMIT CHANGES;", {}, false);
    ASSERT_FALSE(leak);
    EXPECT_EQ(leak.error().code(), ErrorCode::permission_denied);
    EXPECT_THAT(leak.error().text(), HasSubstr("pay-v1"));
    auto allowed = session->select("SELECT card FROM pay;", {}, true);
    ASSERT_TRUE(allowed);
    EXPECT_EQ(all_rows(*allowed->query).rows.size(), 2u);
    EXPECT_TRUE(session->select("SELECT card FROM masked;", {}, false));

    const Error plain = refused(*session,
                                "CREATE STREAM open_pay (id BIGINT) WITH (KAFKA_TOPIC='review', "
                                "VALUE_FORMAT='JSON', PARTITIONS=1);");
    EXPECT_THAT(plain.text(), HasSubstr("KEY_POLICY='pay-v1'"));
    const Error other = refused(*session,
                                "CREATE STREAM x (id BIGINT) WITH (KAFKA_TOPIC='x', VALUE_FORMAT="
                                "'JSON', PARTITIONS=1, SEAL='psr1', KEY_POLICY='pay-v1');");
    EXPECT_THAT(other.text(), HasSubstr("does not name the topic 'x'"));
    const Error unknown =
        refused(*session,
                "CREATE STREAM x (id BIGINT) WITH (KAFKA_TOPIC='pay', VALUE_FORMAT="
                "'JSON', SEAL='psr1', KEY_POLICY='pay-v9');");
    EXPECT_THAT(unknown.text(), HasSubstr("'pay-v9'"));
  }
  auto without = open_session(*log, nullptr, {});
  ASSERT_FALSE(without);  // its query cannot open what it reads
  EXPECT_EQ(without.error().code(), ErrorCode::permission_denied);
  auto fresh = topics::make_memory_log(topics::test_identity());
  auto session = open(*fresh);
  EXPECT_THAT(refused(*session, sealed).text(), HasSubstr("--keys"));
}

TEST(Session, ShowsAndDescribes) {
  auto log = topics::make_memory_log(topics::test_identity());
  auto session = open(*log);
  must(*session, both());
  const auto done =
      must(*session,
           "SHOW STREAMS; SHOW TABLES; SHOW TOPICS; SHOW QUERIES; SHOW FUNCTIONS; SHOW "
           "PROPERTIES; DESCRIBE cheap EXTENDED; DESCRIBE FUNCTION mask; EXPLAIN "
           "CSAS_CHEAP_1; EXPLAIN SELECT id FROM orders EMIT CHANGES;");
  EXPECT_EQ(shown(done, 0)["streams"].size(), 2u);
  std::vector<std::string> topics;
  for (const auto& topic : shown(done, 2)["topics"]) topics.push_back(topic["name"]);
  EXPECT_THAT(topics, testing::IsSupersetOf({"CHEAP", "orders"}));
  EXPECT_THAT(topics, Not(testing::Contains(testing::StartsWith("_"))));
  EXPECT_EQ(shown(done, 3)["queries"].at(0)["id"], "CSAS_CHEAP_1");
  for (const auto& function : shown(done, 4)["functions"])
    EXPECT_FALSE(function["name"].get<std::string>().starts_with('$'));
  const auto& described = shown(done, 6)["sourceDescription"];
  EXPECT_EQ(described["writeQueries"].size(), 1u);
  EXPECT_EQ(described["partitions"], 1);
  EXPECT_EQ(shown(done, 7)["name"], "MASK");
  EXPECT_THAT(std::get<QueryDescription>(done.done[8].body).sources, ElementsAre("ORDERS"));
  EXPECT_THAT(std::get<QueryDescription>(done.done[9].body).sinks, IsEmpty());
  EXPECT_THAT(refused(*session, "DESCRIBE nothing;").text(), HasSubstr("NOTHING"));
  EXPECT_EQ(refused(*session, "EXPLAIN CSAS_NOTHING_4;").code(), ErrorCode::not_found);
}

TEST(Session, ChecksPropertiesAndKeepsThoseOfOtherClients) {
  auto log = topics::make_memory_log(topics::test_identity());
  auto session = open(*log);
  EXPECT_TRUE(session->is_valid_property("auto.offset.reset"));
  EXPECT_TRUE(session->is_valid_property("ksql.streams.auto.offset.reset"));
  EXPECT_TRUE(session->is_valid_property("processing.guarantee"));
  EXPECT_FALSE(session->is_valid_property("auto.ofset.reset"));
  EXPECT_TRUE(session->execute("SHOW STREAMS;", {{"nonsense", "1"}}).error);
  EXPECT_TRUE(session->execute("SHOW STREAMS;", {{"auto.offset.reset", "sometimes"}}).error);
  EXPECT_THAT(refused(*session, "SET 'nonsense'='1';").text(), HasSubstr("nonsense"));
  const auto set = must(*session, "SET 'auto.offset.reset'='latest'; SHOW PROPERTIES;");
  bool overwritten = false;
  for (const auto& name : shown(set, 1)["overwrittenProperties"])
    overwritten = overwritten || name == "auto.offset.reset";
  EXPECT_TRUE(overwritten);
}

TEST(Session, StartsPersistentQueriesAtTheEarliestRecordUnlessToldOtherwise) {
  auto log = topics::make_memory_log(topics::test_identity());
  auto session = open(*log);
  must(*session, kOrders);
  produce(*log, "orders", {R"({"ID":1,"ITEM":"pen","PRICE":2})"});
  must(*session,
       "SET 'auto.offset.reset'='latest';"
       "CREATE STREAM late AS SELECT id FROM orders EMIT CHANGES;");
  must(*session, "CREATE STREAM early AS SELECT id FROM orders EMIT CHANGES;");
  produce(*log, "orders", {R"({"ID":2,"ITEM":"cup","PRICE":2})"});
  ASSERT_TRUE(session->drain());
  EXPECT_THAT(read_values(*log, "LATE"), ElementsAre(R"({"ID":2})"));
  EXPECT_THAT(read_values(*log, "EARLY"), ElementsAre(R"({"ID":1})", R"({"ID":2})"));
}

TEST(Session, ReplacesAQueryInPlace) {
  auto log = topics::make_memory_log(topics::test_identity());
  auto session = open(*log);
  must(*session, both());
  produce(*log, "orders", {R"({"ID":1,"ITEM":"pen","PRICE":2})"});
  ASSERT_TRUE(session->drain());
  const auto replaced =
      must(*session,
           "CREATE OR REPLACE STREAM cheap AS SELECT id, UCASE(item) AS item FROM "
           "orders WHERE price < 10 EMIT CHANGES;");
  EXPECT_EQ(command(replaced).query_id, "CSAS_CHEAP_1");
  produce(*log, "orders", {R"({"ID":2,"ITEM":"cup","PRICE":2})"});
  ASSERT_TRUE(session->drain());
  EXPECT_THAT(read_values(*log, "CHEAP"),
              ElementsAre(R"({"ID":1,"ITEM":"pen"})", R"({"ID":2,"ITEM":"CUP"})"));
  session.reset();
  session = open(*log);
  ASSERT_EQ(session->queries().size(), 1u);
  EXPECT_THAT(session->queries()[0].statement, HasSubstr("OR REPLACE"));
}

}  // namespace
}  // namespace penstock::session::test
