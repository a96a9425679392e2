#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "session/test_world.h"
#include "topics/test_state_key.h"

namespace penstock::session::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kService =
    "CREATE STREAM orders (id BIGINT, item STRING) "
    "WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON', PARTITIONS=1);"
    "CREATE STREAM copy WITH (KAFKA_TOPIC='copy') AS SELECT id, item FROM orders EMIT CHANGES;";

std::unique_ptr<Session> observe(topics::Log& log, std::string writer = "insert_values_watcher") {
  return open(log, nullptr, {.observes = true, .insert_writer = std::move(writer)});
}

TEST(ObservingSession, KnowsTheStreamsAndStartsNothing) {
  auto log = topics::make_memory_log(topics::test_identity());
  {
    must(*open(*log), kService);
  }
  produce(*log, "orders", {R"({"ID":1,"ITEM":"pen"})"});
  auto session = observe(*log);
  ASSERT_TRUE(session->drain());
  EXPECT_TRUE(read_values(*log, "copy").empty());
  EXPECT_EQ(shown(must(*session, "SHOW STREAMS; DESCRIBE copy;"))["streams"].size(), 2u);
  EXPECT_EQ(session->queries().size(), 1u);
}

TEST(ObservingSession, LeavesTheServicesWritersAlone) {
  auto log = topics::make_memory_log(topics::test_identity());
  auto service = open(*log);
  must(*service, kService);
  must(*service, "INSERT INTO orders (id, item) VALUES (1, 'pen');");
  auto session = observe(*log);
  must(*session, "INSERT INTO orders (id, item) VALUES (2, 'ink');");
  must(*service, "INSERT INTO orders (id, item) VALUES (3, 'cap');");
  must(*service, "CREATE STREAM more WITH (KAFKA_TOPIC='more') AS SELECT id FROM copy;");
  ASSERT_TRUE(service->drain());
  EXPECT_THAT(read_values(*log, "more"), ElementsAre(R"({"ID":1})", R"({"ID":2})", R"({"ID":3})"));
}

TEST(ObservingSession, RefusesWhatStartsOrEndsQueries) {
  auto log = topics::make_memory_log(topics::test_identity());
  {
    must(*open(*log), kService);
  }
  auto session = observe(*log);
  for (const char* statement :
       {"CREATE STREAM c AS SELECT * FROM orders;", "INSERT INTO copy SELECT * FROM orders;",
        "TERMINATE ALL;", "DROP STREAM copy;"}) {
    const Error error = refused(*session, statement);
    EXPECT_EQ(error.code(), ErrorCode::failed_precondition) << statement;
    EXPECT_THAT(error.text(), HasSubstr("penstock run")) << statement;
  }
}

TEST(ObservingSession, KeepsItsOwnStreamsToItself) {
  auto log = topics::make_memory_log(topics::test_identity());
  make_topic(*log, "events");
  {
    auto session = observe(*log);
    must(*session,
         "CREATE STREAM events (id BIGINT) WITH (KAFKA_TOPIC='events', "
         "VALUE_FORMAT='JSON');");
    EXPECT_TRUE(session->select("SELECT id FROM events EMIT CHANGES LIMIT 1;", {}, true));
  }
  EXPECT_FALSE(log->describe(topic_name("_statements_default_")));
  EXPECT_TRUE(shown(must(*observe(*log), "SHOW STREAMS;"))["streams"].empty());
}

TEST(SharedSession, TakesDefinitionsFromItsStartAlone) {
  auto log = topics::make_memory_log(topics::test_identity());
  auto session = open(*log, nullptr, {.shared = true});
  must(*session, kService);
  const Error error =
      refused(*session, "CREATE STREAM c AS SELECT id FROM orders;", Again::refused);
  EXPECT_EQ(error.code(), ErrorCode::failed_precondition);
  EXPECT_THAT(error.text(), HasSubstr("each of them"));
  EXPECT_EQ(refused(*session, "TERMINATE ALL;", Again::refused).code(),
            ErrorCode::failed_precondition);
  must(*session, "INSERT INTO orders (id, item) VALUES (1, 'pen'); SHOW STREAMS;", Again::refused);
  must(*session, kService);  // a file that is run again
}

}  // namespace
}  // namespace penstock::session::test
